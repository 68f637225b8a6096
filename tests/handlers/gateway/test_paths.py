"""The path below /call and its query: one spelling in, the same spelling out."""

import pytest

from app.core.egress import BadPath
from handlers.gateway import paths

SERVICE = "sv_01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (f"/v1/services/{SERVICE}/call/cards", "/cards", ""),
        (f"/v1/services/{SERVICE}/call/cards/1?page=2&q=%20", "/cards/1", "page=2&q=%20"),
        (f"/v1/services/{SERVICE}/call/a?b?c", "/a", "b?c"),
        (f"/v1/services/{SERVICE}/call//a", "//a", ""),
    ],
)
def test_a_target_of_ours_is_taken_apart_undecoded(target, path, query):
    assert paths.split(target) == paths.Target(SERVICE, path, query)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "*",
        f"http://elsewhere/v1/services/{SERVICE}/call/cards",
        f"//elsewhere/v1/services/{SERVICE}/call/cards",
        f"/v1/%73ervices/{SERVICE}/call/cards",
        f"/v1/services/{SERVICE}/call",
        f"/v1/services/{SERVICE}%2Fcall/cards",
        f"/v1/services/{SERVICE.upper()}/call/cards",
        "/v1/services/sv_short/call/cards",
        f"/v1/services/../services/{SERVICE}/call/cards",
    ],
)
def test_what_does_not_literally_begin_as_ours_is_none(target):
    assert paths.split(target) is None


@pytest.mark.parametrize("path", ["/cards/", "/" + "a" * 2048, "/..", "/%2e", "/a//b", "/a;b", "/a%00"])
def test_a_path_that_could_be_another_is_refused(path):
    with pytest.raises(BadPath):
        paths.checked(path)


def test_a_path_is_written_anew_in_one_spelling():
    assert paths.checked("/%63ards/%E5%BC%A0") == "/cards/%E5%BC%A0"


def test_a_placeholder_is_exactly_one_segment():
    matcher = paths.compiled("/cards/{card_no}/state")
    assert matcher.fullmatch("/cards/99-1/state")
    for path in ("/cards/state", "/cards/a/b/state", "/cards//state", "/cards/99-1/state/x", "/xcards/1/state"):
        assert not matcher.fullmatch(path)


def test_a_literal_dot_in_a_pattern_is_a_dot():
    assert not paths.compiled("/v1.0/cards").fullmatch("/v1x0/cards")


@pytest.mark.parametrize(
    ("raw", "written"),
    [("", ""), ("page=2", "page=2"), ("q=%e5%bc%a0+%26&page=1", "q=%E5%BC%A0%20%26&page=1"), ("q=", "q="), ("q", "q=")],
)
def test_a_query_is_written_anew(raw, written):
    assert paths.rewritten_query(raw, {"page", "q"}) == written


@pytest.mark.parametrize(
    ("raw", "reason", "name"),
    [
        ("page=1&page=2", "repeated", "page"),
        ("p%61ge=1&page=2", "repeated", "page"),
        ("admin=1", "unknown", "admin"),
        ("page=%zz", "escape", ""),
        ("page=%", "escape", ""),
        ("page=%ff", "encoding", ""),
        ("page=%0d%0aX:1", "character", ""),
        ("page=%00", "character", ""),
        ("&", "unknown", ""),
    ],
)
def test_a_query_with_two_meanings_is_refused(raw, reason, name):
    with pytest.raises(paths.BadQuery) as refused:
        paths.rewritten_query(raw, {"page", "q"})
    assert (refused.value.reason, refused.value.name) == (reason, name)
