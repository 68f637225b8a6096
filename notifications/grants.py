"""The grant ledger: what a citizen has allowed us to send, one row an accept.

    given --take--> held (by an attempt) --> used | maybe_used (nobody knows) | given again (nothing was sent)
    standing                 a long-term template: one accept grants until it is taken back
    void                     turned off, or the channel said that nothing is left (43101)

An accept is told twice, by the mini-program (a hint) and by the platform's event, with no common id: the second sight
of the same account and template within the window is the same accept and is not counted again (wechat.md 9.2). There is
no API to ask a balance, so the channel's refusal always wins over this ledger. Nothing here commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, inbound
from app.core.db import tenant_of, transaction
from app.core.errors import FieldError, Problem
from app.core.events import Event
from app.core.ids import new_id
from app.core.principal import Principal
from identity import accounts
from notifications import templates
from notifications.models import Grant, Stance, Template

SAME_ACCEPT: Final = timedelta(minutes=10)
MOST_REPORTED: Final = 20  # hints no event ever confirmed, per account and template; more is a client inventing them
ASK_AGAIN: Final = timedelta(days=7)
ANSWERS: Final = ("accept", "reject", "ban", "filter")
MOST_ASKED: Final = 3  # template ids in one pop-up that every client version takes


@dataclass(frozen=True)
class Balance:
    """What is left: `credits` single sends, or a standing grant."""

    credits: int
    standing: bool

    @property
    def enough(self) -> bool:
        return self.standing or self.credits > 0

    @property
    def plenty(self) -> bool:
        """Whether a message that is only nice to have may use one."""
        return self.standing or self.credits > 1


# ---- what people answered -----------------------------------------------------------------------------------------


def report(principal: Principal, answers: Mapping[str, str]) -> None:
    """The mini-program's result of the pop-up. Raises Problem invalid_fields for a template this app does not have."""
    with transaction() as db:
        known = {row.platform_template_id: row for row in templates.of_app(db, principal.channel, principal.app_id)}
        strange = [FieldError(f"answers.{name}", "choice") for name in sorted(answers) if name not in known]
        if strange:
            raise Problem("invalid_fields", errors=strange)
        for name in sorted(answers):
            _answered(db, principal.account_id, known[name], answers[name], "reported_at")


def on_event(db: Session, event: Event) -> None:
    """The platform's word on the same pop-up, or that a citizen turned a template off."""
    said = inbound.read(db, event.subject_id)
    channel, app_id = str(event.data["platform"]), str(event.data["app_id"])
    account = accounts.by_openid(db, channel, app_id, said["openid"])
    if account is None:
        return  # answered the pop-up without ever logging in with us: nothing to send to
    # In the order of `report`: each template is locked, and two who lock in different orders wait for each other.
    for item in sorted(said["items"], key=lambda item: str(item["template_id"])):
        template = templates.by_platform_id(db, channel, app_id, item["template_id"])
        if template is not None:
            answer = "off" if item["answer"] == "reject" and item["source"] == "change" else item["answer"]
            _answered(db, account.id, template, answer, "confirmed_at")


def _answered(db: Session, account_id: str, template: Template, answer: str, sight: str) -> None:
    _one_at_a_time(db, account_id, template.id)
    if answer == "accept":
        _accepted(db, account_id, template, sight)
    elif answer != "filter":  # `filter` says nothing of the citizen: the client dropped an id of the same title
        _stand(db, account_id, template.id, answer)
        if answer == "off" or template.term == templates.LONG_TERM:
            void(db, account_id, template.id, "turned_off")


def _one_at_a_time(db: Session, account_id: str, template_id: str) -> None:
    # The two sights of one accept may arrive together; without this both would see no row and count twice.
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:pair, 0))"), {"pair": account_id + template_id})


def _accepted(db: Session, account_id: str, template: Template, sight: str) -> None:
    db.execute(Stance.__table__.delete().where(Stance.account_id == account_id, Stance.template_id == template.id))  # type: ignore[attr-defined]  # the mapped table
    seen = _same_accept(db, account_id, template, sight)
    if seen is not None:
        setattr(seen, sight, clock.now())
    elif sight == "confirmed_at" or _unconfirmed(db, account_id, template.id) < MOST_REPORTED:
        _give(db, account_id, template, sight)


def _same_accept(db: Session, account_id: str, template: Template, sight: str) -> Grant | None:
    mine = getattr(Grant, sight)
    other = Grant.confirmed_at if sight == "reported_at" else Grant.reported_at
    query = select(Grant).where(Grant.account_id == account_id, Grant.template_id == template.id)
    if template.term == templates.LONG_TERM:
        return db.scalars(query.where(Grant.state == "standing")).first()
    return db.scalars(
        query.where(mine.is_(None), other > clock.now() - SAME_ACCEPT).order_by(Grant.id).limit(1)
    ).first()


