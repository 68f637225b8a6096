"""The wires behind this stage: `/sim/v1/wechat/...` (loopback only, guarded by the host).

    GET  users                                          who there is
    POST users        {user, name?, id_number?, risky?} one more person
    POST codes        {user}                            what wx.login hands out            -> {code, openid, app_id}
    GET  templates                                      the private templates
    POST subscribe    {user, answers: {template_id: accept|reject}}   the pop-up is answered; pushes the popup event
    POST unsubscribe  {user, template_id}               turned off in WeChat; pushes the change event
    GET  credits      ?user=                            sends left per template
    GET  messages     ?user=                            what arrived on the phone, oldest first
    GET  faces                                          open and finished face flows
    POST faces/<verify_id>/finish {outcome: pass|mismatch|face_mismatch|cancel|pending|<verify_ret>}
    GET|POST push     {format?: json|xml, list?: object|array, error_code?, error_status?}
    POST push/repeat  {}                                the last callback once more
    POST url-check    {forged?}                         the console's GET on our callback   -> {status, echoed}
    POST tokens/revoke {}                               every access_token becomes unknown (40001)

Every call may name `app_id`; without it the first configured app is meant. `user` is a persona's key or an openid.
"""

import http.client
import secrets
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app.platforms.wechat.stand_in.face import Faces
from app.platforms.wechat.stand_in.messages import Messages
from app.platforms.wechat.stand_in.push import TIMEOUT_S, Emitter, url_check
from app.platforms.wechat.stand_in.templates import TEMPLATES
from app.platforms.wechat.stand_in.tokens import Tokens
from app.platforms.wechat.stand_in.world import Account, User, World

ANSWERS: Final = frozenset({"accept", "reject"})
ECHO_LIMIT_BYTES: Final = 4096


