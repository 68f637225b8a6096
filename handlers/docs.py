"""The OpenAPI document and an interactive page for it, without the internet, on the internal bind only.

The page's scripts come from the flask-swagger-ui package; nothing of them is committed.
"""

from importlib.metadata import files
from pathlib import Path

from flask import Flask, Response, current_app, jsonify, send_from_directory

from app.core.edge import Caller, Room, register

room = Room("docs", __name__, caller=Caller.INTERNAL, description="This document, readable")

PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>Tongban 通办 API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css"></head><body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>"""
START = "window.ui = SwaggerUIBundle({url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true})"


def assets() -> Path:
    """Where the package keeps Swagger UI's files; missing, the start fails rather than the page."""
    for file in files("flask-swagger-ui") or ():
        if file.name == "swagger-ui-bundle.js":
            return Path(str(file.locate())).parent
    raise RuntimeError("flask-swagger-ui holds no swagger-ui-bundle.js: reinstall the pinned version")


@room.route("/openapi.json")
@room.response(200)
def openapi() -> Response:
    """OpenAPI 3.1 of every public route."""
    return jsonify(current_app.extensions["tongban_api"].spec.to_dict())


@room.route("/docs/")
@room.response(200)
def page() -> Response:
    """Swagger UI."""
    return Response(PAGE, content_type="text/html; charset=utf-8")


@room.route("/docs/start.js")
@room.response(200)
def start() -> Response:
    """Points the page at our document; a file of its own so that the page needs no inline script."""
    return Response(START, content_type="text/javascript; charset=utf-8")


@room.route("/docs/<path:name>")
@room.response(200)
def asset(name: str) -> Response:
    """Swagger UI's own files."""
    return send_from_directory(assets(), name)


def init_app(flask_app: Flask) -> None:
    assets()
    register(flask_app, room)
