"""FastAPI + aiohttp: one ClientSession a process, no cookies, no automatic headers, URLs not requoted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from bench.peers.asynchronous import CONNECTIONS, Fetch, made


@asynccontextmanager
async def client() -> AsyncIterator[Fetch]:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, limit_per_host=CONNECTIONS, keepalive_timeout=30)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
        timeout=aiohttp.ClientTimeout(total=10),
        auto_decompress=False,
        raise_for_status=False,
    ) as session:

        async def fetch(url: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
            async with session.get(URL(url, encoded=True), headers=headers, allow_redirects=False) as reply:
                return reply.status, reply.headers.get("content-type", ""), await reply.read()

        yield fetch


app = made(client)