class Controls:
    """One method for each line above. Each takes the bench's lock: it moves the same state the APIs do."""

    def __init__(self, world: World, tokens: Tokens, messages: Messages, faces: Faces, emitter: Emitter) -> None:
        self._world = world
        self._tokens = tokens
        self._messages = messages
        self._faces = faces
        self._emitter = emitter

    def add_to(self, room: Blueprint) -> None:
        rules: list[tuple[str, str, Callable[..., ResponseReturnValue]]] = [
            ("GET", "users", self.list_users),
            ("POST", "users", self.create_user),
            ("POST", "codes", self.mint_code),
            ("GET", "templates", self.list_templates),
            ("POST", "subscribe", self.answer_popup),
            ("POST", "unsubscribe", self.turn_off),
            ("GET", "credits", self.list_credits),
            ("GET", "messages", self.list_messages),
            ("GET", "faces", self.list_faces),
            ("POST", "faces/<verify_id>/finish", self.finish_face),
            ("GET", "push", self.show_push),
            ("POST", "push", self.set_push),
            ("POST", "push/repeat", self.repeat_push),
            ("POST", "url-check", self.check_url),
            ("POST", "tokens/revoke", self.revoke_tokens),
        ]
        for method, path, view in rules:
            room.add_url_rule(f"/sim/v1/wechat/{path}", f"sim_{view.__name__}", view, methods=[method])

    def list_users(self) -> ResponseReturnValue:
        with self._world.bench.lock:
            account = self._account()
            return jsonify(app_id=account.app_id, users=[user.shown() for user in account.users.values()])

    def create_user(self) -> ResponseReturnValue:
        body = _given()
        with self._world.bench.lock:
            more = {name: body[name] for name in ("name", "id_number", "risky") if name in body}
            return jsonify(self._account().add_user(str(body["user"]), **more).shown()), 201

    def mint_code(self) -> ResponseReturnValue:
        with self._world.bench.lock:
            account = self._account()
            user = self._user(account)
            code = self._world.mint_code(account, user)
            return jsonify(code=code, openid=user.openid, app_id=account.app_id), 201

    def list_templates(self) -> ResponseReturnValue:
        rows = [
            {"template_id": item.template_id, "title": item.title, "kind": item.kind, "content": item.content}
            for item in TEMPLATES.values()
        ]
        return jsonify(templates=rows)

    def answer_popup(self) -> ResponseReturnValue:
        answers = _given().get("answers")
        if not isinstance(answers, dict) or not answers or not set(answers.values()) <= ANSWERS:
            abort(400)
        with self._world.bench.lock:
            account = self._account()
            self._messages.answer_popup(account, self._user(account).openid, answers)
        # What wx.requestSubscribeMessage gives back to the page.
        return jsonify({"errMsg": "requestSubscribeMessage:ok", **answers})

    def turn_off(self) -> ResponseReturnValue:
        with self._world.bench.lock:
            account = self._account()
            self._messages.turn_off(account, self._user(account).openid, str(_given().get("template_id", "")))
        return jsonify(ok=True)

    def list_credits(self) -> ResponseReturnValue:
        with self._world.bench.lock:
            account = self._account()
            openid = self._user(account).openid
            left = {template: n for (who, template), n in account.credits.items() if who == openid}
        return jsonify(credits=left)

    def list_messages(self) -> ResponseReturnValue:
        with self._world.bench.lock:
            account = self._account()
            openid = self._user(account).openid if request.args.get("user") else None
            found = [message for message in account.messages if openid in {None, message["touser"]}]
        return jsonify(messages=found)

    def list_faces(self) -> ResponseReturnValue:
        with self._world.bench.lock:
            rows = [
                {
                    "verify_id": face.verify_id,
                    "openid": face.openid,
                    "name": face.cert_name,
                    "out_seq_no": face.out_seq_no,
                    "verify_ret": face.outcome,
                }
                for face in self._account().faces.values()
            ]
        return jsonify(faces=rows)

    def finish_face(self, verify_id: str) -> ResponseReturnValue:
        with self._world.bench.lock:
            face = self._faces.finish(self._account(), verify_id, _given().get("outcome", "pass"))
        if face is None:
            abort(404)
        # What wx.requestFacialVerify gives back: the flow ended; it proves nothing.
        return jsonify(errMsg="requestFacialVerify:ok", errCode=0, verifyResult="")

    def show_push(self) -> ResponseReturnValue:
        code, status = self._messages.receipt
        shape = "object" if self._emitter.bare else "array"
        return jsonify(format=self._emitter.format, list=shape, error_code=code, error_status=status)

    def set_push(self) -> ResponseReturnValue:
        body = _given()
        with self._world.bench.lock:
            self._emitter.format = body.get("format", self._emitter.format)
            self._emitter.bare = body.get("list", "object" if self._emitter.bare else "array") == "object"
            code, status = self._messages.receipt
            self._messages.receipt = (str(body.get("error_code", code)), str(body.get("error_status", status)))
        return self.show_push()

    def repeat_push(self) -> ResponseReturnValue:
        with self._world.bench.lock:
            if self._emitter.last is None:
                abort(404)
            self._world.bench.push(self._emitter.last)
        return jsonify(ok=True)

    def check_url(self) -> ResponseReturnValue:
        account = self._account()
        echostr = str(secrets.randbelow(10**19))
        url = self._emitter.callback_url(account.config)
        probe = url_check(account.config, url, self._world.bench.now(), echostr, forged=bool(_given().get("forged")))
        parts = urlsplit(probe.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", f"{parts.path}?{parts.query}")
            answer = connection.getresponse()
            body = answer.read(ECHO_LIMIT_BYTES)
        except (OSError, http.client.HTTPException):
            return jsonify(status=0, echoed=False)
        finally:
            connection.close()
        return jsonify(status=answer.status, echoed=body == echostr.encode())

    def revoke_tokens(self) -> ResponseReturnValue:
        with self._world.bench.lock:
            self._tokens.revoke_all()
        return jsonify(ok=True)

    def _account(self) -> Account:
        app_id = request.args.get("app_id") or _given().get("app_id")
        first = next(iter(self._world.accounts.values()), None)
        account = self._world.accounts.get(str(app_id)) if app_id else first
        if account is None:
            abort(404)
        return account

    def _user(self, account: Account) -> User:
        user = account.user(str(request.args.get("user") or _given().get("user", "adult")))
        if user is None:
            abort(404)
        return user


def _given() -> dict[str, Any]:
    body = request.get_json(silent=True) if request.data else {}
    if not isinstance(body, dict):
        abort(400)
    return body
