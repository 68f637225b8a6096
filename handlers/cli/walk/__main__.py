"""`python -m handlers.cli.walk --processes FILE`: run the ten steps in order, print each, name the one that failed.

Called by `make demo` when everything is ready; its exit status is the demo's under ONCE=1.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from config.settings import get_settings
from handlers.cli.walk import citizen, ledger_step, service, staff
from handlers.cli.walk.stage import Stage
from handlers.cli.walk.wire import StepFailed

Step = tuple[str, str, Callable[[], str]]


def story(stage: Stage, people: staff.SignIns) -> Iterator[Step]:
    """The ten steps of the main job, lazily, because each stands on what the one before found out."""
    phone = citizen.Phone(stage, f"walker-{secrets.token_hex(4)}")
    found: dict[str, str] = {}

    def browse() -> str:
        proved, found["service"] = citizen.step_2_browse(stage, phone)
        return proved

    yield "准备 0", "what a province has before its first citizen", lambda: staff.prepare(stage, phone, people)
    yield "登录 1", "log in from the mini-program", lambda: citizen.step_1_login(stage, phone)
    yield "目录 2", "browse services and items", browse
    yield "等级 3", "the service asks for L3", lambda: citizen.step_3_refused(stage, phone, found["service"])
    yield "实名 4", "real name, L2", lambda: citizen.step_4_real_name(stage, phone)
    yield "刷脸 5", "face, L3", lambda: citizen.step_5_face(stage, phone)
    yield "办事 6", "the proxied call, web worker killed", lambda: service.step_6_call(stage, phone, found["service"])
    yield "办件 7", "a case to its message, worker killed, Redis emptied", lambda: service.step_7_case(stage, phone)
    yield "对账 8", "the ledger compares every book", lambda: ledger_step.step_8_ledger(stage)
    yield "推送 9", "an operator's message, a second person's yes", lambda: staff.step_9_message(stage, phone, people)
    yield "接入 10", "an integrator's service, live at once", lambda: staff.step_10_register(stage, phone, people)
    yield "再对账", "the ledger once more, over all of it", lambda: ledger_step.step_8_ledger(stage)


def run(stage: Stage, people: staff.SignIns) -> int:
    """Walk; 0 when every step proved what it says."""
    begun = time.monotonic()
    for label, title, act in story(stage, people):
        print(f"[{label}] {title}", flush=True)
        started = time.monotonic()
        try:
            proved = act()
        except (StepFailed, OSError, LookupError, TypeError) as failure:  # an answer of another shape fails its step
            shown = failure if isinstance(failure, StepFailed) else repr(failure)
            print(f"     ✗ 失败于 failed at [{label}] {title}: {shown}", flush=True)
            return 1
        print(f"     ✓ {time.monotonic() - started:5.1f} s  {proved}", flush=True)
    print(f"全部通过 all steps passed in {time.monotonic() - begun:.1f} s", flush=True)
    return 0


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m handlers.cli.walk", description=__doc__)
    options.add_argument("--processes", type=Path, required=True, help="the supervisor's process table")
    chosen = options.parse_args()
    settings = get_settings()
    stage = Stage(settings, chosen.processes)
    people = staff.SignIns(stage, chosen.processes.parent)
    try:
        return run(stage, people)
    finally:
        (chosen.processes.parent / "sign-ins.txt").write_text("\n".join(people.lines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
