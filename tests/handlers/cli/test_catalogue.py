"""flask catalogue sync: tells what came, or in one sentence why nothing did."""

import json

import pytest

from app.core.errors import NotSent
from app.factory import create_app
from handlers.catalogue.sync import Synced
from handlers.cli import catalogue

pytestmark = pytest.mark.usefixtures("db_clean")


@pytest.fixture(scope="module")
def flask_app(servers):
    return create_app()


@pytest.fixture
def run(flask_app, monkeypatch):
    """The command with what the province would bring about put in its place."""

    def command(outcome, *words: str):
        asked = []

        def sync(*, force: bool) -> Synced:
            asked.append(force)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(catalogue.syncing, "sync", sync)
        done = flask_app.test_cli_runner().invoke(args=("catalogue", "sync", *words), catch_exceptions=False)
        return done, asked

    return command


def test_what_came_is_told(run):
    done, asked = run(Synced("2026-06", 12, 3, 1), "--json")
    assert (done.exit_code, asked) == (0, [False])
    assert json.loads(done.stdout) == {"version": "2026-06", "items": 12, "changed": 3, "unreadable": 1}


def test_it_can_be_forced(run):
    assert run(Synced("2026-06"), "--force")[1] == [True]


def test_another_process_at_it_is_a_failure_that_says_so(run):
    done, _ = run(Synced(""))
    assert (done.exit_code, "Another process" in done.stderr) == (1, True)


def test_a_province_that_is_away_is_one_sentence(run):
    done, _ = run(NotSent("refused"))
    assert (done.exit_code, "try again later" in done.stderr, "Traceback" in done.output) == (1, True, False)
