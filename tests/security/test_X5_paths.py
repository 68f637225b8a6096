"""X5: a path is decoded once, judged and written anew, and what was judged is what leaves, byte for byte."""

import json
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import http
from app.core.errors import NotSent
from app.core.http import BadPath, Call, checked_path
from tests.support.outbound import admit
from tests.support.upstreams import running

CORPUS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "security" / "paths.jsonl").read_text().splitlines()
]
BAD = [row for row in CORPUS if "refused" in row]
GOOD = [row for row in CORPUS if "becomes" in row]


def test_the_corpus_is_large():
    assert len(BAD) >= 200
    assert len({row["path"] for row in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("kind", sorted({row["class"] for row in BAD}))
def test_every_hostile_path_is_refused(kind):
    for row in (row for row in BAD if row["class"] == kind):
        with pytest.raises(BadPath) as caught:
            checked_path(row["path"])
        assert caught.value.reason == row["refused"], row


@pytest.mark.parametrize("row", GOOD, ids=[row["path"] for row in GOOD])
def test_every_honest_path_is_written_in_one_way(row):
    assert checked_path(row["path"]) == row["becomes"]
    assert checked_path(row["becomes"]) == row["becomes"]


@pytest.fixture(scope="module")
def upstream():
    with running() as made:
        yield made


@pytest.mark.parametrize("prefix", ["/open", "/open/v1"])
def test_whatever_leaves_is_inside_the_registered_prefix(monkeypatch, upstream, prefix):
    """The road as the gateway walks it: check, put behind the prefix, send. The upstream logs what it truly got."""
    admit(monkeypatch, upstream.authority)
    for row in CORPUS:
        before = len(upstream.requests)
        try:
            http.send(Call("GET", upstream.url(prefix + checked_path(row["path"]))))
        except BadPath:
            assert len(upstream.requests) == before
    for target in upstream.targets[-len(GOOD) :]:
        assert target.startswith(prefix + "/")
        assert "/../" not in unquote(unquote(target)) + "/"


def test_a_hostile_path_does_not_leave_even_unchecked(monkeypatch, upstream):
    """The second wall: `send` refuses what somebody forgot to check."""
    admit(monkeypatch, upstream.authority)
    before = len(upstream.requests)
    for row in BAD:
        if row["path"].partition("?")[0].partition("#")[0] in ("", "/", "/a"):  # "?" and "#" end a URL's path
            continue
        with pytest.raises(NotSent):
            http.send(Call("GET", upstream.url(row["path"])))
    assert len(upstream.requests) == before


@pytest.mark.parametrize("row", GOOD, ids=[row["path"] for row in GOOD])
def test_what_is_sent_is_what_was_checked(monkeypatch, upstream, row):
    admit(monkeypatch, upstream.authority)
    http.send(Call("GET", upstream.url(row["becomes"] + "?q=%2e%2e/../x")))
    assert upstream.targets[-1] == row["becomes"] + "?q=%2e%2e/../x"


def test_a_path_in_another_spelling_does_not_leave(monkeypatch, upstream):
    admit(monkeypatch, upstream.authority)
    for path in ("/%61", "/%e5%bc%a0", "/a%2db"):
        with pytest.raises(NotSent, match="path"):
            http.send(Call("GET", upstream.url(path)))


@given(st.text(st.sampled_from("./%\\;25eEfFcC0aA\u002f2"), max_size=14))
def test_nothing_random_climbs(text):
    try:
        path = checked_path("/" + text)
    except BadPath:
        return
    decoded = path
    for _ in range(4):
        decoded = unquote(decoded).replace("\\", "/")
        assert not {".", ".."} & set(decoded.split("/"))
        assert "//" not in decoded
