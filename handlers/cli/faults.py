"""`make faults`: citizens go about their business while processes die; then the ledger looks for losses and doubles.

    python -m handlers.cli.faults --processes FILE [--citizens 4] [--rounds 2]

A citizen here does what a careful mini-program does: the same Idempotency-Key again after a broken connection, a 409 or
a 503, and no new one before the old one has an answer. What no answer was given for is not told; what was told must
stand in every book. Each breakage kills -9 or empties one part of the demo's own processes, never anything else.
"""

import argparse
import secrets
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from app.stack.errors import StackError
from config.settings import get_settings
from handlers.cli.walk import citizen, ledger_step, service, staff
from handlers.cli.walk.citizen import ITEM_NAME, REGION, Phone, key
from handlers.cli.walk.stage import Stage
from handlers.cli.walk.wire import BROKEN, Answer, StepFailed, until

WRITES_EACH = 3
PATIENCE_S = 150.0
PAUSE_S = 3.0
AGAIN = frozenset({409, 429, 502, 503})  # the answers that say: later, with the same key

BREAKAGES: tuple[tuple[str, Callable[[Stage], object]], ...] = (
    ("kill -9 web workers", lambda stage: stage.processes.kill_children("web")),
    ("kill -9 worker", lambda stage: stage.processes.kill("worker")),
    ("empty Redis", lambda stage: stage.empty_redis()),
    ("kill -9 beat", lambda stage: stage.processes.kill("beat")),
    ("kill -9 PostgreSQL", lambda stage: stage.processes.kill("postgres")),
    ("kill -9 Redis", lambda stage: stage.processes.kill("redis")),
    ("kill -9 web, all of it", lambda stage: stage.processes.kill("web")),
)


def persist(what: str, ask: Callable[[], Answer], *good: int) -> Answer:
    """Ask until there is a definite answer. Raises StepFailed when patience ends or the answer is another."""

    def definite() -> Answer | None:
        answer = ask()
        later = answer.status in AGAIN or (
            answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and answer.status != HTTPStatus.GATEWAY_TIMEOUT
        )
        return None if later and answer.status not in good else answer

    answer = until(what, definite, PATIENCE_S)
    if answer.status not in good:
        raise StepFailed(f"{what}: {answer.status} {(answer.body or {}).get('code', '')}")
    return answer


class Life:
    """One citizen's day, resumable at every call."""

    def __init__(self, stage: Stage, service_id: str) -> None:
        self.stage = stage
        self.service_id = service_id
        self.phone = Phone(stage, f"faults-{secrets.token_hex(4)}")
        self.trouble = ""

    def live(self) -> None:
        try:
            self._log_in()
            self._prove()
            self._write()
            self._file()
        except (StepFailed, LookupError, TypeError, *BROKEN) as failure:
            self.trouble = f"{type(failure).__name__}: {failure}"

    def _log_in(self) -> None:
        # A code is burnt by its first use, whatever came of it: a careful client fetches a new one each time.
        persist("a session", lambda: self.phone.log_in(self.phone.mint_code()), 201)

    def _prove(self) -> None:
        for purpose in ("real_name", "face"):
            self._consent(purpose)
        self._started({"method": "real_name"} | self.phone.person)
        self.stage.told.evidence.append((self.phone.account_id, "L2"))
        started = self._started({"method": "face"})
        verification = started.body["verification_id"]
        flow = started.body["client"]["verifyId"]
        self.stage.control(f"/wechat/faces/{flow}/finish", {"outcome": "pass"})
        finish = f"/v1/me/verifications/{verification}/finish"
        persist("the finish", lambda: self.phone.me().ask("POST", finish), 200)
        until("L3", lambda: self._at_l3() or None, PATIENCE_S)
        self.stage.told.evidence.append((self.phone.account_id, "L3"))

    def _consent(self, purpose: str) -> None:
        texts = persist("the texts", lambda: self.phone.me().ask("GET", "/v1/consents"), 200).body["items"]
        version = next(text["text_version"] for text in texts if text["purpose"] == purpose)
        body = {"purpose": purpose, "text_version": version}
        persist("a consent", lambda: self.phone.me().ask("POST", "/v1/me/consents", body), 201)

    def _started(self, body: dict[str, str]) -> Answer:
        """A 504 says that nobody knows how this attempt began; proving oneself is started anew, not repeated."""
        while True:
            used = key()
            answer = persist("a verification", lambda used=used: self._verify(body, used), 201, 504)  # type: ignore[misc]  # bound now
            if answer.status == HTTPStatus.CREATED:
                return answer

    def _verify(self, body: dict[str, str], used: str) -> Answer:
        return self.phone.me().ask("POST", "/v1/me/verifications", body, Idempotency_Key=used)

    def _at_l3(self) -> bool:
        answer = self.phone.me().ask("GET", "/v1/me")
        return answer.status == HTTPStatus.OK and answer.body["level"] == "L3"

    def _write(self) -> None:
        consent = {"purpose": f"service:{self.service_id}", "text_version": "1"}
        persist("a consent", lambda: self.phone.me().ask("POST", "/v1/me/consents", consent), 201)
        for _ in range(WRITES_EACH):
            used = key()
            # 504 is definite too: the outcome is unknown, recorded so, and never sent again under this key.
            answer = persist("a write", lambda used=used: self._call(used), 200, 504)  # type: ignore[misc]  # bound now
            if answer.status == HTTPStatus.OK:
                self.stage.told.writes[used] = answer.body["data"]

    def _call(self, used: str) -> Answer:
        return self.phone.call(self.service_id, "POST", "/card/replacements", service.WRITE, Idempotency_Key=used)

    def _file(self) -> None:
        query = f"/v1/items?region={REGION}&q={service.quoted(ITEM_NAME)}"
        items = persist("the item", lambda: self.phone.app().ask("GET", query), 200).body["items"]
        body = {"item_code": items[0]["code"], "form": {"reason": "LOST"}, "accept_region": REGION}
        used = key()
        filed = persist("a case", lambda: self.phone.me().ask("POST", "/v1/cases", body, Idempotency_Key=used), 201)
        case_id = filed.body["case_id"]
        number = until("a case number", lambda: self._case(case_id).get("case_no"), PATIENCE_S)
        self.stage.control(f"/cases/{number}/advance", {"to": "DONE", "result": "APPROVED"})
        until("the end of the case", lambda: self._case(case_id)["state"] == "done" or None, PATIENCE_S)
        self.stage.told.cases[case_id] = "done"

    def _case(self, case_id: str) -> dict[str, str]:
        return dict(persist("the case", lambda: self.phone.me().ask("GET", f"/v1/cases/{case_id}"), 200).body)


