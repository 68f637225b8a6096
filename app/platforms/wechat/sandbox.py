"""WeChat's stand-in: the endpoints of wechat.md part 11 that our client uses, mounted by the sandbox host.

It answers in WeChat's words and misspellings and checks every request with its own code. Never imported by the client.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.platforms.bench import Bench
from app.platforms.wechat.stand_in.controls import LoginControls
from app.platforms.wechat.stand_in.login import MIMETYPE, code2session
from app.platforms.wechat.stand_in.tokens import Tokens
from app.platforms.wechat.stand_in.wire import ApiError, refusal, reply
from app.platforms.wechat.stand_in.world import World

Api = Callable[[], Mapping[str, Any]]

# Every method is routed, so that a wrong one gets WeChat's 43001 / 43002 and not Flask's 405.
ANY_METHOD: Final = ["GET", "POST", "PUT", "DELETE", "PATCH"]
# TB_WECHAT_BASE_URL ends in it when it points here.
MOUNT: Final = "/wechat"
# A path below these that we do not play is "invalid url", as at WeChat.
PREFIXES: Final = ("cgi-bin", "sns", "wxa", "wxaapi", "cityservice", "intp")


class StandIn:
    """Wires paths to the parts. Each API runs under the bench's lock and leaves one journal entry."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.world = World(bench)
        self.tokens = Tokens(self.world)
        bench.at_reset(self.world.reset)
        bench.at_reset(self.tokens.reset)

    def api(self, path: str, work: Api, mimetype: str = "application/json; encoding=utf-8") -> Response:
        facts: dict[str, object] = {"method": request.method}
        check = "ok"
        try:
            with self.bench.lock:
                answer = reply(work(), mimetype)
        except ApiError as error:
            check = str(error.errcode)
            answer = refusal(error, mimetype)
        self.bench.note("wechat", path, check, facts)
        return answer

    def blueprint(self) -> Blueprint:
        room = Blueprint("wechat_stand_in", __name__)
        self._add(room, "/cgi-bin/token", self.tokens.plain)
        self._add(room, "/cgi-bin/stable_token", self.tokens.stable)
        self._add(room, "/sns/jscode2session", lambda: code2session(self.world), MIMETYPE)
        for prefix in PREFIXES:
            room.add_url_rule(f"{MOUNT}/{prefix}/<path:rest>", f"unknown_{prefix}", self._unknown, methods=ANY_METHOD)
        login = LoginControls(self.world)
        room.add_url_rule("/sim/v1/wechat/users", "users", login.list_users)
        room.add_url_rule("/sim/v1/wechat/users", "new_user", login.create_user, methods=["POST"])
        room.add_url_rule("/sim/v1/wechat/codes", "codes", login.mint_code, methods=["POST"])
        return room

    def _add(self, room: Blueprint, path: str, work: Api, mimetype: str = "application/json; encoding=utf-8") -> None:
        def view() -> ResponseReturnValue:
            return self.api(path, work, mimetype)

        room.add_url_rule(MOUNT + path, path.strip("/").replace("/", "_"), view, methods=ANY_METHOD)

    def _unknown(self, rest: str) -> ResponseReturnValue:
        def nothing() -> Mapping[str, Any]:
            raise ApiError(40066)

        return self.api(request.path.removeprefix(MOUNT).removesuffix(rest) + "*", nothing)


def stand_in(bench: Bench) -> Blueprint:
    """The sandbox host's way in."""
    return StandIn(bench).blueprint()
