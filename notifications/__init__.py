"""Telling citizens: templates, grants, messages, attempts, receipts, and an inbox that works whatever a channel says.

Messages come from events (rules.py) and from operators' approved requests (sends.py); a job delivers them (deliver.py)
at most once; the channel's events come back as grants and receipts.
"""

from flask import Flask

from app.core import edge
from app.core.events import subscribe
from app.platforms.base import CallbackKind
from config.messages import KINDS
from notifications import citizens, compose, grants, messages, models, operators, receipts, rules, sends, tasks

__all__ = ["init_app", "models", "tasks"]


def init_app(flask_app: Flask) -> None:
    _check_wording()
    edge.register(flask_app, citizens.room)
    edge.register(flask_app, operators.room)
    rules.install()
    sends.install()
    subscribe(f"callback.{CallbackKind.GRANTS}", "notifications.grants", grants.on_event)
    subscribe(f"callback.{CallbackKind.RECEIPT}", "notifications.receipts", receipts.on_event)
    subscribe("account.joined", "notifications.account", messages.on_joined)


def _check_wording() -> None:
    """A text that names a value its kind does not have stops the start, not a citizen's message."""
    for name, kind in KINDS.items():
        texts = [kind.zh.title, kind.zh.body, kind.en.title, kind.en.body, kind.page or ""]
        strange = frozenset().union(*map(compose.names_in, texts)) - set(kind.values)
        if strange or (kind.about is not None and kind.about not in kind.values):
            raise RuntimeError(f"config/messages.py: {name} names values it does not have: {sorted(strange)}")
