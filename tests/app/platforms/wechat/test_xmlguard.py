"""The parser a stranger's bytes meet: what it reads, and everything it refuses with one exception class."""

import pytest

from app.platforms.wechat import xmlguard
from app.platforms.wechat.xmlguard import BadXml

GOOD = b"<xml><A>1</A><B><![CDATA[<b>]]></B></xml>"


def refusal(raw):
    with pytest.raises(BadXml) as refused:
        xmlguard.read(raw)
    return refused.value.reason


def test_it_reads_what_wechat_sends():
    root = xmlguard.read(GOOD)
    assert [(child.tag, child.text) for child in root] == [("A", "1"), ("B", "<b>")]


@pytest.mark.parametrize("head", [b'<?xml version="1.0"?>', b"<?xml version='1.0' encoding='utf-8'?>\n", b" \n"])
def test_a_plain_declaration_is_no_harm(head):
    assert xmlguard.read(head + GOOD).tag == "xml"


def test_sixteen_deep_is_read_and_seventeen_is_not():
    assert xmlguard.read(b"<xml>" + b"<a>" * 15 + b"</a>" * 15 + b"</xml>")
    assert refusal(b"<xml>" + b"<a>" * 16 + b"</a>" * 16 + b"</xml>") == "too_deep"


def test_two_hundred_elements_are_read_and_one_more_is_not():
    assert xmlguard.read(b"<xml>" + b"<a/>" * 199 + b"</xml>")
    assert refusal(b"<xml>" + b"<a/>" * 200 + b"</xml>") == "too_many"


def test_sixty_four_kibibytes_are_read_and_one_byte_more_is_not():
    room = xmlguard.MAX_BYTES - len(b"<xml></xml>")
    assert xmlguard.read(b"<xml>" + b"a" * room + b"</xml>").tag == "xml"
    assert refusal(b"<xml>" + b"a" * (room + 1) + b"</xml>") == "too_large"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{}",
        b"<xml>",
        b"<xml></XML>",
        b"<xml/><xml/>",
        b"<other/>",
        b"<xml>&nbsp;</xml>",
        b"<xml>&#0;</xml>",
        b"<xml a='1'/>",
        b"<xml><a b='c'/></xml>",
        b"<xml><?php x?></xml>",
        b"\xff\xfe<\x00x\x00m\x00l\x00/\x00>\x00",
        "<xml/>".encode("utf-16"),
        "<xml/>".encode("utf-16-be"),
        "\ufeff<xml/>".encode(),
        b"<xml>\xff</xml>",
        b'<?xml version="1.0" encoding="UTF-7"?>+ADw-xml/+AD4-',
        b'<?xml version="1.0" encoding="UTF-16"?><xml/>',
        b'<?xml version="1.0" encoding="GBK"?><xml/>',
        b'<?xml version="1.1"?><xml/>',
        b"<!DOCTYPE xml><xml/>",
        b'<!DOCTYPE xml SYSTEM "http://127.0.0.1:1/x.dtd"><xml/>',
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>',
        b'<!DOCTYPE xml [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><xml/>',
        b'<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml>&a;</xml>',
    ],
)
def test_everything_else_is_refused_with_one_class(raw):
    assert refusal(raw)


@pytest.mark.parametrize(
    "raw", [b"<xml/>", b"<xml><A/><A/></xml>", b"<xml><A><B/></A></xml>", b"<xml><B><A>1</A></B></xml>"]
)
def test_a_single_text_is_single(raw):
    with pytest.raises(BadXml):
        xmlguard.single_text(xmlguard.read(raw), "A")


def test_split_cdata_is_one_text():
    root = xmlguard.read(b"<xml><A><![CDATA[ab]]><![CDATA[cd]]></A></xml>")
    assert xmlguard.single_text(root, "A") == "abcd"
