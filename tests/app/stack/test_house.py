"""How the parts are started."""

import sys

from app.stack import house, recipe
from app.stack.surroundings import ROOT, given

SETTINGS = recipe.addresses(given({}), {"DATABASE_URL": "d", "REDIS_URL": "r"}) | {"TB_VAR_DIR": "/v"}


def test_parts_start_in_the_order_of_who_answers_whom():
    assert [child.name for child in house.children(SETTINGS)] == ["sandbox", "web", "worker", "beat"]


def test_every_part_runs_this_python_in_the_clone_and_sees_the_settings():
    for child in house.children(SETTINGS):
        assert child.argv[0] == sys.executable
        assert child.cwd == ROOT
        assert child.env["DATABASE_URL"] == "d"
        assert child.env["PYTHONUTF8"] == "1"


def test_no_secret_stands_on_a_command_line():
    secrets = recipe.fresh_secrets()
    for child in house.children(SETTINGS | secrets):
        assert not any(value in word for word in child.argv for value in secrets.values())


def test_beat_keeps_its_note_in_the_var_folder():
    assert "/v/beat-schedule" in house.command("beat", SETTINGS)


def test_every_queue_has_a_worker():
    words = house.command("worker", SETTINGS)
    assert words[words.index("-Q") + 1].split(",") == ["urgent", "normal", "bulk"]
