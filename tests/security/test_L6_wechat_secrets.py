"""L6, D1, D5 for WeChat: session_key, secret, tokens and openids are in no repr, no log line, no journal, no Redis."""

import logging

import pytest
import structlog

from app.core import kv
from app.core.errors import OutboundError, PlatformError
from app.platforms.base import CodeRefused, IdentityClaim
from app.platforms.wechat import tokens
from app.platforms.wechat.certify import FACE
from app.platforms.wechat.login import LOGIN
from app.platforms.wechat.messages import MESSAGES
from app.platforms.wechat.stand_in.templates import CASE_PROGRESS
from config.settings import get_settings
from tests.support.surroundings import WECHAT_APP_ID

pytestmark = pytest.mark.usefixtures("db_clean")
LI = IdentityClaim("李明", "990101199003070015")
VALUES = {"thing1": "金丝雀事项", "phrase2": "已受理", "time3": "10:00", "character_string4": "CANARY-1"}
KINDS = ["execute-then-reset", "half-body", "bad-json", "5xx", "expired-token"]
CODES = [-1, 40001, 40125, 43101, 45011, 47003]


def exercise(sandbox, kind=None, errcode=None):
    """Log in, send, run a face flow, with a fault in the way of each; returns what must not be found."""
    minted = sandbox.control("POST", "wechat/codes", user="adult")
    app = get_settings().wechat_apps[0]
    secrets = [app.secret.get_secret_value(), app.push_token.get_secret_value(), app.push_aes_key.get_secret_value()]
    identity = LOGIN.exchange(WECHAT_APP_ID, minted["code"])
    found = [*secrets, identity.session_key, identity.openid, tokens.get(app), *VALUES.values(), LI.name, LI.id_number]
    for act in (
        lambda: LOGIN.exchange(WECHAT_APP_ID, sandbox.control("POST", "wechat/codes")["code"]),
        lambda: MESSAGES.send(WECHAT_APP_ID, identity.openid, CASE_PROGRESS, VALUES, None, "zh-CN"),
        lambda: FACE.start(WECHAT_APP_ID, identity.openid, LI, "vf-canary"),
    ):
        if kind:
            sandbox.fault(kind, "/wechat/*")
        if errcode:
            sandbox.fault("errcode", "/wechat/*", status=errcode)
        try:
            found.append(act())
        except (PlatformError, OutboundError, CodeRefused) as error:
            found.append(error)
        sandbox.control("DELETE", "faults")
    return [one for one in found if isinstance(one, str)], [one for one in found if not isinstance(one, str)]


@pytest.mark.parametrize(
    ("kind", "errcode"), [(None, None), *((kind, None) for kind in KINDS), *((None, c) for c in CODES)]
)
def test_no_canary_in_logs_reprs_or_redis(sandbox, caplog, capsys, kind, errcode):
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        canaries, objects = exercise(sandbox, kind, errcode)
    printed = capsys.readouterr()
    sinks = {
        "our log": repr(lines),
        "other logs": "\n".join(record.getMessage() for record in caplog.records),
        "stdout and stderr": printed.out + printed.err,
        "reprs": "\n".join(f"{one!r} {one}" for one in objects),
        "redis": repr([kv.client().hgetall(key) for key in kv.client().scan_iter("tb:wechat:token:*")]),
        "settings": repr(get_settings()),
    }
    leaks = [(name, canary[:6]) for name, text in sinks.items() for canary in canaries if canary in text]
    assert leaks == []
    assert canaries


def test_the_journal_keeps_no_key_material(sandbox):
    canaries, _ = exercise(sandbox)
    secrets = canaries[:4] + canaries[5:6]
    kept = repr(sandbox.journal())
    assert [one[:6] for one in secrets if one in kept] == []
