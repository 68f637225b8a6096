"""The authority's callbacks about a face check, brought through the real inbound pipeline with a verifier of the test."""

import itertools
from collections.abc import Mapping
from typing import Any

from app.core import clock, events, inbound
from app.core.inbound import Inbound, Reply
from app.platforms.base import CallbackKind, PlatformEvent
from identity import tasks

_numbers = itertools.count()


def call_back(
    ref_id: str, *, signed: bool = True, event_id: str = "", claims: Mapping[str, Any] | None = None
) -> Reply:
    """One callback. `claims`: whatever it says beside the reference; `signed` False is a forgery."""
    number = next(_numbers)
    body = f'{{"refId":"{ref_id}","n":{number}}}'.encode()
    envelope = Inbound("province", "events", "POST", "/callbacks/province/events", "", {}, body)

    def verify(_inbound: Inbound) -> PlatformEvent:
        if not signed:
            raise inbound.Forged("signature")
        data = {"ref_id": ref_id, **(claims or {})}
        return PlatformEvent(CallbackKind.FACE_DONE, event_id or f"E{number}", f"nonce-{number}", clock.now(), data)

    return inbound.receive(envelope, verify)


def settle_down() -> None:
    """Deliver every event and run every job that is due now."""
    while events.deliver_due():
        pass
    tasks.ask_about_faces()