def _unconfirmed(db: Session, account_id: str, template_id: str) -> int:
    query = select(func.count()).where(
        Grant.account_id == account_id, Grant.template_id == template_id, Grant.state == "given",
        Grant.confirmed_at.is_(None),
    )  # fmt: skip
    return db.scalar(query) or 0


def _give(db: Session, account_id: str, template: Template, sight: str) -> None:
    now = clock.now()
    state = "standing" if template.term == templates.LONG_TERM else "given"
    sights: dict[str, Any] = {sight: now}
    db.add(
        Grant(
            id=new_id("gr"), tenant_id=tenant_of(db), account_id=account_id, template_id=template.id, state=state,
            created_at=now, updated_at=now, **sights,
        )
    )  # fmt: skip
    db.flush()


def _stand(db: Session, account_id: str, template_id: str, answer: str) -> None:
    values = {"answer": answer, "at": clock.now()}
    db.execute(
        insert(Stance)
        .values(tenant_id=tenant_of(db), account_id=account_id, template_id=template_id, **values)
        .on_conflict_do_update(index_elements=[Stance.account_id, Stance.template_id], set_=values)
    )


# ---- what sending does with them ----------------------------------------------------------------------------------


def balance(db: Session, account_id: str, template_id: str) -> Balance:
    rows = db.execute(
        select(Grant.state, func.count())
        .where(Grant.account_id == account_id, Grant.template_id == template_id, Grant.state.in_(("given", "standing")))
        .group_by(Grant.state)
    ).all()
    counts: dict[str, int] = {row[0]: row[1] for row in rows}
    return Balance(counts.get("given", 0), "standing" in counts)


def take(db: Session, account_id: str, template_id: str, attempt_id: str) -> bool:
    """Hold one grant for an attempt; False when none is left. A standing grant needs no holding."""
    if balance(db, account_id, template_id).standing:
        return True
    oldest = (
        select(Grant.id)
        .where(Grant.account_id == account_id, Grant.template_id == template_id, Grant.state == "given")
        .order_by(Grant.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    held = db.execute(
        update(Grant)
        .where(Grant.id == oldest)
        .values(state="held", attempt_id=attempt_id, updated_at=clock.now())
        .returning(Grant.id)
        .execution_options(synchronize_session=False)
    )
    return held.first() is not None


def settle(db: Session, attempt_id: str, state: str) -> None:
    """What became of the grant an attempt held: `used`, `maybe_used`, or `given` back when nothing was sent."""
    values: dict[str, Any] = {"state": state, "updated_at": clock.now()}
    if state == "given":
        values["attempt_id"] = None
    db.execute(
        update(Grant)
        .where(Grant.attempt_id == attempt_id, Grant.state.in_(("held", "maybe_used")))
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def void(db: Session, account_id: str, template_id: str, reason: str) -> None:
    """Nothing is left, says the citizen or the channel: the counter goes to zero."""
    db.execute(
        update(Grant)
        .where(
            Grant.account_id == account_id, Grant.template_id == template_id,
            Grant.state.in_(("given", "held", "standing")),
        )
        .values(state="void", reason=reason, updated_at=clock.now())
        .execution_options(synchronize_session=False)
    )  # fmt: skip


# ---- what to ask for ----------------------------------------------------------------------------------------------


def overview(principal: Principal) -> dict[str, Any]:
    """Each template of the caller's app with what is left, and which to put into the next pop-up."""
    with transaction() as db:
        rows = templates.of_app(db, principal.channel, principal.app_id)
        stances = _stances(db, principal.account_id)
        items = [_shown(row, balance(db, principal.account_id, row.id), stances.get(row.id)) for row in rows]
    return {"items": items, "ask": _one_popup(items)}


def _stances(db: Session, account_id: str) -> dict[str, Stance]:
    return {row.template_id: row for row in db.scalars(select(Stance).where(Stance.account_id == account_id))}


def _shown(template: Template, left: Balance, stance: Stance | None) -> dict[str, Any]:
    return {
        "platform_template_id": template.platform_template_id, "kind": template.kind, "title": template.title,
        "term": template.term, "available": left.credits, "standing": left.standing,
        "ask": not left.enough and template.banned_at is None and _may_ask(stance, clock.now()),
    }  # fmt: skip


def _may_ask(stance: Stance | None, now: datetime) -> bool:
    """A rejection rests for a week; what was turned off or banned is asked for only after the citizen turns it on."""
    return stance is None or (stance.answer == "reject" and now - stance.at > ASK_AGAIN)


def _one_popup(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """One-time and long-term ids cannot stand in one pop-up; long-term ones first, they are asked for once."""
    wanted = [item for item in items if item["ask"]]
    terms = [item for item in wanted if item["term"] == templates.LONG_TERM] or wanted
    return [item["platform_template_id"] for item in terms[:MOST_ASKED]]
