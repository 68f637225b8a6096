"""The gateway: services that integrators registered, and the road every call of them takes.

registration -> registry (in memory) -> front -> gate -> road (pure) -> calls -> transport; exchanges keep what passed.
"""

from flask import Flask

from app.core.edge import register
from handlers.gateway import consents, floors, front, operators, registration
from handlers.gateway import tasks as tasks  # importing registers the job
from handlers.gateway.citizens import browsing, calling


def init_app(flask_app: Flask) -> None:
    for room in (browsing, calling, operators.room):
        register(flask_app, room)
    consents.install()
    floors.install()
    registration.install()
    front.install(flask_app)
