"""The province's front door: tif signature, window, nonce memory, idempotency, envelope, journal; then the act itself.

Every route of the contract and of the services behind the gateway passes here, so that no part can forget a check.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, request

from app.platforms.province.stand_in import signing, wire
from app.platforms.province.stand_in.wire import Heard, Refusal
from app.platforms.province.stand_in.world import Remembered, World

Act = Callable[..., Any]
Speak = Callable[[int, object, str, float], Response]
CHANNELS: Final = frozenset({"", "wechat", "alipay", "h5"})
REGION_DIGITS: Final = 12


@dataclass(frozen=True)
class Route:
    """`act(world, heard, **path) -> data`; `once` = replays the answer under an Idempotency-Key, which it demands."""

    method: str
    rule: str
    operation: str
    act: Act
    once: bool = False


class Door:
    """One dialect's entrance. Acts run outside the lock, because some hang on purpose; `once` acts run inside it."""

    def __init__(self, world: World, room: Blueprint, prefix: str, speak: Speak) -> None:
        self._world = world
        self._room = room
        self._prefix = prefix
        self._speak = speak

    def open(self, routes: tuple[Route, ...]) -> None:
        for route in routes:
            self._room.add_url_rule(
                self._prefix + route.rule,
                f"{route.method} {route.operation}".replace(".", " "),
                self._view(route),
                methods=[route.method],
                provide_automatic_options=False,
            )

    def _view(self, route: Route) -> Callable[..., Response]:
        def view(**path: str) -> Response:
            return self._answer(route, path)

        return view

    def _answer(self, route: Route, path: Mapping[str, str]) -> Response:
        world, now_s = self._world, self._world.bench.now()
        request_id = request.headers.get("X-Request-Id") or secrets.token_hex(8)
        facts: dict[str, object] = _facts()
        check = "ok"
        try:
            with world.bench.lock:
                self._check_signature(now_s)
            heard = _heard(request_id)
            facts["fields"] = sorted(heard.body)
            response, replayed = self._perform(route, heard, path, now_s)
            check = "replayed" if replayed else "ok"
        except Refusal as refusal:
            check = str(refusal.code)
            response = self._speak(refusal.code, dict(refusal.data or {}), request_id, now_s)
        world.bench.note("province", route.operation, check, facts)
        return response

    def _check_signature(self, now_s: float) -> None:
        settings = self._world.bench.settings
        stamp, nonce, given = (request.headers.get(f"x-tif-{name}", "") for name in ("timestamp", "nonce", "signature"))
        # Test systems of the same product say x-rio-; this province is not one of them.
        if request.headers.get("x-tif-paasid", "") != settings.province_paas_id or not (stamp.isascii() and nonce):
            raise Refusal(40101)
        if not signing.tif_holds(stamp, settings.province_paas_token.get_secret_value(), nonce, given):
            raise Refusal(40101)
        if not stamp.isdigit() or abs(now_s - int(stamp)) > signing.TIF_WINDOW_S:
            raise Refusal(40102)
        if self._world.seen_before(nonce, now_s):
            raise Refusal(40103)

    def _perform(self, route: Route, heard: Heard, path: Mapping[str, str], now_s: float) -> tuple[Response, bool]:
        if not route.once:
            return self._speak(0, route.act(self._world, heard, **path), heard.request_id, now_s), False
        if not heard.idempotency_key:
            raise wire.bad("Idempotency-Key")
        place = (request.path, heard.idempotency_key)
        digest = hashlib.sha256(request.get_data()).hexdigest()
        with self._world.bench.lock:
            known = self._world.answers.get(place)
            if known is not None:
                if known.digest != digest:
                    raise Refusal(40902)
                return self._speak(0, known.data, heard.request_id, now_s), True
            data = route.act(self._world, heard, **path)
            self._world.answers[place] = Remembered(digest, data)
        return self._speak(0, data, heard.request_id, now_s), False


def _facts() -> dict[str, object]:
    """What the journal keeps of a call: names and keys, and the raw target as it came over the wire."""
    target = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path
    return {
        "method": request.method,
        "target": str(target),
        "request_id": request.headers.get("X-Request-Id", ""),
        "channel": request.headers.get("X-Channel", ""),
        "region": request.headers.get("X-Region", ""),
        "idempotency_key": request.headers.get("Idempotency-Key", ""),
        "headers": sorted({name.lower() for name, _ in request.headers}),
    }


def _heard(request_id: str) -> Heard:
    channel, region = request.headers.get("X-Channel", ""), request.headers.get("X-Region", "")
    if channel not in CHANNELS:
        raise wire.bad("X-Channel")
    if region and not (len(region) == REGION_DIGITS and region.isascii() and region.isdigit()):
        raise wire.bad("X-Region")
    return Heard(
        request_id,
        channel,
        region,
        request.headers.get("Idempotency-Key", ""),
        request.headers.get("X-Subject-Token", ""),
        request.args.to_dict(),
        _body(),
    )


def _body() -> Mapping[str, Any]:
    raw = request.get_data()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise wire.bad("body") from error
    if not isinstance(body, dict):
        raise wire.bad("body")
    return body
