"""WeChat's error codes, sorted by what to do next. One table; each API's own "no" stands beside its module.

Source: "全局返回码 errCode" page and the pages of the APIs used, read in the 2026-07 documentation. A code that is not
listed is a definite refusal we did not foresee: PlatformRefused, so it is never repeated blindly and always logged.
"""

from typing import Final, NamedTuple

from app.core.errors import PlatformBusy, PlatformError, PlatformMisconfigured, PlatformRefused

PLATFORM: Final = "wechat"

# 40001 not latest, 40014 invalid, 42001 expired: the token went stale; client.py may fetch one fresh token, once.
STALE_TOKEN: Final = frozenset({40001, 40014, 42001})
SYSTEM_ERROR: Final = -1

MINUTE_S: Final = 60
UNTIL_TOMORROW_S: Final = 3600  # quotas reset at midnight Beijing time; asking hourly is cheap and needs no calendar


class Code(NamedTuple):
    """`kind` is what to raise; `wait_s` only for busy ones; `name` is the documented text."""

    kind: type[PlatformError]
    name: str
    wait_s: int = 0


CODES: Final[dict[int, Code]] = {
    -1: Code(PlatformBusy, "system error", 2),
    44990: Code(PlatformBusy, "per-second frequency limit", 1),
    44991: Code(PlatformBusy, "per-minute frequency limit", MINUTE_S),
    45011: Code(PlatformBusy, "api minute-quota reach limit", MINUTE_S),
    44993: Code(PlatformBusy, "per-day frequency limit", UNTIL_TOMORROW_S),
    45009: Code(PlatformBusy, "reach max api daily quota limit", UNTIL_TOMORROW_S),
    # ours to mend: credentials, permissions, console settings
    40001: Code(PlatformMisconfigured, "invalid credential, access_token is invalid or not latest"),
    40014: Code(PlatformMisconfigured, "invalid access_token"),
    42001: Code(PlatformMisconfigured, "access_token expired"),
    40002: Code(PlatformMisconfigured, "invalid grant_type"),
    40013: Code(PlatformMisconfigured, "invalid appid"),
    40125: Code(PlatformMisconfigured, "invalid appsecret"),
    40164: Code(PlatformMisconfigured, "invalid ip, not in whitelist"),
    40234: Code(PlatformMisconfigured, "API_Invalid_Signature: API signing is switched on in the console"),
    40243: Code(PlatformMisconfigured, "AppSecret frozen"),
    41001: Code(PlatformMisconfigured, "access_token missing"),
    41002: Code(PlatformMisconfigured, "appid missing"),
    41004: Code(PlatformMisconfigured, "appsecret missing"),
    48001: Code(PlatformMisconfigured, "api unauthorized"),
    48004: Code(PlatformMisconfigured, "api forbidden"),
    50004: Code(PlatformMisconfigured, "token API forbidden"),
    50007: Code(PlatformMisconfigured, "account frozen"),
    61004: Code(PlatformMisconfigured, "access clientip is not registered"),
    89503: Code(PlatformMisconfigured, "IP call awaits the administrator's confirmation"),
    89506: Code(PlatformMisconfigured, "IP call rejected for 24 h"),
    89507: Code(PlatformMisconfigured, "IP call rejected for 1 h"),
    # our bugs: they refuse for ever, and a log line with the code is what finds them
    40066: Code(PlatformRefused, "invalid url"),
    40097: Code(PlatformRefused, "invalid args"),
    43001: Code(PlatformRefused, "require GET"),
    43002: Code(PlatformRefused, "require POST"),
    43003: Code(PlatformMisconfigured, "require https"),
    44002: Code(PlatformRefused, "empty post data"),
    47001: Code(PlatformRefused, "data format error"),
    47003: Code(PlatformRefused, "argument invalid"),
    # about this user
    40003: Code(PlatformRefused, "invalid openid"),
    43104: Code(PlatformRefused, "openid does not match appid"),
    50002: Code(PlatformRefused, "user limited"),
    # face 2.0, getverifyid / queryverifyinfo pages
    84010: Code(PlatformRefused, "out_seq_no missing"),
    84011: Code(PlatformRefused, "out_seq_no format"),
    84012: Code(PlatformRefused, "cert_info missing"),
    84013: Code(PlatformRefused, "cert type"),
    84014: Code(PlatformRefused, "cert name"),
    84015: Code(PlatformRefused, "cert number"),
    84016: Code(PlatformRefused, "openid missing"),
    84017: Code(PlatformRefused, "openid mismatch"),
    84018: Code(PlatformRefused, "cert_hash invalid or mismatch"),
    84019: Code(PlatformRefused, "out_seq_no exists"),
    84020: Code(PlatformRefused, "out_seq_no mismatch"),
    84021: Code(PlatformRefused, "verify_id missing"),
    84022: Code(PlatformRefused, "verify_id expired"),
}

UNFORESEEN: Final = Code(PlatformRefused, "not in the documentation read")


def failure(operation: str, errcode: int, rid: str = "") -> PlatformError:
    """The error to raise for an errcode that is no datum of this operation. `rid` is WeChat's trace, for the log."""
    code = CODES.get(errcode, UNFORESEEN)
    return code.kind(PLATFORM, operation, str(errcode), trace=rid, retry_after_s=code.wait_s)
