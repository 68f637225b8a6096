"""Builds the sandbox: one small WSGI app that mounts every platform's stand-in.

The stand-ins come by name from `config.platforms.STAND_INS`; each module offers `stand_in(bench) -> Blueprint`. Nothing
here is imported by production code, and production settings are refused at the door.
"""

from collections.abc import Callable, Iterable
from importlib import import_module

from flask import Flask

from app.platforms.bench import Push
from app.sandbox.controls import controls, guard
from app.sandbox.emitter import deliver_over_http
from app.sandbox.gate import FaultGate
from app.sandbox.host import SandboxBench
from app.sandbox.pages import pages
from app.sandbox.relay import relay
from config import platforms
from config.settings import Settings, SettingsError


def create_sandbox(
    settings: Settings,
    *,
    only: Iterable[str] | None = None,
    send: Callable[[Push, float], tuple[int, bytes]] = deliver_over_http,
) -> Flask:
    """The sandbox for these settings. For tests, `only` narrows the platforms and `send` replaces the callbacks' wire.

    The bench hangs at `flask_app.extensions["bench"]`. Raises SettingsError in production.
    """
    if settings.env == "production":
        raise SettingsError("the sandbox never runs in production: unset TB_ENV=production or do not start it")
    names = list(platforms.STAND_INS) if only is None else list(only)
    bench = SandboxBench(settings, send)
    flask_app = Flask("app.sandbox", static_folder="static")
    flask_app.extensions["bench"] = bench
    guard(flask_app)
    flask_app.register_blueprint(controls(bench, names))
    flask_app.register_blueprint(relay(settings.public_base_url))
    flask_app.register_blueprint(pages(flask_app))
    for name in names:
        flask_app.register_blueprint(import_module(platforms.STAND_INS[name]).stand_in(bench))
    gate = FaultGate(flask_app.wsgi_app, bench.faults, bench.note_fault)
    bench.at_reset(gate.release)
    flask_app.wsgi_app = gate  # type: ignore[method-assign]  # the documented place for WSGI middleware
    return flask_app
