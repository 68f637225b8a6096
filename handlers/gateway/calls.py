"""Carrying a decided call through: evidence, consent, ticket, the call itself, its outcome. Called by the front.

    plain read       speak, note the row, answer; one more try if a kept connection had died
    anything else    take the key -> intent, consent and use in one commit -> ticket -> speak -> outcome -> answer

No transaction is open while bytes travel, a ticket or a write is never sent twice, and whatever happens in between
leaves a row that says so (security.md X11, X12, P5).
"""

import hashlib
from dataclasses import replace
from typing import Any, Final, NoReturn

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import clock, idempotency, strictjson, uses
from app.core.db import ALL_TENANTS, transaction
from app.core.errors import NotSent, OutboundError, PlatformError, Problem
from app.core.ids import new_id
from app.core.log import get_log
from app.core.principal import Principal
from app.platforms import registry
from handlers.gateway import exchanges, transport
from handlers.gateway.consents import purpose_of
from handlers.gateway.models import NOT_SENT, UNKNOWN
from handlers.gateway.replies import JSON, Reply, replayed
from handlers.gateway.road import Forward
from handlers.gateway.transport import NOBODY, Heard, Person
from identity import consent, pii

log = get_log("gateway")

SUBJECT_REF: Final = "subject_ref"  # what a ticket stands for, as the ledger of uses names it
NO_TICKET: Final = Heard(NOT_SENT, "upstream_unavailable", "ticket", retry_after_s=transport.USUAL_RETRY_AFTER_S)


def carry(forward: Forward, citizen: Principal, request_id: str) -> Reply:
    """The citizen's answer. Raises Problem for every other end."""
    if forward.is_plain:
        return _plain(forward, citizen, request_id)
    if not forward.operation.write:
        return _spoken_for(forward, citizen, request_id)
    route = f"/v1/services/{forward.service.id}/call{forward.operation.pattern}"
    begun = idempotency.begin(
        citizen.account_id, forward.operation.method, route, forward.idempotency_key, forward.digest
    )
    if isinstance(begun, idempotency.Replay):
        return replayed(begun)
    return _once(forward, citizen, request_id, begun)


def _plain(forward: Forward, citizen: Principal, request_id: str) -> Reply:
    started_at = clock.now()
    heard = transport.speak(forward, NOBODY, request_id=request_id, channel=citizen.channel, key="")
    if heard.outcome == UNKNOWN and heard.reason == "reset":  # a read may be asked again; the peer closed between two
        heard = transport.speak(forward, NOBODY, request_id=request_id, channel=citizen.channel, key="")
    exchanges.noted(exchanges.row_of(forward, citizen.account_id, request_id, started_at, heard))
    return _reply(heard)


def _once(forward: Forward, citizen: Principal, request_id: str, begun: idempotency.Fresh) -> Reply:
    """A write under a key that is ours: however it ends, the key says so before the citizen hears."""
    exchange_id = new_id("ex")
    try:
        person = _introduced(forward, citizen, request_id, exchange_id, begun)
    except BaseException:
        idempotency.abandon(begun)  # no byte of the write has left, whatever stopped us
        raise
    try:
        return _settled(forward, citizen, request_id, begun, exchange_id, person)
    except SQLAlchemyError as error:
        # Bytes have left, and how it ended could not be written down: "try again later" would be wrong advice. The key
        # was not released, so it lapses into the same answer.
        log.error("outcome_not_written", object_id=exchange_id, error=type(error).__name__)  # noqa: TRY400  class only
        raise Problem("outcome_unknown", detail={"exchange_id": exchange_id}) from None


def _settled(
    forward: Forward, citizen: Principal, request_id: str, begun: idempotency.Fresh, exchange_id: str, person: Person
) -> Reply:
    try:
        reply = _carried(forward, citizen, request_id, exchange_id, person)
    except Problem as problem:
        if problem.code == "outcome_unknown":
            idempotency.mark_unknown(begun, exchange_id)
        else:
            idempotency.abandon(begun)
        raise
    except BaseException:
        idempotency.mark_unknown(begun, exchange_id)
        raise
    idempotency.complete(begun, reply.status, {"Content-Type": JSON}, reply.body)
    return reply


