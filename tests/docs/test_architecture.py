"""docs/architecture.md names what stands: every room, cellar module, job, event and truth, and none that is gone."""

import re

import pytest

from app.core import events, tasks
from app.factory import create_app
from config.rooms import ROOMS
from tests.support.source import ROOT, modules, strings

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
EVENT = re.compile(r"(?:callback|item|case|account|identity)\.[a-z_]+")


@pytest.fixture(scope="module")
def installed(servers):
    create_app()


def section(title: str) -> str:
    """From a heading to the next one of any depth."""
    return re.split(r"\n#+ ", PAGE.split(f"# {title}\n")[1])[0]


def named(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def test_every_room_is_named():
    table = named("\n".join(line for line in section("The house").splitlines() if line.startswith("|")))
    for room in ROOMS:
        top = room.removesuffix(".staff_room").replace(".", "/")
        assert {top, f"{top}.py", f"{top.rpartition('/')[2]}.py"} & table, room


def test_every_module_of_the_cellar_is_named():
    here = {path.stem for path in (ROOT / "app" / "core").iterdir() if not path.name.startswith("__")}
    assert here <= named(section("The cellar, `app/core`"))


def test_jobs_are_those_that_run_in_the_queues_they_run_in(installed):
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section("Jobs"), re.MULTILINE)
    told = {(queue, name) for queue, names in rows for name in named(names)}
    assert told == {(job.queue, job.name) for job in tasks.JOBS.values() if "." not in job.name}


def test_events_are_those_that_are_told_and_heard(installed):
    told = {name for name in named(section("Events")) if EVENT.fullmatch(name)}
    heard = {name for name in events._handlers if EVENT.fullmatch(name)}
    assert heard <= told
    said = {text for one in modules() for text in strings(one)}
    assert {name for name in told if not name.startswith("callback.")} <= said


def test_every_truth_is_named():
    here = {f"tests/truths/{path.name}" for path in (ROOT / "tests" / "truths").glob("test_*.py")}
    assert here <= named(section("Truths and their tests"))