def service_of(stage: Stage) -> str:
    """The card service, prepared as the walk does."""
    phone = Phone(stage, "faults-look")
    staff.prepare(stage, phone, staff.SignIns(stage, stage.folder))
    return citizen.step_2_browse(stage, phone)[1]


def break_things(stage: Stage, rounds: int, busy: Callable[[], bool]) -> int:
    """One breakage after another while anybody is still busy, and every one at least `rounds` times."""
    done = 0
    while done < rounds * len(BREAKAGES):
        title, act = BREAKAGES[done % len(BREAKAGES)]
        try:
            act(stage)
            print(f"     {title}", flush=True)
        except (StackError, StepFailed, OSError) as failure:  # still down from the one before: it counts as broken
            print(f"     {title}: {failure}", flush=True)
        done += 1
        time.sleep(PAUSE_S if busy() else PAUSE_S / 3)
    return done


def run(stage: Stage, citizens: int, rounds: int) -> int:
    lives = [Life(stage, service_of(stage)) for _ in range(citizens)]
    threads = [threading.Thread(target=life.live, daemon=True) for life in lives]
    for thread in threads:
        thread.start()
    broken = break_things(stage, rounds, lambda: any(thread.is_alive() for thread in threads))
    for thread in threads:
        thread.join(PATIENCE_S * 4)
    troubles = [life.trouble or "still waiting" for life, thread in zip(lives, threads, strict=True)
                if life.trouble or thread.is_alive()]  # fmt: skip
    stage.ready()
    told = stage.told
    print(f"{broken} breakages; told: {len(told.writes)} writes, {len(told.cases)} cases, {len(told.evidence)} proofs")
    try:
        print(ledger_step.compare_until(stage, PATIENCE_S))
    except StepFailed as failure:
        troubles.append(str(failure))
    for trouble in troubles:
        print(f"  ✗ {trouble}")
    return 1 if troubles else 0


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m handlers.cli.faults", description=__doc__)
    options.add_argument("--processes", type=Path, required=True, help="the supervisor's process table")
    options.add_argument("--citizens", type=int, default=4)
    options.add_argument("--rounds", type=int, default=2)
    chosen = options.parse_args()
    return run(Stage(get_settings(), chosen.processes), chosen.citizens, chosen.rounds)


if __name__ == "__main__":
    sys.exit(main())
