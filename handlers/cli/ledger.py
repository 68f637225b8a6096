"""The ledger: compares every book after a run and names each difference. Called by the walk and by `make faults`.

Books: what the walk was told, what the stand-ins' journals truly saw, what the database holds (read as the auditor, who
cannot write), and the audit's chain. A difference in either direction counts: something accepted and lost, something
done twice, something sent that nobody recorded, something recorded that never happened.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, create_engine, text

from app.core import audit

SEND = "/cgi-bin/message/subscribe/send"
STUCK_S = 60


@dataclass
class Books:
    """`since` is when the run began; journals hold only entries of the run."""

    database: Connection
    since: datetime
    province: Sequence[Mapping[str, Any]]
    wechat: Sequence[Mapping[str, Any]]
    callbacks: Sequence[Mapping[str, Any]]  # the province's own list of events it sent and how each ended
    province_cases: Mapping[str, str]  # case number -> state, as the province shows it
    accounts: Sequence[str] = ()
    evidence: Sequence[tuple[str, str]] = ()
    writes: Mapping[str, Any] = field(default_factory=dict)
    cases: Mapping[str, str] = field(default_factory=dict)
    messages: Sequence[str] = ()
    services: Sequence[str] = ()

    def rows(self, query: str, **values: Any) -> list[Any]:
        return list(self.database.execute(text(query), {"since": self.since, **values}))


Difference = str
Check = Callable[[Books], Iterator[Difference]]


def accounts(books: Books) -> Iterator[Difference]:
    """Every session that was answered 201 has its account; every code WeChat exchanged was burnt first."""
    for account in books.accounts:
        if not books.rows("SELECT 1 FROM sessions WHERE account_id = :account", account=account):
            yield f"a session was promised to {account}, none is recorded"
    exchanged = sum(
        1 for entry in books.wechat if entry["operation"] == "/sns/jscode2session" and entry["check"] == "ok"
    )
    (burnt,) = books.rows("SELECT count(*) FROM login_codes WHERE burnt_at >= :since")[0]
    if exchanged > burnt:
        yield f"WeChat exchanged {exchanged} codes, we burnt {burnt}"


def evidence(books: Books) -> Iterator[Difference]:
    """Each level promised is one evidence row of one consumed verification; no verification was used twice."""
    for account, level in books.evidence:
        found = books.rows(
            "SELECT v.state FROM evidence e JOIN verifications v ON v.id = e.verification_id"
            " WHERE e.account_id = :account AND e.level = :level",
            account=account, level=int(level[1:]),
        )  # fmt: skip
        if [row[0] for row in found] != ["consumed"]:
            yield f"{account} was promised {level} once, evidence says {[row[0] for row in found]}"
    for row in books.rows("SELECT verification_id FROM evidence GROUP BY 1 HAVING count(*) > 1"):
        yield f"verification {row[0]} was accepted twice"


def writes(books: Books) -> Iterator[Difference]:
    """Under one idempotency key the province executed once, and one exchange says so."""
    executed = Counter(_citizens_key(entry) for entry in books.province if entry["check"] == "executed")
    for key in books.writes:
        if executed[key] != 1:
            yield f"a write promised once was executed {executed[key]} times"
    for key, times in executed.items():
        if key and times > 1:
            yield f"the province executed one key {times} times"
    stuck = books.rows(
        "SELECT id FROM exchanges WHERE outcome = 'SENDING' AND started_at < now() - make_interval(secs => :s)",
        s=STUCK_S,
    )
    yield from (f"exchange {row[0]} never got an outcome" for row in stuck)


def _citizens_key(entry: Mapping[str, Any]) -> str:
    """The gateway sends `<the citizen's key>.<whose>`, so that equal keys of two citizens differ at the province."""
    return str(entry["facts"]["idempotency_key"]).partition(".")[0]


def cases(books: Books) -> Iterator[Difference]:
    """A case is filed once, and both sides show the state the citizen was told."""
    for case_id, told in books.cases.items():
        found = books.rows("SELECT state, case_no FROM cases WHERE id = :id", id=case_id)
        theirs = books.province_cases.get(found[0][1], "") if found else ""
        if not found or not told == found[0][0] == theirs.lower():
            yield f"case {case_id}: told {told}, recorded {found}, the province says {theirs}"
    filed = Counter(
        entry["facts"]["idempotency_key"]
        for entry in books.province
        if entry["operation"] == "cases.submit" and entry["check"] == "ok"
    )
    yield from (f"case {key} was filed {times} times" for key, times in filed.items() if times > 1)


def messages(books: Books) -> Iterator[Difference]:
    """What WeChat accepted and what we recorded as accepted are the same set; nothing hangs between."""
    seen = Counter(e["facts"]["msgid"] for e in books.wechat if e["operation"] == SEND and e["check"] == "ok")
    recorded = {
        row[0]: row[1]
        for row in books.rows(
            "SELECT channel_message_id, state FROM message_attempts"
            " WHERE created_at >= :since AND channel_message_id IS NOT NULL"
        )
    }
    unknown = len(books.rows("SELECT 1 FROM message_attempts WHERE created_at >= :since AND state = 'unknown'"))
    yield from (f"message {key} was recorded, WeChat never saw it" for key in recorded.keys() - seen.keys())
    unrecorded = seen.keys() - recorded.keys()
    if len(unrecorded) > unknown:
        yield f"WeChat accepted {len(unrecorded)} messages nobody recorded, {unknown} are marked unknown"
    for row in books.rows(
        "SELECT message_id, account_id, count(*) FROM message_attempts WHERE created_at >= :since"
        " AND state IN ('accepted_by_channel', 'delivered') GROUP BY 1, 2 HAVING count(*) > 1"
    ):
        yield f"message {row[0]} went out {row[2]} times"
    for message in books.messages:
        if not books.rows("SELECT 1 FROM message_attempts WHERE message_id = :id AND state = 'delivered'", id=message):
            yield f"message {message} was shown as delivered, no attempt says so"


def unfinished(books: Books) -> Iterator[Difference]:
    """No event is parked or stuck, no lease has been lying about."""
    tables = {"outbox_deliveries": "('waiting', 'running')", "message_attempts": "('queued', 'leased', 'sending')"}
    for table, states in tables.items():
        rows = books.rows(
            f"SELECT id FROM {table} WHERE state IN {states}"  # noqa: S608  names from the table above
            " AND coalesce(next_at, lease_until, :since) < now() - make_interval(secs => :s)",
            s=STUCK_S,
        )
        yield from (f"{table} {row[0]} is stuck" for row in rows)
    yield from (
        f"event delivery {row[0]} was parked"
        for row in books.rows("SELECT id FROM outbox_deliveries WHERE state = 'parked'")
    )


def callbacks(books: Books) -> Iterator[Difference]:
    """Whatever we acknowledged to the province is stored, once."""
    stored = Counter(row[0] for row in books.rows("SELECT event_id FROM inbound_events WHERE source LIKE 'province%'"))
    for sent in books.callbacks:
        if sent["state"] == "DELIVERED" and stored[sent["event_id"]] != 1:
            yield f"event {sent['event_id']} was acknowledged and is stored {stored[sent['event_id']]} times"


def chain(_books: Books) -> Iterator[Difference]:
    """The audit verifies from its first row."""
    verdict = audit.verify_chain()
    if not verdict.ok:
        yield f"the audit is bad at {verdict.bad_seq} ({verdict.reason}), {verdict.unsealed} rows unsealed"


def services(books: Books) -> Iterator[Difference]:
    """A service that was called is published by an approval of two different humans."""
    for service in books.services:
        found = books.rows(
            "SELECT a.requested_human, a.approved_human FROM service_versions v"
            " JOIN approvals a ON a.id = v.approval_id WHERE v.service_id = :id AND v.state = 'published'",
            id=service,
        )
        if len(found) != 1 or found[0][0] == found[0][1]:
            yield f"service {service} is live by {len(found)} approvals of two humans"


CHECKS: tuple[Check, ...] = (accounts, evidence, writes, cases, messages, unfinished, callbacks, services, chain)


def compare(books: Books) -> list[Difference]:
    """Every difference of every check; empty is the only good answer."""
    return [f"{check.__name__}: {found}" for check in CHECKS for found in check(books)]


def auditor(url: str) -> Connection:
    """A read-only connection; the caller closes it."""
    return create_engine(url, hide_parameters=True).connect()
