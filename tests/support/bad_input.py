"""Bad input and the refusal each piece must get, as tables: bodies, fields, proofs, paths, callbacks (section 10 of the
first milestone). tests/security/test_bad_input_over_http.py sends it all to a real gunicorn.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from config.problems import PROBLEMS
from tests.support import calling_back
from tests.support.citizen_steps import APP, LI, unique

TYPE = {"Content-Type": "application/json"}
LARGEST = 16 * 1024  # of an event of the province; anything longer is not even read
FILE = {"item_code": "x", "accept_region": "990000000000", "form": {}}


@dataclass(frozen=True)
class Bad:
    """One request, and the refusal it must get."""

    what: str
    status: int
    code: str
    method: str = "GET"
    path: str = "/v1/me"
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    proved: bool = True


def post(what: str, status: int, code: str, path: str, body: bytes | dict[str, Any], **more: Any) -> Bad:
    raw = json.dumps(body).encode() if isinstance(body, dict) else body
    headers = TYPE | {"Idempotency-Key": unique("bad-input")} | more.pop("headers", {})
    return Bad(what, status, code, "POST", path, raw, headers, **more)


MALFORMED: dict[str, bytes] = {
    "nothing": b"", "half an object": b'{"a":', "a word": b"hello", "two values": b"{}{}", "a trailing comma": b"[1,]",
    "duplicate keys": b'{"purpose":"terms","purpose":"face","text_version":"1"}', "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}', "20,000 deep": b"[" * 20_000 + b"]" * 20_000, "10,000 open": b'{"a":' * 10_000,
    "5,000 digits": b'{"a":' + b"9" * 5000 + b"}", "beyond 2^53": b'{"a":9007199254740993}', "UTF-16": '{"a":1}'.encode("utf-16"),
    "a lone surrogate": b'{"a":"\\ud800"}', "a NUL": b'{"a":"\\u0000"}', "a raw NUL": b'{"a":"\x00"}', "latin-1": b'{"a":"\xe9"}',
    "a BOM": b"\xef\xbb\xbf{}", "a comment": b"{} // x", "single quotes": b"{'a':1}",
}  # fmt: skip
# Every door that reads a body, with one it would otherwise take: a refusal is then about the one thing added to it.
READERS: dict[str, dict[str, Any]] = {
    "/v1/sessions": {"code": "never-issued-0002"},
    "/v1/me/consents": {"purpose": "terms", "text_version": "1"},
    "/v1/me/verifications": {"method": "real_name", "name": LI[0], "id_number": LI[1]},
    "/v1/me/grants": {"answers": {"TB-notice-000000000000000000000000000000000": "accept"}},
    "/v1/cases": FILE,
}


def json_cases() -> Iterator[Bad]:
    """Bodies that are no JSON, or not the JSON asked for, at every door that reads one."""
    for path, good in READERS.items():
        for what, raw in MALFORMED.items():
            yield post(what, 400, "invalid_json", path, raw)
        yield post("an array", 422, "invalid_fields", path, b"[]")
        yield post("a number", 422, "invalid_fields", path, b"7")
        yield post("an unknown field", 422, "invalid_fields", path, good | {"openid": "oX"})
        yield post(
            "another unknown field", 422, "invalid_fields", path, good | {"tenant_id": "province", "level": "L3"}
        )
        ciphertext = {"encryptedData": "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZM", "iv": "r7BXXKkLb8qrSNn05n0qiA=="}
        yield post("what WeChat encrypted for a client", 422, "invalid_fields", path, good | ciphertext)  # L7
        yield post("a form", 415, "unsupported_media_type", path, b"a=1", headers={"Content-Type": "text/plain"})
        yield post("too much", 413, "too_large", path, b'{"a":"' + b"x" * 300 * 1024 + b'"}')


def field_cases() -> Iterator[Bad]:
    """Wrong types, wrong check digits, days that never were, names nobody has."""
    for value in (None, 1, True, [], {}, 1.5, "", " ", "x" * 4000, "\u202e"):
        yield post(f"code {value!r:.20}", 422, "invalid_fields", "/v1/sessions", {"code": value})
        yield post(f"region {value!r:.20}", 422, "invalid_fields", "/v1/cases", FILE | {"accept_region": value})
        yield post(f"form {value!r:.20}", 422, "invalid_fields", "/v1/cases", FILE | {"form": value or [0]})
    for number in ("990101199003070016", "99010119900307001", "990101199013070018", "990101199002300017", "990101207001010019",
                   "９９０１０１１９９００３０７００１５", "٩٩٠١٠١١٩٩٠٠٣٠٧٠٠١٥", "990101199003070015\n", "' OR 1=1 --", "110"):  # fmt: skip
        pair = {"method": "real_name", "name": LI[0], "id_number": number}
        yield post(f"number {number!r}", 422, "invalid_fields", "/v1/me/verifications", pair)
    for name in ("", "\x01", "张\u202e三", "x" * 65, "\ue000"):
        pair = {"method": "real_name", "name": name, "id_number": LI[1]}
        yield post(f"name {name!r:.20}", 422, "invalid_fields", "/v1/me/verifications", pair)
    yield post("no key", 400, "idempotency_key_required", "/v1/cases", FILE, headers={"Idempotency-Key": ""})
    yield post("a wild key", 400, "idempotency_key_required", "/v1/cases", FILE, headers={"Idempotency-Key": "a b'--"})


def proof_cases() -> Iterator[Bad]:
    """Bad tokens, unknown apps, bad queries."""
    for token in ("", "Bearer", "Bearer ", "Bearer x", f"Bearer tbs_{'A' * 43}", "Basic eA==", "bearer\ttbs_", "Bearer " + "A" * 7000,
                  f"Bearer tbp_{'A' * 43}", "Bearer tbs_' OR 1=1--"):  # fmt: skip
        yield Bad(
            f"token {token!r:.30}", 401, "unauthenticated", headers={"Authorization": token, "X-App": APP}, proved=False
        )
        yield Bad(
            f"staff {token!r:.30}",
            401,
            "staff_unauthenticated",
            path="/ops/v1/me",
            headers={"Authorization": token},
            proved=False,
        )
    for app in (
        "",
        "wechat",
        "wechat/",
        "wechat/wx0000000000000000",
        "../wechat/x",
        "alipay/2021000000000000",
        "wechat/wx' OR 1=1",
    ):
        yield Bad(f"app {app!r}", 400, "app_required", headers={"X-App": app})
        yield post(f"login, app {app!r}", 400, "app_required", "/v1/sessions", {"code": "x"}, headers={"X-App": app})
    yield post("a code of nobody", 401, "code_refused", "/v1/sessions", {"code": "never-issued-0001"})
    yield Bad("a token in the address", 400, "token_in_url", path=f"/v1/me?access_token=tbs_{'A' * 43}")
    yield Bad("a key twice", 400, "repeated_parameter", path="/v1/cases?limit=1&limit=2")
    yield Bad("an unknown key", 422, "invalid_fields", path="/v1/cases?tenant_id=x")
    for cursor in ("x", "%00", "AAAA====", "%F0%9F%98%80", "' OR 1=1--".replace(" ", "+"), "a" * 201, "AA"):
        code = "bad_request" if cursor == "%00" else "invalid_fields"
        yield Bad(f"cursor {cursor:.20}", PROBLEMS[code].status, code, path=f"/v1/cases?cursor={cursor}")
    for limit in ("0", "-1", "101", "1e3", "%D9%A3", "NaN", ""):
        yield Bad(f"limit {limit}", 422, "invalid_fields", path=f"/v1/cases?limit={limit}")


def path_cases(service: str) -> Iterator[Bad]:
    """Paths that mean to be others, and methods nobody offers."""
    for spelt in ("../../v1/me", "a/../../b", "%2e%2e/%2e%2e/v1/me", "..%2f..%2fv1%2fme", "%252e%252e/x", "a//b", "a\\..\\b",
                  "a%5c..%5cb", "a%00b", "a;/../b", "./x", "x%2Fy", "%c0%ae%c0%ae/", "x%0d%0aX-Evil:1"):  # fmt: skip
        yield Bad(f"path {spelt}", 400, "path_refused", path=f"/v1/services/{service}/call/{spelt}")
    yield Bad("an operation nobody offers", 404, "operation_not_offered", path=f"/v1/services/{service}/call/elsewhere")
    for path in ("/v1/../ops/v1/me", "/v1//me", "/v1/me/", "/V1/me", "/v1/me%2f..", "/.git/config", "/v1/cases/%2e%2e",
                 "/v1/cases/..%2f..%2fetc%2fpasswd", "/openapi.json", "/metrics", "/readyz", "/docs/", "/v1/cases/cs_%00"):  # fmt: skip
        yield Bad(f"path {path}", 404, "not_found", path=path)
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND", "CONNECT"):
        yield Bad(f"{method}", 405, "method_not_allowed", method, "/v1/me")


ENTITY = b'<!DOCTYPE x [<!ENTITY a "%s">]>'
ATTACKS: dict[str, bytes] = {
    "billion laughs": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>',
    "quadratic": ENTITY % (b"a" * 10_000) + b"<xml>" + b"&a;" * 5000 + b"</xml>",
    "external": b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml><Encrypt>x</Encrypt></xml>',
    "parameter entity": b'<!DOCTYPE x [<!ENTITY %% p SYSTEM "http://127.0.0.1:1/">%p;]><xml/>',
    "UTF-16": '<?xml version="1.0" encoding="utf-16"?><xml><Encrypt>x</Encrypt></xml>'.encode("utf-16"),
    "UTF-7": b'<?xml version="1.0" encoding="utf-7"?><xml>+ADw-Encrypt+AD4-</xml>',
    "10,000 deep": b"<a>" * 10_000,
    "Encrypt twice": b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
    "unclosed": b"<xml><Encrypt>", "a NUL": b"<xml>\x00</xml>",
}  # fmt: skip


def callback_cases(case_no: str, template: str) -> Iterator[tuple[str, calling_back.Call, int]]:
    """What no platform would send, and the status of the platform's own refusal."""
    good, openid = calling_back.province(case_no), "o" + "x" * 27
    pushed = calling_back.popup(openid, template)
    yield "another secret", calling_back.province(case_no, secret="x" * 32), 403
    yield "another body", replace(good, body=good.body.replace(b"ACCEPTED", b"SUBMITTED")), 403
    for skew in (-301, 301, -86400):
        yield f"{skew} s", calling_back.province(case_no, at_s=int(time.time()) + skew), 403
        yield f"push {skew} s", calling_back.popup(openid, template, at_s=int(time.time()) + skew), 403
    for name in good.headers:
        if name.startswith("X-PCB"):
            yield f"without {name}", replace(good, headers={k: v for k, v in good.headers.items() if k != name}), 403
            yield f"odd {name}", replace(good, headers=good.headers | {name: "\xff' OR 1=1"}), 403
    yield "to WeChat's door", replace(good, path=pushed.path), 403
    yield "to the province's door", replace(pushed, path=good.path), 403
    yield "to an unknown app", replace(pushed, path="/callbacks/wechat/wx0000000000000000"), 404
    yield "to an unknown platform", replace(pushed, path="/callbacks/alipay/2021"), 404
    yield "no query", replace(pushed, query=""), 403
    yield "plain mode", replace(pushed, query=pushed.query.replace("encrypt_type=aes", "encrypt_type=raw")), 403
    yield "a byte of ciphertext", replace(pushed, body=pushed.body.replace(b'"Encrypt":"', b'"Encrypt":"A')), 403
    yield "too large", replace(good, body=b'{"a":"' + b"x" * 70_000 + b'"}'), 413
    for what, attack in ATTACKS.items():
        yield f"xml {what}", replace(pushed, body=attack, headers={"Content-Type": "text/xml"}), 403
    for what, raw in MALFORMED.items():
        yield f"json {what}", replace(pushed, body=raw), 403
        yield f"signed {what}", calling_back.signed_by_province(raw), 400 if len(raw) <= LARGEST else 403
