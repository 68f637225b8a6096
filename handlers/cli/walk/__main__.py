"""`python -m handlers.cli.walk --processes FILE`: run the ten steps in order, print each, name the one that failed.

Called by `make demo` when everything is ready; its exit status is the demo's under ONCE=1.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from config.settings import get_settings
from handlers.cli.walk import citizen, ledger_step, service, staff
from handlers.cli.walk.stage import Stage
from handlers.cli.walk.wire import StepFailed

Step = tuple[str, Callable[[], str]]


def story(stage: Stage, people: staff.SignIns) -> Iterator[Step]:
    """The ten steps of the main job, lazily, because each stands on what the one before found out."""
    phone = citizen.Phone(stage, "walker")
    found: dict[str, str] = {}

    def browse() -> str:
        proved, found["service"] = citizen.step_2_browse(stage, phone)
        return proved

    yield "准备 what a province has before its first citizen", lambda: staff.prepare(stage, phone, people)
    yield "登录 log in from the mini-program", lambda: citizen.step_1_login(stage, phone)
    yield "看目录 browse services and items", browse
    yield "要更高等级 the service asks for L3", lambda: citizen.step_3_refused(stage, phone, found["service"])
    yield "实名 real name, L2", lambda: citizen.step_4_real_name(stage, phone)
    yield "刷脸 face, L3", lambda: citizen.step_5_face(stage, phone)
    yield "办服务 the proxied call, web worker killed", lambda: service.step_6_call(stage, phone, found["service"])
    yield "办件 a case to its message, worker killed, Redis emptied", lambda: service.step_7_case(stage, phone)
    yield "推送 an operator's message, approved by a second person", lambda: staff.step_9_message(stage, phone, people)
    yield "接入 an integrator's service, live at once", lambda: staff.step_10_register(stage, phone, people)
    yield "对账 the ledger compares every book", lambda: ledger_step.step_8_ledger(stage)


def run(stage: Stage, people: staff.SignIns) -> int:
    """Walk; 0 when every step proved what it says."""
    begun = time.monotonic()
    for number, (title, act) in enumerate(story(stage, people)):
        print(f"[{number:2}] {title}", flush=True)
        started = time.monotonic()
        try:
            proved = act()
        except (StepFailed, OSError, LookupError, TypeError) as failure:  # an answer of another shape fails its step
            shown = failure if isinstance(failure, StepFailed) else repr(failure)
            print(f"     ✗ 第 {number} 步失败 step {number} failed: {shown}", flush=True)
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
