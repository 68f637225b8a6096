"""Who somebody is and how surely: login, sessions, accounts, verification, consent, and the staff side of the same.

Knows no service, case or message; what other rooms must learn of goes by event (identity/events.py).
"""

from flask import Flask

from app.core import edge
from identity import authenticate, citizens, citizens_verifications, events, tasks

__all__ = ["tasks"]


def init_app(flask_app: Flask) -> None:
    """Install the room: proofs of caller, routes, event subscriptions, jobs."""
    authenticate.install()
    events.install()
    for blueprint in (citizens.door, citizens.room, citizens_verifications.room):
        edge.register(flask_app, blueprint)
