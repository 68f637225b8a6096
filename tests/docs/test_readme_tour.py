"""The README's five minutes with curl, pasted whole: the application and the sandbox on loopback, jobs run as beat would."""

import json
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from werkzeug.serving import make_server

from app.core import tasks
from app.core.db import ALL_TENANTS, transaction
from app.factory import create_app
from app.sandbox.emitter import deliver_over_http
from config.settings import get_settings
from handlers.catalogue import sync
from handlers.gateway import breaker, registry
from notifications import templates
from tests.docs import tour
from tests.support.gateway import publish
from tests.support.sandbox import Quiet

CARD = tour.ROOT / "docs" / "examples" / "social-security-card.manifest.json"
TEMPLATES = tour.ROOT / "config" / "templates" / "sandbox.json"
JOBS = ("deliver_events", "ask_about_faces", "submit_cases", "pull_cases", "deliver_messages")
PATIENCE_S = 300


@contextmanager
def serving(flask_app, port):
    server = make_server("127.0.0.1", port, flask_app, threaded=True, request_handler=Quiet)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def working():
    """The worker and beat of this test: every job, over and over."""
    leave = threading.Event()

    def work():
        while not leave.wait(0.1):
            for name in JOBS:
                tasks.JOBS[name].run()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        leave.set()
        thread.join()


@pytest.fixture
def demo(db_clean, sandbox):
    """What `make demo` has made when it serves on: catalogue, templates, the card service, everything running."""
    sandbox.receiver = lambda push: deliver_over_http(push, 10)
    registry.forget()
    breaker.forget()
    flask_app = create_app()
    document = json.loads(CARD.read_text(encoding="utf-8"))
    assert sync.sync(force=True).items > 600
    tell_only_of(document["item_codes"][0])
    templates.load(TEMPLATES.read_bytes(), actor="test")
    document["upstream"]["base_url"] = f"http://127.0.0.1:{sandbox.port}"
    publish(document)
    with serving(flask_app, get_settings().http_port), working():
        yield sandbox


def tell_only_of(item_code):
    """The other rooms hear of the one item the tour uses: hearing of all takes longer than the tour."""
    with transaction(ALL_TENANTS) as db:
        db.execute(
            text(
                "DELETE FROM outbox_deliveries d USING outbox_events e WHERE e.id = d.event_id AND e.subject_id <> :code"
            ),
            {"code": item_code},
        )
    tasks.JOBS["deliver_events"].run()


def paste(readme, sandbox):
    assert shutil.which("curl"), "the tour is written with curl: install it (apt install curl, yum install curl)"
    pasted = tour.script(readme, http_port=get_settings().http_port, sandbox_port=sandbox.port)
    done = subprocess.run(
        ["bash", "-c", pasted], capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=tour.ROOT
    )
    assert done.stderr == ""
    return done.stdout


def test_the_tour_does_what_it_says(demo):
    said = paste(tour.ENGLISH, demo)
    for code in ("code_refused", "assurance_too_low", "consent_required"):
        assert f'"code":"{code}"' in said or f'"code": "{code}"' in said, code
    assert '"level":"L2"' in said
    assert '"level": "L3"' in said
    assert said.count("Idempotent-Replay: true") == 1
    assert re.findall(r"^[0-9]+$", said, re.MULTILINE) == ["1"], "executions under one key, as the journal counts them"
    assert '"state": "done"' in said
    assert '"about": "cs_' in said
    assert '"template_id":"TB-case-progress' in said
    assert said.count('"code":"outcome_unknown"') == 2
    assert '"purpose": "service:sv_' in said


def test_both_readmes_tell_the_same_tour():
    english, chinese = ([strip(block) for block in tour.blocks(one)] for one in (tour.ENGLISH, tour.CHINESE))
    assert english
    assert english == chinese


def strip(block):
    """Without comments: they are in the reader's language."""
    return [re.sub(r"\s+# .*$", "", line) for line in block.splitlines()]
