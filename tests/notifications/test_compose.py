"""Filling words into texts: placeholders by tokenizer, once; everything else stays what it is."""

import pytest

from config.messages import KINDS
from notifications import compose

NOTICE = {"title": "领卡通知", "content": "请带身份证到窗口领取", "at": "2026-06-15 09:00"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{title}}", "T"),
        ("<{{title}}|{{content}}>", "<T|C>"),
        ("{{title}}{{title}}", "TT"),
        ("{{ title }}", "{{ title }}"),
        ("{{other}}", "{{other}}"),
        ("{{{title}}}", "{T}"),
        ("{title}", "{title}"),
        ("", ""),
    ],
)
def test_fill(text, filled):
    assert compose.fill(text, {"title": "T", "content": "C"}) == filled


def test_a_value_is_never_filled_again():
    assert compose.fill("{{title}} {{content}}", {"title": "{{content}}", "content": "C"}) == "{{content}} C"


def test_checked_takes_a_complete_message():
    assert compose.checked("service_notice", NOTICE) == NOTICE


@pytest.mark.parametrize(
    ("change", "name", "code"),
    [
        ({"title": "x" * 61}, "title", "length"),
        ({"title": ""}, "title", "required"),
        ({"content": "a\u202eb"}, "content", "text"),
        ({"content": "a\u200bb"}, "content", "text"),
        ({"content": "a\nb"}, "content", "text"),
        ({"content": "a\x00b"}, "content", "text"),
        ({"content": "a\ue000b"}, "content", "text"),
        ({"content": "a\u2028b"}, "content", "text"),
        ({"extra": "x"}, "extra", "unknown"),
    ],
)
def test_checked_refuses_naming_the_value(change, name, code):
    with pytest.raises(compose.BadValue) as bad:
        compose.checked("service_notice", NOTICE | change)
    assert (bad.value.name, bad.value.code) == (name, code)
    assert "x" * 61 not in str(bad.value)


def test_checked_refuses_a_missing_value():
    with pytest.raises(compose.BadValue) as bad:
        compose.checked("service_notice", {"title": "T", "at": "now"})
    assert (bad.value.name, bad.value.code) == ("content", "required")


def test_printable_leaves_out_what_cannot_be_shown():
    assert compose.printable("社会\u200b保障\u202e卡\n补领") == "社会保障卡补领"


def test_the_page_is_the_kind_s_own_and_its_parameters_are_ids():
    kind = KINDS["case_progress"]
    assert compose.page_of(kind, {"case_id": "cs_1"}) == "pages/case/detail?id=cs_1"
    assert compose.page_of(kind, {"case_id": "x&redirect=//evil"}) == "pages/case/detail?id={{case_id}}"
    assert compose.page_of(KINDS["service_notice"], NOTICE) is None
