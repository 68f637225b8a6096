"""The gate: what a contender must do right before it is timed. It runs against a process that has served nobody yet.

mix-up     thousands of calls of many citizens at once, each answer repeats path and request id of its own call, a
           citizen below the level never gets through, and each exchange row names the account whose token it was
refusals   401 without a token, with a wrong one and with garbage; 403 below the level; 429 with Retry-After, after
           exactly as many calls as the limit allows
equality   the same JSON from every contender, and exactly what the upstream said
signature  the upstream verified every call, refused none, and saw no nonce twice; it does refuse unsigned calls
"""

import http.client
import itertools
import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench import calls, upstream
from bench.contenders import Contender
from bench.ground import Ground
from bench.load import Result

CALLS = 2000
LOW_EVERY = 10
BURST_CALLS = 150
BURST_CONNECTIONS = 16
CARD = "/cards/99-1"
ROWS_WITHIN_S = 5.0
UNSIGNED = {"x-tif-timestamp": "1750000000", "x-tif-nonce": "n", "x-tif-signature": "0" * 64}


class Failed(Exception):
    """What the contender did wrong."""


@dataclass
class Verdict:
    """`failures` empty: it may be timed."""

    name: str
    failures: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(port: int, path: str, headers: Mapping[str, str]) -> Answer:
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        wire.request("GET", path, headers=dict(headers))
        heard = wire.getresponse()
        return Answer(heard.status, {name.lower(): value for name, value in heard.getheaders()}, heard.read())
    finally:
        wire.close()


def expect(*, told: object, wanted: object, what: str) -> None:
    if told != wanted:
        raise Failed(f"{what}: {told!r} instead of {wanted!r}")


class Gate:
    """All checks of one contender."""

    def __init__(self, ground: Ground, world: Mapping[str, Any], contender: Contender) -> None:
        self._ground, self._world, self._contender = ground, world, contender
        self._port = contender.port(ground)
        self._path = f"/v1/services/{world['service_id']}/call"

    def pass_through(self) -> Verdict:
        """Every check runs, so that one run names everything that is wrong."""
        verdict = Verdict(self._contender.name)
        before = seen(self._ground)
        passed = 0
        checks: tuple[Callable[[dict[str, Any]], int], ...] = (
            self._mix_up, self._refused, self._too_low, self._equal, self._too_many,
        )  # fmt: skip
        for check in checks:
            try:
                passed += check(verdict.facts)
            except (Failed, OSError, http.client.HTTPException) as failure:
                verdict.failures.append(f"{check.__name__.strip('_')}: {failure}")
        if verdict.passed:
            self._signed(verdict, before, passed)
        return verdict

    def _ask(self, path: str, headers: Mapping[str, str]) -> Answer:
        return ask(self._port, self._path + path, headers)

    def _headers(self, group: str, index: int = 0) -> dict[str, str]:
        return calls.headers(self._world, self._world["people"][group][index]["token"])

    # Each check gives the number of calls that should have reached the upstream.

    def _mix_up(self, facts: dict[str, Any]) -> int:
        told = mixed_calls(self._world, self._path, f"gate-{self._contender.name}")
        result = calls.carried_out(self._port, [one[0] for one in told], seconds=60, once=True)
        expect(told=result.answers + result.dropped, wanted=len(told), what="answers")
        if result.wrong or result.dropped:
            raise Failed(f"{result.wrong} wrong and {result.dropped} lost of {len(told)}: {result.first_wrong!r}")
        whose = {request_id: account for _, request_id, account in told if account}
        self._rows(whose)
        facts["mix_up"] = {"calls": len(told), "passed": len(whose), "mixed_up": 0}
        return len(whose)

    def _rows(self, whose: Mapping[str, str]) -> None:
        found = rows_of(self._ground, self._contender.table, whose)
        expect(told=len(found), wanted=len(whose), what="exchange rows")
        wrong = sum(1 for request_id, account in found.items() if whose[request_id] != account)
        expect(told=wrong, wanted=0, what="exchange rows that name another citizen")

    def _refused(self, facts: dict[str, Any]) -> int:
        good = self._headers("many")
        wrong = {
            "without a token": {name: value for name, value in good.items() if name != "Authorization"},
            "with a wrong token": good | {"Authorization": "Bearer tbs_" + "A" * 43},
            "with a token of another shape": good | {"Authorization": "Bearer nonsense"},
            "with another app": good | {"X-App": "wechat/wxffffffffffffffff"},
        }
        told = {what: self._ask(CARD, headers).status for what, headers in wrong.items()}
        for what, status in told.items():
            allowed = {401} if "app" not in what else {400, 401, 403}
            if status not in allowed:
                raise Failed(f"{what}: {status}")
        facts["401"] = told
        return 0

    def _too_low(self, facts: dict[str, Any]) -> int:
        facts["403"] = self._ask(CARD, self._headers("low")).status
        expect(told=facts["403"], wanted=403, what="below the level")
        return 0

    def _equal(self, facts: dict[str, Any]) -> int:
        heard = self._ask(CARD, self._headers("many"))
        expect(told=heard.status, wanted=200, what="status")
        expect(told=heard.headers.get("content-type"), wanted="application/json", what="content type")
        wanted = json.loads(upstream.envelope())["data"]
        expect(told=json.loads(heard.body), wanted={"data": wanted}, what="body")
        facts["body_bytes"] = len(heard.body)
        return 1

    def _too_many(self, facts: dict[str, Any]) -> int:
        headers = self._headers("strict")
        burst = [(calls.request("GET", self._path + CARD, headers), 200, "")] * BURST_CALLS
        result = calls.carried_out(self._port, burst, connections=BURST_CONNECTIONS, seconds=30, once=True)
        refused = self._ask(CARD, headers)
        if refused.status == 200:  # it refilled while we asked
            refused = next(
                (a for a in (self._ask(CARD, headers) for _ in range(BURST_CALLS)) if a.status != 200), refused
            )
        facts["429"] = judge_limit(self._world, result, refused)
        return result.statuses.get("200", 0)

    def _signed(self, verdict: Verdict, before: Mapping[str, int], passed: int) -> None:
        after = seen(self._ground)
        told = {name: after[name] - before[name] for name in after}
        verdict.facts["upstream"] = told
        refused = {name: count for name, count in told.items() if count and name != "verified"}
        if refused or told["verified"] < passed:
            verdict.failures.append(f"signature: {passed} calls passed, the upstream counted {told}")


