"""FastAPI + httpx: one AsyncClient a process, its limits raised to what can be in flight."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from bench.peers.asynchronous import CONNECTIONS, Fetch, made


@asynccontextmanager
async def client() -> AsyncIterator[Fetch]:
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=30)
    # trust_env off: no look at proxy variables and netrc for each request.
    async with httpx.AsyncClient(limits=limits, timeout=10, trust_env=False, follow_redirects=False) as session:

        async def fetch(url: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
            reply = await session.get(url, headers=headers)
            return reply.status_code, reply.headers.get("content-type", ""), reply.content

        yield fetch


app = made(client)
