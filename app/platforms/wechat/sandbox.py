"""WeChat's stand-in: the endpoints of wechat.md part 11 that our client uses, mounted by the sandbox host.

It answers in WeChat's words and misspellings and checks every request with its own code. Never imported by the client.
Under `/wechat` stand the API paths; the control paths are listed in stand_in/controls.py.
"""

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.platforms.bench import Bench
from app.platforms.wechat.stand_in.controls import Controls
from app.platforms.wechat.stand_in.face import Faces
from app.platforms.wechat.stand_in.login import MIMETYPE, code2session
from app.platforms.wechat.stand_in.messages import Messages
from app.platforms.wechat.stand_in.push import Emitter
from app.platforms.wechat.stand_in.tokens import Tokens
from app.platforms.wechat.stand_in.wire import JSON, TEXTS, ApiError, refusal, reply
from app.platforms.wechat.stand_in.world import Account, World

Told = tuple[Mapping[str, Any], Mapping[str, object]]

# Every method is routed, so that a wrong one gets WeChat's 43001 / 43002 and not Flask's 405.
ANY_METHOD: Final = ["GET", "POST", "PUT", "DELETE", "PATCH"]
# TB_WECHAT_BASE_URL ends in it when it points here.
MOUNT: Final = "/wechat"
# A path below these that we do not play is "invalid url", as at WeChat.
PREFIXES: Final = ("cgi-bin", "sns", "wxa", "wxaapi", "cityservice", "intp")
# The page to play WeChat by hand, `/play/wechat`.
PAGE: Final = {"play.html": "text/html", "play.js": "text/javascript", "play.css": "text/css"}


class StandIn:
    """Wires paths to the parts. Each API runs under the bench's lock and leaves one journal entry."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.world = World(bench)
        self.tokens = Tokens(self.world)
        self.emitter = Emitter(bench)
        self.messages = Messages(self.world, self.emitter)
        self.faces = Faces(self.world)
        for part in (self.world, self.tokens, self.emitter, self.messages):
            bench.at_reset(part.reset)

    def blueprint(self) -> Blueprint:
        room = Blueprint("wechat_stand_in", __name__)
        self._open(room, "/cgi-bin/token", lambda: (self.tokens.plain(), {}))
        self._open(room, "/cgi-bin/stable_token", lambda: (self.tokens.stable(), {}))
        self._open(room, "/sns/jscode2session", lambda: code2session(self.world), MIMETYPE)
        self._guarded(room, "/cgi-bin/message/subscribe/send", self.messages.send)
        self._guarded(room, "/cityservice/face/identify/getverifyid", self.faces.getverifyid)
        self._guarded(room, "/cityservice/face/identify/queryverifyinfo", self.faces.queryverifyinfo)
        for prefix in PREFIXES:
            room.add_url_rule(f"{MOUNT}/{prefix}/<path:rest>", f"unknown_{prefix}", self._unknown, methods=ANY_METHOD)
        Controls(self.world, self.tokens, self.messages, self.faces, self.emitter).add_to(room)
        room.add_url_rule("/play/wechat", "play", lambda: _page("play.html"))
        room.add_url_rule("/play/wechat/<name>", "play_part", _page)
        return room

    def _open(self, room: Blueprint, path: str, work: Callable[[], Told], mimetype: str = JSON) -> None:
        """An API without access_token."""

        def view() -> ResponseReturnValue:
            return self._api(path, work, mimetype)

        room.add_url_rule(MOUNT + path, path.strip("/").replace("/", "_"), view, methods=ANY_METHOD)

    def _guarded(self, room: Blueprint, path: str, work: Callable[[Account], Told]) -> None:
        """An API behind an access_token: it is checked before the body is looked at."""
        self._open(room, path, lambda: work(self.tokens.check(MOUNT + path)))

    def _api(self, path: str, work: Callable[[], Told], mimetype: str) -> Response:
        facts: Mapping[str, object] = {}
        check = "ok"
        try:
            with self.bench.lock:
                self._scripted(MOUNT + path)
                told, facts = work()
            answer = reply(told, mimetype)
        except ApiError as error:
            check = str(error.errcode)
            answer = refusal(error, mimetype)
        self.bench.note("wechat", path, check, {"method": request.method, **facts})
        return answer

    def _scripted(self, path: str) -> None:
        errcode = self.bench.fault("errcode", path)
        if errcode is not None:
            raise ApiError(errcode if errcode in TEXTS else -1)

    def _unknown(self, rest: str) -> ResponseReturnValue:
        def nothing() -> Told:
            raise ApiError(40066)

        return self._api(request.path.removeprefix(MOUNT).removesuffix(rest) + "*", nothing, JSON)


def _page(name: str) -> Response:
    if name not in PAGE:
        return Response(status=404)
    text = files(__package__).joinpath("stand_in").joinpath(name).read_text("utf-8")
    return Response(text, content_type=f"{PAGE[name]}; charset=utf-8")


def stand_in(bench: Bench) -> Blueprint:
    """The sandbox host's way in."""
    return StandIn(bench).blueprint()
