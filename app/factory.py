"""The factory: builds the app once and installs the rooms named in config/rooms.py. Imports only core and config.

A room is a module with `init_app(flask_app)`; importing by name keeps every arrow pointing down.
"""

from importlib import import_module

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core import log, tasks
from app.core.edge import bodies, callers, document, problems, requests
from config.rooms import ROOMS
from config.settings import Settings, get_settings


def create_app() -> Flask:
    """The WSGI app with every room installed. Raises config.settings.SettingsError when the environment is unfit."""
    settings = get_settings()
    log.configure()
    flask_app = Flask("tongban", static_folder=None)
    flask_app.json.ensure_ascii = False  # type: ignore[attr-defined]  # the default provider has it
    flask_app.config.update(
        MAX_CONTENT_LENGTH=bodies.READ_BYTES,
        PROVIDE_AUTOMATIC_OPTIONS=False,
        DEBUG=settings.debug,
    )
    _believe_proxies(flask_app, settings)
    document.install(flask_app)
    flask_app.url_map.merge_slashes = False
    requests.install(flask_app)
    problems.install(flask_app)
    flask_app.before_request(callers.check_caller)
    install_rooms(flask_app)
    callers.require_declared_callers(flask_app)
    return flask_app


def _believe_proxies(flask_app: Flask, settings: Settings) -> None:
    """The caller's address as the nearest proxies tell it, or every citizen would share one limit. Nothing else."""
    if settings.trusted_proxies:
        told = ProxyFix(flask_app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0)
        flask_app.wsgi_app = told  # type: ignore[method-assign]  # the documented place for WSGI middleware


def install_rooms(flask_app: Flask) -> None:
    for name in ROOMS:
        import_module(name).init_app(flask_app)
    tasks.configure()
