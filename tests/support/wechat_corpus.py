"""The corpus of malformed WeChat callbacks (security.md 10): how each line is made, and how a line becomes a request.

    python -m tests.support.wechat_corpus > tests/data/security/wechat_callbacks.jsonl

A line says what was spoilt and what must be raised: `forged` (nothing proves the sender) or `malformed` (the signature is
right, the content is not). Everything a line does not mention is genuine, so each falls at the one door it names.
"""

import base64
import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.core.inbound import Inbound
from tests.support import wechat_push as push

FILE = Path(__file__).parents[1] / "data" / "security" / "wechat_callbacks.jsonl"
Case = dict[str, Any]

POPUP_ITEM = {"TemplateId": "TPL_A", "SubscribeStatusString": "accept", "PopupScene": "0"}
EVENTS = {
    "subscribe_msg_sent_event": push.SENT["List"],
    "subscribe_msg_popup_event": POPUP_ITEM,
    "subscribe_msg_change_event": {"TemplateId": "TPL_A", "SubscribeStatusString": "reject"},
}
ODD: list[Any] = [
    None, "", 0, "0", [], {}, ["x"], {"a": {"b": 1}}, True, -1, 1.5, "-1", "1.5", "９", "a\nb", "x" * 600, 2**63 - 1,
]  # fmt: skip
# What the documented coercions let through on purpose (field -> values of ODD); they are not malformed.
FINE: dict[str, list[Any]] = {
    "FromUserName": ["0", "-1"],
    "CreateTime": [0, "0"],
    "Event": ["0", "-1", "1.5", "９"],
    "TemplateId": ["0", "-1", "1.5", "９"],
    "MsgID": [0, "0", 2**63 - 1],
    "ErrorCode": [0, "0", -1, "-1"],
    "ErrorStatus": [None, "", "0", "-1", "1.5", "９"],
}
OUTER_JSON = [
    "{}", "[]", "null", "1", '"x"', "{", '{"Encrypt":}', '{"Encrypt":"A"', '{"Encrypt":"A"}x', '{"Encrypt":"A","Encrypt":"B"}',
    '{"Encrypt":null}', '{"Encrypt":""}', '{"Encrypt":[]}', '{"Encrypt":["A"]}', '{"Encrypt":{"a":"A"}}', '{"Encrypt":1}',
    '{"Encrypt":true}', '{"encrypt":"A"}', '{"Encrypt":NaN}', '{"Encrypt":"\\ud800"}', '{"Encrypt":"\\u0000"}',
    "{'Encrypt':'A'}", '{"Encrypt":"A",}', "\ufeff{}", " {}", "{" * 5000, '{"a":' * 40 + "1" + "}" * 40,
    '{"Encrypt":"A","n":' + "9" * 5000 + "}", '{"Encrypt":"A","n":1e999}', "success", "", "\x00", "Encrypt=A", "%7B%7D",
]  # fmt: skip
BOMB = '<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
OUTER_XML = [
    "<", "<xml>", "<xml/>", "<xml></xml>", "<xml><Encrypt/></xml>", "<xml><Encrypt></Encrypt></xml>",
    "<xml><Encrypt>A</Encrypt><Encrypt>B</Encrypt></xml>", "<xml><Encrypt><a>A</a></Encrypt></xml>",
    "<xml><a><Encrypt>A</Encrypt></a></xml>", "<xml><encrypt>A</encrypt></xml>", "<XML><Encrypt>A</Encrypt></XML>",
    "<xml Encrypt='A'/>", "<xml><Encrypt a='b'>A</Encrypt></xml>", "<xml><Encrypt>A</Encrypt></xml><xml/>",
    f"{BOMB}<xml><Encrypt>&c;</Encrypt></xml>", '<!DOCTYPE xml SYSTEM "http://127.0.0.1:1/x"><xml><Encrypt>A</Encrypt></xml>',
    '<!DOCTYPE xml [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><xml><Encrypt>A</Encrypt></xml>',
    '<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Encrypt>&e;</Encrypt></xml>',
    '<!DOCTYPE xml [<!ENTITY q "' + "A" * 5000 + '">]><xml><Encrypt>' + "&q;" * 500 + "</Encrypt></xml>",
    "<!DOCTYPE xml><xml><Encrypt>A</Encrypt></xml>", "<xml>" * 9000, "<xml>" + "<a>" * 5000 + "</a>" * 5000 + "</xml>",
    "<xml>" + "<a/>" * 5000 + "</xml>", "<xml><Encrypt>&undefined;</Encrypt></xml>", "<xml><Encrypt>&#0;</Encrypt></xml>",
    '<?xml version="1.0" encoding="UTF-7"?><xml><Encrypt>A</Encrypt></xml>',
    '<?xml version="1.0" encoding="UTF-16"?><xml><Encrypt>A</Encrypt></xml>', "<?php echo 1 ?><xml><Encrypt>A</Encrypt></xml>",
    "<xml><![CDATA[<Encrypt>A</Encrypt>]]></xml>", "<xml><Encrypt>A</Encrypt>", "<!-- --><xml><!-- </xml>",
    "<xml xmlns='urn:x'><Encrypt>A</Encrypt></xml>", "<a:xml><Encrypt>A</Encrypt></a:xml>", "<xml>\x00</xml>",
]  # fmt: skip
XML_HEAD = (
    "<ToUserName>gh_0123456789ab</ToUserName><FromUserName>o1</FromUserName><CreateTime>1750000000</CreateTime>"
    "<MsgType>event</MsgType>"
)
SENT_XML = "<List><TemplateId>T</TemplateId><MsgID>1</MsgID><ErrorCode>0</ErrorCode><ErrorStatus>s</ErrorStatus></List>"
INNER_XML = [
    f"<xml>{XML_HEAD}</xml>",
    f"<xml>{XML_HEAD}<MsgType>event</MsgType><Event>subscribe_msg_sent_event</Event></xml>",
    f"<xml>{XML_HEAD}<Event>subscribe_msg_sent_event</Event></xml>",
    f"<xml>{XML_HEAD}<Event>subscribe_msg_sent_event</Event><Event>x</Event></xml>",
    f"<xml>{XML_HEAD}<Event><a>subscribe_msg_sent_event</a></Event></xml>",
    f"<xml>{XML_HEAD}<Event>subscribe_msg_sent_event</Event>{SENT_XML}</xml>",
    f"<xml>{XML_HEAD}<Event>subscribe_msg_sent_event</Event><SubscribeMsgSentEvent/></xml>",
    f"<xml>{XML_HEAD}<Event>subscribe_msg_sent_event</Event><SubscribeMsgSentEvent>text</SubscribeMsgSentEvent></xml>",
    f"<xml>{XML_HEAD}<Event>subscribe_msg_sent_event</Event><SubscribeMsgSentEvent><List/></SubscribeMsgSentEvent></xml>",
    f"<xml>{XML_HEAD}<Event>subscribe_msg_sent_event</Event><SubscribeMsgPopupEvent>{SENT_XML}</SubscribeMsgPopupEvent></xml>",
    f"<xml>{XML_HEAD}<Event>subscribe_msg_sent_event</Event><SubscribeMsgSentEvent>{SENT_XML * 51}</SubscribeMsgSentEvent></xml>",
    f"<xml>{XML_HEAD}<Event>subscribe_msg_sent_event</Event>"
    + f"<SubscribeMsgSentEvent>{SENT_XML}</SubscribeMsgSentEvent>" * 2
    + "</xml>",
    f"<xml>{XML_HEAD}<ToUserName>gh_0123456789ab</ToUserName><Event>x</Event></xml>",
    f"<xml>{XML_HEAD}<FromUserName>o2</FromUserName><Event>x</Event></xml>",
    "<xml><MsgType>event</MsgType><Event>x</Event></xml>",
    "<xml><MsgType/></xml>",
    "<xml><MsgType>text</MsgType></xml>",
    f"{BOMB}<xml>{XML_HEAD}<Event>&c;</Event></xml>",
    "<notxml/>",
]


