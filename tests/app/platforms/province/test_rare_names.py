"""I3, the road to the province: what the citizen gave is what the authority is asked, code point for code point."""

from pathlib import Path

from app.platforms.base import IdentityClaim, Match
from app.platforms.province.stand_in import people

NAMES = [
    line
    for line in (Path(__file__).parents[3] / "data" / "names.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]
# The crowd's number belongs to whoever says it, under the very name that was said.
CROWD = "990190199001010017"


def test_I3_rare_names_reach_the_province_unchanged(province, monkeypatch):
    heard = []
    find = people.find
    monkeypatch.setattr(people, "find", lambda number, name: heard.append(name) or find(number, name))
    for name in NAMES:
        assert province.two_factor(IdentityClaim("测试" + name, CROWD), "p", "c", "k").result is Match.MATCH
    assert heard == ["测试" + name for name in NAMES]