def mixed_calls(
    world: Mapping[str, Any], path: str, prefix: str, count: int = CALLS
) -> list[tuple[calls.Request, str, str]]:
    """(request, its id, the account that should stand in its row or "" where 403 is due), in random order."""
    many, low = itertools.cycle(world["people"]["many"]), itertools.cycle(world["people"]["low"])
    made = []
    for number in range(count):
        proved = bool(number % LOW_EVERY)
        who = next(many if proved else low)
        request_id = f"{prefix}-{number:06d}"
        text = calls.request(
            "GET",
            f"{path}/echo/{prefix}-{number:06d}",
            calls.headers(world, who["token"], **{"X-Request-Id": request_id}),
        )
        # The upstream repeats path and request id side by side in this order.
        needle = f'/echo/{request_id}","requestId":"{request_id}"' if proved else "assurance_too_low"
        made.append(((text, 200 if proved else 403, needle), request_id, who["account"] if proved else ""))
    random.Random(20260101).shuffle(made)
    return made


def judge_limit(world: Mapping[str, Any], result: Result, refused: Answer) -> dict[str, Any]:
    """The burst, plus what flowed in meanwhile, and not one more."""
    passed, stopped = result.statuses.get("200", 0), result.statuses.get("429", 0)
    most = world["burst"] + int(result.seconds * world["per_s"]) + 2
    if passed + stopped != BURST_CALLS or not world["burst"] <= passed <= most or not stopped:
        raise Failed(f"{result.statuses} in {result.seconds:.2f} s where {world['burst']} to {most} should pass")
    expect(told=refused.status, wanted=429, what="beyond the limit")
    if not refused.headers.get("retry-after", "").isdigit():
        raise Failed("429 without Retry-After")
    return {"passed": passed, "refused": stopped, "allowed": most}


def rows_of(ground: Ground, table: str, request_ids: Iterable[str]) -> dict[str, str]:
    """Request id -> account of the exchange rows, once all are there or the patience is over."""
    wanted = list(request_ids)
    deadline = time.monotonic() + ROWS_WITHIN_S
    query = f"SELECT request_id, citizen_ref FROM {table} WHERE request_id = ANY(%s)"  # noqa: S608  our own names
    with ground.sql() as connection:
        while True:
            found = connection.execute(query, [wanted]).fetchall()
            if len(found) >= len(wanted) or time.monotonic() > deadline:
                expect(told=len({row[0] for row in found}), wanted=len(found), what="exchange rows, each call once")
                return {str(row[0]): str(row[1]) for row in found}
            time.sleep(0.1)


def seen(ground: Ground) -> dict[str, int]:
    """What the upstream counted since it began."""
    counts: dict[str, int] = json.loads(ask(ground.ports["upstream"], "/-/stats", {}).body)
    return counts


def upstream_is_strict(ground: Ground) -> None:
    """The upstream itself refuses what is not signed, or all the rest would prove nothing."""
    port = ground.ports["upstream"]
    for what, headers in (("unsigned", {}), ("wrongly signed", UNSIGNED | {"x-tif-timestamp": str(int(time.time()))})):
        expect(told=ask(port, "/ebus/bench/cards/1", headers).status, wanted=401, what=f"the upstream, {what}")