NO_TIMES = [
    "1750000000.0", "+1750000000", " 1750000000", "1750000000 ", "-1750000000", "1e9", "0x684ED400", "１７５００００００００",
    "١٧٥٠٠٠٠٠٠٠", "1750000000000", "1", "NaN", "2025-06-15T15:06:40Z", "99999999999", "000000000",
]  # fmt: skip
NO_QUERIES = [
    "", "&", "=", "a", "a&b", "%", "%ff=%fe&timestamp=1", "&&&&", "timestamp=1;nonce=2", "x=" + "y" * 4000, "a=1&" * 400,
]  # fmt: skip
NO_ROUTES = ["", "wx0000000000000000", "wx0123456789ABCDEF", "../wechat", "wx0123456789abcdef%00", "*"]


def members_for(event: str) -> Case:
    return push.SENT | {"Event": event, "List": EVENTS[event]}


def _retyped() -> Iterator[Case]:
    for event, item in EVENTS.items():
        tops = [name for name in push.SENT if name != "List"]
        for name in tops:
            yield {"why": f"{event} without {name}", "expect": "malformed", "event": event, "drop": name}
        for name in item:
            if name not in {"PopupScene", "ErrorStatus"}:
                yield {"why": f"{event} item without {name}", "expect": "malformed", "event": event, "item_drop": name}
        for value in ODD:
            shown = json.dumps(value, ensure_ascii=False)[:40]
            for name in tops:
                if value not in FINE.get(name, []) or isinstance(value, bool):
                    yield _odd(event, "set", name, value, shown)
            for name in item:
                if name != "PopupScene" and (value not in FINE.get(name, []) or isinstance(value, bool)):
                    yield _odd(event, "item_set", name, value, shown)
            yield _odd(event, "set", "List", value, shown)
            yield _odd(event, "set", "List", [value], f"[{shown}]")
        yield _odd(event, "set", "List", [item] * 51, "51 items")
        yield _odd(event, "set", "List", [item, None], "an item and null")
        yield _odd(event, "set", "List", [[item]], "a list in a list")


