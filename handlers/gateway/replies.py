"""What goes back to the mini-program, before it is a WSGI answer. Every header is one of ours (security.md X6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.core.idempotency import Replay

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is JSON of ours around the service's data."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


def replayed(kept: Replay) -> Reply:
    return Reply(kept.status, kept.body, {"Idempotent-Replay": "true"})
