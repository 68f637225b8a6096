"""Flask + requests, as a newcomer writes it: everything in the view, `requests.get` for each call.

It is served by gunicorn's gthread worker with as many processes and threads as ours. What a newcomer would do worse is
done right all the same, because the work list says so: one EVALSHA instead of three commands, rows in batches instead
of an INSERT a call. What is left is Flask's dispatch and a new `requests` session and connection for each call.
"""

import threading
import time
from typing import Any

import psycopg
import redis
import requests
from flask import Flask, Response, request

from bench.peers import work

app = Flask(__name__)
store = redis.Redis.from_url(work.REDIS)
look = store.register_script(work.SCRIPT)
rows: list[tuple[Any, ...]] = []
lock = threading.Lock()
PLACES = ", ".join(["%s"] * len(work.COLUMNS))
INSERT = f"INSERT INTO {work.TABLE} ({', '.join(work.COLUMNS)}) VALUES ({PLACES})"  # noqa: S608  our own names


def write_rows() -> None:
    with psycopg.connect(work.DATABASE) as connection:
        while True:
            time.sleep(work.FLUSH_S)
            with lock:
                batch = rows[:]
                rows.clear()
            if batch:
                with connection.cursor() as cursor:
                    cursor.executemany(INSERT, batch)
                connection.commit()


threading.Thread(target=write_rows, daemon=True).start()


@app.errorhandler(work.Refused)
def refused(error: work.Refused) -> Response:
    return Response(error.body, error.status, error.headers, content_type="application/problem+json")


@app.get("/ready")
def ready() -> str:
    return "ok"


@app.get("/v1/services/<service_id>/call/<path:path>")
def call(service_id: str, path: str) -> Response:
    del service_id, path
    found = look(keys=work.keys_of(request.headers.get("Authorization")), args=work.LIMIT)
    going = work.decide(found, request.headers.get("X-App"), request.path, request.headers.get("X-Request-Id"))
    reply = requests.get(going.url, headers=going.headers, timeout=10)
    body = work.answer(reply.status_code, reply.headers.get("Content-Type", ""), reply.content)
    with lock:
        rows.append(work.row_of(going, reply.status_code, reply.content))
    return Response(body, content_type="application/json", headers={"X-Request-Id": going.request_id})
