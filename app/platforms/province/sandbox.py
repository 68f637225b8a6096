"""The province's stand-in: /province/v1, two services behind /ebus, controls and a page to play it by hand.

Mounted by the sandbox host. TB_PROVINCE_BASE_URL ends in /province when it points here; a service's manifest names
/ebus/<system> as its upstream. Never imported by the client.
"""

from importlib.resources import files
from typing import Final

from flask import Blueprint, Response

from app.platforms.bench import Bench
from app.platforms.province.stand_in import cases, catalogue, identity, services, sso, wire
from app.platforms.province.stand_in.controls import add_controls
from app.platforms.province.stand_in.door import Door
from app.platforms.province.stand_in.world import World

CONTRACT: Final = "/province/v1"
SERVICES: Final = "/ebus"
PAGE_POLICY: Final = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'"
PAGE: Final = {"play.html": "text/html", "play.js": "text/javascript", "play.css": "text/css"}


def stand_in(bench: Bench) -> Blueprint:
    """The sandbox host's way in."""
    world = World(bench)
    bench.at_reset(world.reset)
    room = Blueprint("province_stand_in", __name__)
    contract = Door(world, room, CONTRACT, wire.neutral)
    for part in (identity, sso, catalogue, cases):
        contract.open(part.ROUTES)
    Door(world, room, SERVICES, wire.behind_gateway).open(services.ROUTES)
    add_controls(room, world)
    room.add_url_rule("/play/province", "play", lambda: _page("play.html"))
    room.add_url_rule("/play/province/<name>", "play_part", _page)
    return room


def _page(name: str) -> Response:
    if name not in PAGE:
        return Response(status=404)
    text = files(__package__).joinpath("stand_in").joinpath(name).read_text("utf-8")
    return Response(
        text,
        content_type=f"{PAGE[name]}; charset=utf-8",
        headers={"Content-Security-Policy": PAGE_POLICY, "X-Content-Type-Options": "nosniff"},
    )
