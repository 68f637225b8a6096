"""The pages a person opens: an index, and the phone that plays the mini-program. Plain files, nothing from elsewhere.

Each platform's own page (`/play/<name>`) comes with its stand-in.
"""

from functools import partial
from typing import Final

from flask import Blueprint, Flask, Response

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
FILES: Final = {"/": "index.html", "/phone": "phone.html"}


def pages(flask_app: Flask) -> Blueprint:
    room = Blueprint("sandbox_pages", __name__)
    for path, name in FILES.items():
        room.add_url_rule(path, name.removesuffix(".html"), partial(flask_app.send_static_file, name))
    room.add_url_rule("/favicon.ico", "icon", partial(Response, status=204))
    flask_app.after_request(_safe)
    return room


def _safe(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-cache")
    return response
