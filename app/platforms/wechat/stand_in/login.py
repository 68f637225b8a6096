"""`/sns/jscode2session` as seen: no access_token, text/plain, errcode absent on success (wechat.md 1.2)."""

from collections.abc import Mapping
from typing import Any

from flask import request

from app.platforms.wechat.stand_in.wire import ApiError, require
from app.platforms.wechat.stand_in.world import Account, World

MIMETYPE = "text/plain"


def code2session(world: World) -> tuple[Mapping[str, Any], Mapping[str, object]]:
    require("GET")
    account = _account(world)
    if request.args.get("grant_type") != "authorization_code":
        raise ApiError(40002)
    code = account.codes.get(request.args.get("js_code", ""))
    # A code past its five minutes and a code of another app look alike from outside: 40029.
    if code is None or code.expires_at <= world.bench.now():
        raise ApiError(40029)
    if code.used:
        raise ApiError(40163)
    code.used = True
    if code.user.risky:
        raise ApiError(40226)
    code.user.log_in()
    told = {"session_key": code.user.session_key, "openid": code.user.openid, "unionid": code.user.unionid}
    return told, {"openid": code.user.openid}


def _account(world: World) -> Account:
    app_id = request.args.get("appid", "")
    if not app_id:
        raise ApiError(41002)
    account = world.accounts.get(app_id)
    if account is None:
        raise ApiError(40013)
    secret = request.args.get("secret", "")
    if not secret:
        raise ApiError(41004)
    if secret != account.config.secret.get_secret_value():
        raise ApiError(40125)
    return account