def _odd(event: str, op: str, name: str, value: Any, shown: str) -> Case:
    return {"why": f"{event} {name} is {shown}", "expect": "malformed", "event": event, op: {name: value}}


def _ciphertexts() -> Iterator[Case]:
    for bit in range(0, 288 * 8, 11):
        yield {"why": f"bit {bit} of the ciphertext flipped", "expect": "malformed", "flip": bit}
    for seed in range(100):
        yield {"why": f"random ciphertext {seed}", "expect": "malformed", "random": seed, "size": 32 * (1 + seed % 12)}
    right = push.plaintext(push.message(push.SENT))[-1]
    for byte in [value for value in range(256) if value != right]:
        yield {"why": f"last byte {byte}", "expect": "malformed", "last_byte": byte}
    for shift in [*range(-20, 0), *range(1, 21), 100, 2**16, 2**31, 2**32 - 300]:
        yield {"why": f"length off by {shift}", "expect": "malformed", "longer": shift}
    for tail in (
        "",
        "wx0000000000000000",
        "wx0123456789abcde",
        "wx0123456789abcdef0",
        "WX0123456789ABCDEF",
        "gh_0123456789ab",
    ):
        yield {"why": f"app id {tail} inside", "expect": "malformed", "tail": tail}
    for cut in (1, 15, 16, 17, 31, 32, 64, 255, 287):
        yield {"why": f"{cut} bytes of ciphertext missing", "expect": "malformed", "cut": cut}
    yield {"why": "another app's AES key", "expect": "malformed", "aes_key": "B" * 43}
    for literal in ("A", "AAA=", "!!!!", "办件", "A" * 43 + "=", "=" * 4, " " + "A" * 44, "A" * 40 + "\n" + "A" * 4):
        yield {"why": "signed, and no base64 of a block", "expect": "malformed", "encrypt": literal}


def _forged(why: str, **more: Any) -> Case:
    return {"why": why, "expect": "forged", **more}


def _queries() -> Iterator[Case]:
    for name in ("timestamp", "nonce", "encrypt_type", "msg_signature"):
        for value in (None, "", "0", " ", "签名", "null", "a" * 300, "%00", "'\"<>"):
            yield _forged(f"{name} is {value!r}"[:60], query={name: value})
        yield _forged(f"{name} twice", repeat=name)
    for value in ("raw", "AES", "aes ", "aes,aes", "plain", "none"):
        yield _forged(f"encrypt_type {value}", query={"encrypt_type": value})
    yield from (_forged("a query that is none", raw_query=raw) for raw in NO_QUERIES)
    yield from (_forged(f"route of app {app_id}", route=app_id) for app_id in NO_ROUTES)


def _times() -> Iterator[Case]:
    yield from (_forged(f"timestamp {value}, signed", timestamp=value) for value in NO_TIMES)
    for skew in (-301, 301, -302, 3600, -3600, 86400, -86400, 10**9):
        yield _forged(f"received {skew} s later", at=skew)


def _signatures() -> Iterator[Case]:
    yield from (_forged(f"signature digit {place} changed", spoil_digit=place) for place in range(40))
    yield from (_forged(f"signature of {length} digits", sign_cut=length) for length in (0, 1, 20, 39))
    yield _forged("signature in upper case", sign_upper=True)
    for token in ("", "Sandboxtoken", "sandboxtoken ", "sandboxtoke", "secret"):
        yield _forged(f"signed with token {token!r}", token=token)
    yield _forged("sha256 for sha1", query={"msg_signature": hashlib.sha256(b"x").hexdigest()})
    yield _forged("a payment platform's probe", query={"msg_signature": "WECHATPAY/SIGNTEST/x"})


