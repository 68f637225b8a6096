"""The rooms `create_app` and the worker install, by name, in this order.

A room offers `init_app(flask_app)`; app/factory.py imports it from here so that nothing imports upwards.
"""

from typing import Final

ROOMS: Final[tuple[str, ...]] = (
    "identity",
    "identity.staff_room",
    "notifications",
    "handlers.catalogue",
    "handlers.gateway",
    "handlers.cases",
    "handlers.callbacks",
    "handlers.health",
    "handlers.docs",
    "handlers.cli",
)
