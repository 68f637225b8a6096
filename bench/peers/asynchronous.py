"""What both FastAPI peers share: the app, Redis and the rows; each brings its own HTTP client as `fetch`.

Tuned as FastAPI's own people would:
- uvicorn with uvloop and httptools, no access log, one process a worker (contenders.py);
- `Request` in, `Response` of bytes out: no pydantic model, no JSONResponse, no dependency, no middleware on the path;
- orjson for every JSON;
- one client a process, made in the lifespan, keep-alive, as many connections as there can be calls;
- redis.asyncio with hiredis, one pool a process, EVALSHA by a SHA that is loaded once, nothing else a call;
- psycopg's async COPY in a background task every 200 ms, so no call waits for PostgreSQL.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import psycopg
import redis.asyncio as redis
from fastapi import FastAPI, Request, Response

from bench.peers import work

CONNECTIONS = 128
COPY = f"COPY {work.TABLE} ({', '.join(work.COLUMNS)}) FROM STDIN (FORMAT BINARY)"
TYPES = (
    ["text", "text", "text", "int4"] + ["text"] * 5 + ["int4", "text", "text", "timestamptz", "int4", "text", "text"]
)

Fetch = Callable[[str, dict[str, str]], Awaitable[tuple[int, str, bytes]]]


class Rows:
    """Rows waiting for PostgreSQL."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, ...]] = []

    async def write(self) -> None:
        async with await psycopg.AsyncConnection.connect(work.DATABASE) as connection:
            while True:
                await asyncio.sleep(work.FLUSH_S)
                batch, self.waiting = self.waiting, []
                if batch:
                    await self._copy(connection, batch)

    async def _copy(self, connection: "psycopg.AsyncConnection[Any]", batch: list[tuple[Any, ...]]) -> None:
        async with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(TYPES)
            for row in batch:
                await copy.write_row(row)
        await connection.commit()


def made(client: Callable[[], AbstractAsyncContextManager[Fetch]]) -> FastAPI:
    """The app around one kind of client."""
    rows = Rows()
    here: dict[str, Any] = {}

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        store = redis.Redis.from_url(work.REDIS, max_connections=CONNECTIONS)
        here["sha"] = await store.script_load(work.SCRIPT)
        here["evalsha"] = store.evalsha
        writing = asyncio.create_task(rows.write())
        async with client() as here["fetch"]:
            yield
        writing.cancel()
        await store.aclose()

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/ready")
    async def ready() -> Response:
        return Response(b"ok")

    @app.get("/v1/services/{service_id}/call/{path:path}")  # noqa: FAST003  the raw path of the scope is what counts
    async def call(request: Request) -> Response:
        headers = request.headers
        try:
            session, bucket = work.keys_of(headers.get("authorization"))
            found = await here["evalsha"](here["sha"], 2, session, bucket, *work.LIMIT)
            going = work.decide(found, headers.get("x-app"), request.scope["path"], headers.get("x-request-id"))
            status, kind, raw = await here["fetch"](going.url, going.headers)
            body = work.answer(status, kind, raw)
        except work.Refused as error:
            return Response(error.body, error.status, error.headers, media_type="application/problem+json")
        rows.waiting.append(work.row_of(going, status, raw))
        return Response(body, headers={"X-Request-Id": going.request_id}, media_type="application/json")

    return app