def _spoken_for(forward: Forward, citizen: Principal, request_id: str) -> Reply:
    """A read that hands over who asks."""
    exchange_id = new_id("ex")
    person = _introduced(forward, citizen, request_id, exchange_id, None)
    return _carried(forward, citizen, request_id, exchange_id, person)


def _introduced(
    forward: Forward, citizen: Principal, request_id: str, exchange_id: str, begun: idempotency.Fresh | None
) -> Person:
    """The intent committed and the ticket in hand; the service itself has seen nothing yet."""
    subject, fields = _intend(forward, citizen, request_id, exchange_id, begun)
    return Person(_ticket(forward, subject, exchange_id), fields)


def _carried(forward: Forward, citizen: Principal, request_id: str, exchange_id: str, person: Person) -> Reply:
    heard = transport.speak(
        forward, person, request_id=request_id, channel=citizen.channel,
        key=_key_for_upstream(forward, citizen.account_id) if forward.operation.write else "",
    )  # fmt: skip
    exchanges.closed(exchange_id, heard)
    return _reply(heard, exchange_id)


def _intend(
    forward: Forward, citizen: Principal, request_id: str, exchange_id: str, begun: idempotency.Fresh | None
) -> tuple[str, dict[str, str]]:
    """Consent, the facts that may go out, who used them, and the intent: one commit, before any byte."""
    with transaction(ALL_TENANTS) as db:
        subject, fields = "", dict[str, str]()
        if forward.needs_ticket or forward.declared:
            consent.require(db, citizen.account_id, purpose_of(forward.service.id))
            subject, fields = _facts(db, forward, citizen.citizen_id)
            uses.note(
                db, citizen_id=citizen.citizen_id, actor=citizen.actor, purpose=purpose_of(forward.service.id),
                fields=((SUBJECT_REF,) if subject else ()) + forward.declared,
                recipient=forward.service.manifest.name_zh, ref=exchange_id,
            )  # fmt: skip
        exchanges.opened(
            db, forward, citizen.account_id, request_id, exchange_id=exchange_id, key_ref=begun.id if begun else ""
        )
    return subject, fields


def _facts(db: Session, forward: Forward, citizen_id: str) -> tuple[str, dict[str, str]]:
    try:
        subject = pii.subject_of(db, citizen_id) if forward.needs_ticket else ""
        return subject, pii.declared_fields(db, citizen_id, forward.declared)
    except pii.NobodyKnown:  # the session's level is older than a merge or an erasure of this moment
        raise Problem("conflict") from None


def _ticket(forward: Forward, subject: str, exchange_id: str) -> str:
    """A fresh ticket for this one call. Whatever goes wrong here, the service itself has seen nothing."""
    if not forward.needs_ticket:
        return ""
    try:
        return registry.province().issue_ticket(subject, forward.service.manifest.upstream.audience).value
    except (OutboundError, PlatformError) as error:
        reason = error.reason if isinstance(error, NotSent) else type(error).__name__
        log.warning("ticket_not_issued", service_id=forward.service.id, reason=reason)
        exchanges.closed(exchange_id, replace(NO_TICKET, reason=f"ticket_{reason}"[:60]))
        _refuse(NO_TICKET, exchange_id)


def _key_for_upstream(forward: Forward, account_id: str) -> str:
    """The citizen's key with a tag of the citizen: two people may choose the same text, and an upstream that answers a
    repeated key from memory must not answer one with the other's. The same key gives the same text for ever.
    """
    whose = f"{account_id}|{forward.service.id}|{forward.operation.method} {forward.operation.pattern}"
    return f"{forward.idempotency_key}.{hashlib.sha256(whose.encode()).hexdigest()[:16]}"


def _reply(heard: Heard, exchange_id: str = "") -> Reply:
    if heard.problem:
        _refuse(heard, exchange_id)
    return Reply(200, strictjson.dumps({"data": heard.data}))


def _refuse(heard: Heard, exchange_id: str) -> NoReturn:
    detail: dict[str, Any] = {"upstream_code": heard.code} if heard.code else {}
    if exchange_id:
        detail["exchange_id"] = exchange_id
    headers = {"Retry-After": str(heard.retry_after_s)} if heard.retry_after_s else {}
    raise Problem(heard.problem, detail=detail, headers=headers)
