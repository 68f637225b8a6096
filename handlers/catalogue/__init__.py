"""The catalogue: what the law lists (items 事项), their guides and regions, kept as the province publishes them.

Other capabilities never read these tables: they hear `item.changed` (version, name, min_level, status) and keep what
they need.
"""

from flask import Flask

from app.core.edge import register
from handlers.catalogue import tasks as tasks  # importing registers the job
from handlers.catalogue.citizens import room


def init_app(flask_app: Flask) -> None:
    register(flask_app, room)
