"""Settings and resolver for tests of the outbound road, put where app.core.egress reads them."""

import socket
from types import SimpleNamespace

import pytest

from app.core import egress, http


def admit(monkeypatch: pytest.MonkeyPatch, *authorities: str) -> None:
    """Exactly these host:port pairs are excepted; kept connections are dropped."""
    monkeypatch.setattr(egress, "get_settings", lambda: SimpleNamespace(egress_exceptions=authorities))
    http.forget()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The resolver gives these lists of addresses in turn, the last for ever; returns the names it was asked."""
    asked: list[str] = []
    queue = list(answers)

    def look_up(host: str, port: int):
        asked.append(host)
        found = queue.pop(0) if len(queue) > 1 else queue[0]
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in found
        ]

    monkeypatch.setattr(egress, "look_up", look_up)
    return asked
