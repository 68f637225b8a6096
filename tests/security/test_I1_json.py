"""I1: one strict JSON loader; each hostile text is InvalidJson with a static reason, never another exception."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import strictjson
from app.core.strictjson import InvalidJson

REFUSED = [
    # (name, raw bytes, reason)
    ("empty", b"", "syntax"),
    ("blank", b"  ", "syntax"),
    ("trailing comma", b'{"a":1,}', "syntax"),
    ("two texts", b"{} {}", "syntax"),
    ("single quotes", b"{'a':1}", "syntax"),
    ("comment", b"{/* a */}", "syntax"),
    ("unclosed", b'{"a":[1', "syntax"),
    ("raw newline in a string", b'"a\nb"', "syntax"),
    ("raw NUL in a string", b'"a\x00b"', "syntax"),
    ("leading zero", b"[01]", "syntax"),
    ("plus", b"[+1]", "syntax"),
    ("hex", b"[0x10]", "syntax"),
    ("full-width digits", "[１２]".encode(), "syntax"),
    ("arabic digits", "[٣]".encode(), "syntax"),
    ("no-break space", "[1,\u00a02]".encode(), "syntax"),
    ("bad escape", rb'"\x41"', "syntax"),
    ("short escape", rb'"\u12"', "syntax"),
    ("duplicate key", b'{"a":1,"a":2}', "duplicate_key"),
    ("duplicate by escape", b'{"a":1,"\\u0061":2}', "duplicate_key"),
    ("duplicate deep inside", b'[[{"x":{"a":1,"b":2,"a":1}}]]', "duplicate_key"),
    ("NaN", b"[NaN]", "number"),
    ("Infinity", b"[Infinity]", "number"),
    ("minus Infinity", b"[-Infinity]", "number"),
    ("infinity by exponent", b"[1e999]", "number"),
    ("5,000 digits", b"[" + b"9" * 5000 + b"]", "number"),
    ("5,000 decimals", b"[0." + b"9" * 5000 + b"]", "number"),
    ("2^53 + 1", b"[9007199254740993]", "number"),
    ("-2^53 - 1", b"[-9007199254740993]", "number"),
    ("UTF-8 BOM", b"\xef\xbb\xbf{}", "encoding"),
    ("UTF-16 with BOM", '{"a":1}'.encode("utf-16"), "encoding"),
    ("UTF-16 without BOM", '{"a":1}'.encode("utf-16-le"), "syntax"),
    ("UTF-32", '{"a":1}'.encode("utf-32-be"), "syntax"),
    ("latin-1", '"é"'.encode("latin-1"), "encoding"),
    ("GBK", '"张三"'.encode("gbk"), "encoding"),
    ("overlong", b'"\xc0\xaf"', "encoding"),
    ("surrogate in UTF-8", b'"\xed\xa0\x80"', "encoding"),
    ("lone high surrogate", rb'"\ud800"', "text"),
    ("lone low surrogate", rb'["a", {"b": "\udc00"}]', "text"),
    ("surrogate in a key", rb'{"\ud83d": 1}', "text"),
    ("swapped pair", rb'"\ude00\ud83d"', "text"),
    ("escaped NUL", rb'"a\u0000"', "text"),
    ("escaped NUL in a key", rb'{"\u0000": 1}', "text"),
    ("33 arrays", b"[" * 33 + b"]" * 33, "depth"),
    ("20,000 arrays", b"[" * 20000 + b"]" * 20000, "depth"),
    ("20,000 unclosed arrays", b"[" * 20000, "depth"),
    ("20,000 objects", b'{"a":' * 20000 + b"1" + b"}" * 20000, "depth"),
    ("depth behind a string with brackets", b'["]]]]",' + b"[" * 40 + b"]" * 40 + b"]", "depth"),
    ("depth behind an escaped quote", rb'["\"]",' + b"[" * 40 + b"]" * 40 + b"]", "depth"),
]


@pytest.mark.parametrize(("raw", "reason"), [pytest.param(raw, reason, id=name) for name, raw, reason in REFUSED])
def test_hostile_text_is_refused_with_its_reason(raw, reason):
    with pytest.raises(InvalidJson) as caught:
        strictjson.loads(raw)
    assert caught.value.reason == reason
    assert str(caught.value) == reason  # nothing of the input leaks into the message


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a":[1,2.5,null,true,"x"]}', {"a": [1, 2.5, None, True, "x"]}),
        (rb'"\ud83d\ude00"', "😀"),
        ('"\U0002cb4e"'.encode(), "\U0002cb4e"),
        (b"[9007199254740992,-9007199254740992]", [2**53, -(2**53)]),
        (b"[" * 32 + b"]" * 32, json.loads("[" * 32 + "]" * 32)),
        (b'["' + b"[" * 500 + b'"]', ["[" * 500]),
        (b'{"\\u0061":1,"b":2}', {"a": 1, "b": 2}),
    ],
)
def test_plain_text_is_read(raw, value):
    assert strictjson.loads(raw) == value


def test_wide_and_shallow_is_read():
    raw = b"[" + b",".join([b'{"a":[1]}'] * 500) + b"]"
    assert len(strictjson.loads(raw)) == 500


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 24261010120013003])
def test_platform_integers_reach_64_bits(number):
    raw = b"[%d]" % number
    assert strictjson.loads(raw, integers="platform") == [number]
    with pytest.raises(InvalidJson):
        strictjson.loads(raw)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_platform_integers_stop_at_64_bits(number):
    with pytest.raises(InvalidJson):
        strictjson.loads(b"[%d]" % number, integers="platform")


def test_size_is_counted_in_bytes():
    assert strictjson.loads(b'"' + b"a" * 8 + b'"', max_bytes=10) == "a" * 8
    with pytest.raises(InvalidJson, match="too_large"):
        strictjson.loads(b'"' + b"a" * 9 + b'"', max_bytes=10)
    with pytest.raises(InvalidJson, match="too_large"):
        strictjson.loads(b" " * (strictjson.MAX_BYTES + 1))


@given(st.binary(max_size=300))
def test_no_other_exception_escapes(raw):
    try:
        strictjson.loads(raw)
    except InvalidJson:
        return


_leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@given(st.recursive(_leaves | _texts, lambda v: st.lists(v) | st.dictionaries(_texts, v), max_leaves=20))
def test_what_we_write_we_read(value):
    assert strictjson.loads(strictjson.dumps(value)) == value
    assert strictjson.loads(strictjson.canonical(value)) == value


def test_writing_is_compact_plain_and_strict():
    assert strictjson.dumps({"名": "张", "a": [1, 2]}) == '{"名":"张","a":[1,2]}'.encode()
    assert strictjson.canonical({"b": 1, "a": 2}) == b'{"a":2,"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        strictjson.dumps([float("nan")])
    with pytest.raises(ValueError, match="surrogates"):
        strictjson.dumps("\ud800")
