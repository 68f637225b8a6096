"""Cases 办件: a citizen files one, the province handles it, the citizen sees where it stands.

Submission and asking are jobs over leased rows (submit.py, pull.py); states are a table (states.py); who sees what is
decided in cases.py. Other rooms hear of a case by the event `case.state_changed`.
"""

from flask import Flask

from app.core import edge
from config.cases import STATE_WORDS
from handlers.cases import citizens, events, models, states, tasks

__all__ = ["init_app", "models", "tasks"]


def init_app(flask_app: Flask) -> None:
    if set(STATE_WORDS) != set(states.MOVES):
        raise RuntimeError("config/cases.py and handlers/cases/states.py do not name the same states")
    edge.register(flask_app, citizens.room)
    events.install()