def _bodies() -> Iterator[Case]:
    for text in OUTER_JSON + OUTER_XML:
        yield {"why": "envelope", "expect": "forged", "body": text}
    for text in OUTER_JSON + OUTER_XML + INNER_XML:
        if text != "":
            yield {"why": "signed message", "expect": "malformed", "message": text}
    for name, raw in {
        "gzip": gzip.compress(b"{}", mtime=0), "utf-16": "{}".encode("utf-16"), "latin-1": b'{"Encrypt":"\xe9"}', "jpeg": b"\xff\xd8\xff\xe0",
        "xml in utf-16": "<xml/>".encode("utf-16-le"), "nul": b'{"Encrypt":"A"}\x00', "binary": bytes(range(256)),
    }.items():  # fmt: skip
        yield {"why": f"{name} envelope", "expect": "forged", "body_hex": raw.hex()}
        yield {"why": f"{name} message", "expect": "malformed", "message_hex": raw.hex()}
    yield {"why": "an empty message", "expect": "malformed", "message_hex": ""}
    yield {"why": "two events in one message", "expect": "malformed", "message": json.dumps(push.SENT) * 2}


def cases() -> list[Case]:
    return [*_retyped(), *_ciphertexts(), *_queries(), *_times(), *_signatures(), *_bodies()]


def _message(case: Case) -> bytes:
    if "message_hex" in case:
        return bytes.fromhex(case["message_hex"])
    if "message" in case:
        return case["message"].encode("utf-8", "surrogatepass")
    members = members_for(case.get("event", "subscribe_msg_sent_event"))
    item = {**members["List"], **case.get("item_set", {})}
    item.pop(case.get("item_drop", ""), None)
    members = {**members, "List": item, **case.get("set", {})}
    members.pop(case.get("drop", ""), None)
    return push.message(members)


def _ciphertext(case: Case) -> bytes:
    text = _message(case)
    spoil = {"app_id": case["tail"]} if "tail" in case else {}
    length = len(text) + case["longer"] if "longer" in case else None
    padded = push.plaintext(text, length=length, **spoil)
    if "last_byte" in case:
        padded = padded[:-1] + bytes([case["last_byte"]])
    sealed = bytearray(push.encrypt(padded, case.get("aes_key", push.AES_KEY)))
    if "flip" in case:
        sealed[case["flip"] // 8] ^= 1 << case["flip"] % 8
    if "random" in case:
        return hashlib.shake_128(f"random {case['random']}".encode()).digest(case["size"])
    return bytes(sealed[: len(sealed) - case.get("cut", 0)])


def _query(case: Case, encrypted: str) -> str:
    changes = dict(case.get("query", {}))
    if "timestamp" in case:
        signed = push.sign(push.TOKEN, case["timestamp"], push.NONCE, encrypted)
        changes |= {"timestamp": case["timestamp"], "msg_signature": signed}
    right = push.sign(case.get("token", push.TOKEN), str(push.NOW), push.NONCE, encrypted)
    if "spoil_digit" in case:
        place = case["spoil_digit"]
        changes["msg_signature"] = right[:place] + ("0" if right[place] != "0" else "1") + right[place + 1 :]
    elif "sign_cut" in case:
        changes["msg_signature"] = right[: case["sign_cut"]]
    elif "sign_upper" in case:
        changes["msg_signature"] = right.upper()
    elif "token" in case:
        changes["msg_signature"] = right
    text = push.query(encrypted, **changes)
    return f"{text}&{case['repeat']}={quote(push.NONCE)}" if "repeat" in case else text


def build(case: Case) -> Inbound:
    """The request a line describes."""
    encrypted = case["encrypt"] if "encrypt" in case else base64.b64encode(_ciphertext(case)).decode()
    if "body_hex" in case:
        raw = bytes.fromhex(case["body_hex"])
    elif "body" in case:
        raw = case["body"].encode("utf-8", "surrogatepass")
    else:
        raw = push.body(encrypted)
    query = case["raw_query"] if "raw_query" in case else _query(case, encrypted)
    return push.inbound(query, raw, case.get("route", push.APP_ID), at=push.NOW + case.get("at", 0))


if __name__ == "__main__":
    for one in cases():
        sys.stdout.write(json.dumps(one, ensure_ascii=True, separators=(",", ":")) + "\n")
