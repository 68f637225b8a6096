"""The staff's room: the proof of Caller.STAFF and the routes under /ops/v1 that belong to identity."""

from flask import Flask

from app.core.edge import Caller, authenticator, register
from identity.operators import room
from identity.staff_proof import prove


def init_app(flask_app: Flask) -> None:
    authenticator(Caller.STAFF, prove)
    register(flask_app, room)
