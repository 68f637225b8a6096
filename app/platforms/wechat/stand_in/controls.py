"""The wires behind this stage: `/sim/v1/wechat/...` (loopback only, guarded by the host).

Every call may name `app_id`; without it the first configured app is meant. `user` is a persona's key or an openid.
"""

from typing import Any

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue

from app.platforms.wechat.stand_in.world import Account, User, World


def given() -> dict[str, Any]:
    body = request.get_json(silent=True) if request.data else {}
    if not isinstance(body, dict):
        abort(400)
    return body


def the_account(world: World, app_id: object) -> Account:
    account = world.accounts.get(str(app_id)) if app_id else next(iter(world.accounts.values()), None)
    if account is None:
        abort(404)
    return account


def the_user(account: Account, key: object) -> User:
    user = account.user(str(key))
    if user is None:
        abort(404)
    return user


class LoginControls:
    """Users and login codes: what a person does inside WeChat before our mini-program speaks."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_users(self) -> ResponseReturnValue:
        """GET users -> {"app_id", "users": [{user, openid, name, id_number, note, risky}]}"""
        with self._world.bench.lock:
            account = the_account(self._world, request.args.get("app_id"))
            return jsonify(app_id=account.app_id, users=[user.shown() for user in account.users.values()])

    def create_user(self) -> ResponseReturnValue:
        """POST users {"user", "name"?, "id_number"?, "risky"?} -> the user"""
        body = given()
        with self._world.bench.lock:
            account = the_account(self._world, body.get("app_id"))
            more = {name: body[name] for name in ("name", "id_number", "risky") if name in body}
            return jsonify(account.add_user(str(body["user"]), **more).shown()), 201

    def mint_code(self) -> ResponseReturnValue:
        """POST codes {"user"} -> {"code", "openid", "app_id"}: what wx.login hands to the mini-program"""
        body = given()
        with self._world.bench.lock:
            account = the_account(self._world, body.get("app_id"))
            user = the_user(account, body.get("user", "adult"))
            code = self._world.mint_code(account, user)
            return jsonify(code=code, openid=user.openid, app_id=account.app_id), 201
