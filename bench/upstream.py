"""The upstream every contender forwards to: `python -m bench.upstream PORT` with the tif token in BENCH_TIF_TOKEN.

A raw asyncio protocol on uvloop, so that it costs little. It checks the signature, time and single use of the nonce of
every request with its own code (province.md 2.1) and answers 1 KB.

    GET /ebus/bench/cards/<n>   the same 1 KB every time
    GET /ebus/bench/echo/<n>    1 KB that repeats path and request id, so that a mix-up of callers shows
    GET /-/stats                what was seen so far, unsigned
"""

import asyncio
import json
import os
import sys
import time
from hashlib import sha256
from typing import Any

try:
    from uvloop import run
except ImportError:  # the bench's own tests run without its packages
    from asyncio import run

SIZE = 1024
WINDOW_S = 180
REMEMBERED = 200_000  # nonces; then the memory starts anew, which a bench can afford
REFUSAL = {"errcode": 401, "errmsg": "signature", "data": None}
CARD = {
    "cardNo": "99******0011",
    "state": "PRODUCING",
    "stateText": "制卡中",
    "issuer": "示例省社会保障卡服务中心",
    "acceptedAt": 1750000000000,
    "window": {"name": "示例市政务服务大厅三号窗口", "address": "示例市示例路一号", "phone": "12345"},
    "steps": [{"name": name, "done": number < 2, "at": 1750000000000 + number} for number, name in
              enumerate(("受理", "审核", "制卡", "寄送", "签收"))],
    "fee": {"amountFen": 0, "free": True},
    "pad": "",
}  # fmt: skip


def envelope(**more: str) -> bytes:
    """A yes around the card, padded to SIZE bytes."""

    def text(pad: str) -> bytes:
        data = CARD | more | {"pad": pad}
        return json.dumps(
            {"errcode": 0, "errmsg": "ok", "data": data}, ensure_ascii=False, separators=(",", ":")
        ).encode()

    return text("x" * (SIZE - len(text(""))))


def wire_answer(status: int, body: bytes) -> bytes:
    reason = {200: "OK", 401: "Unauthorized", 404: "Not Found"}[status]
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Seen:
    """What came in, and whether its signature holds."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._nonces: set[str] = set()
        self.counts = {"verified": 0, "missing": 0, "window": 0, "signature": 0, "replayed": 0}

    def check(self, headers: dict[str, str]) -> bool:
        """Count it; True when a province would have answered."""
        verdict = self._verdict(headers)
        self.counts[verdict] += 1
        return verdict == "verified"

    def _verdict(self, headers: dict[str, str]) -> str:
        stamp, nonce, given = (headers.get(f"x-tif-{name}", "") for name in ("timestamp", "nonce", "signature"))
        if not (stamp.isdigit() and nonce and given):
            return "missing"
        if abs(time.time() - int(stamp)) > WINDOW_S:
            return "window"
        if sha256(f"{stamp}{self._token}{nonce}{stamp}".encode()).hexdigest() != given:
            return "signature"
        if nonce in self._nonces:
            return "replayed"
        if len(self._nonces) >= REMEMBERED:
            self._nonces.clear()
        self._nonces.add(nonce)
        return "verified"


def parsed(head: bytes) -> tuple[str, dict[str, str]]:
    """Path and headers by lower-case name."""
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first.split(" ")[1], {name.lower(): value.strip() for name, _, value in pairs}


class Wire(asyncio.Protocol):
    """One connection; requests without bodies, one after another."""

    transport: asyncio.Transport
    static = wire_answer(200, envelope())

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._waiting = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self._waiting = (self._waiting + data).split(b"\r\n\r\n")
        for head in heads:
            self.transport.write(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        path, headers = parsed(head)
        if path == "/-/stats":
            return wire_answer(200, json.dumps(self._seen.counts).encode())
        if not self._seen.check(headers):
            return wire_answer(401, json.dumps(REFUSAL).encode())
        if path.startswith("/ebus/bench/cards/"):
            return self.static
        if path.startswith("/ebus/bench/echo/"):
            return wire_answer(200, envelope(path=path, requestId=headers.get("x-request-id", "")))
        return wire_answer(404, json.dumps(REFUSAL).encode())


async def serve(port: int, token: str) -> None:
    seen = Seen(token)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Wire(seen), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    run(serve(int(sys.argv[1]), os.environ["BENCH_TIF_TOKEN"]))
