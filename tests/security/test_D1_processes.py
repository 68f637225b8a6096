"""D1: no secret in a command line, in what settings print, or on an error page. Queues and logs: test_D5_whole_journey."""

import json
import os
from pathlib import Path

import pytest

from app.core.edge import problems
from config.settings import get_settings
from tests.support import canaries
from tests.support.citizen_steps import APP
from tests.support.served import serving
from tests.support.whole_town import whole_app

__all__ = ["whole_app"]


def secrets() -> set[str]:
    """Every secret of this run's settings."""
    found = {
        secret
        for name, value in os.environ.items()
        if name.startswith("TB_") and any(part in name for part in canaries.SECRET_NAMES)
        for secret in canaries._secrets_in(value)
    }
    assert len(found) >= 7
    return found


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")


def test_D1_no_command_line_holds_a_secret(servers, db_clean, tmp_path):
    with serving(tmp_path, workers=2) as served:
        pids = [served.process.pid, *served.workers(), os.getpid()]
        pids += [pid for name in ("postgres", "redis") if (pid := servers.pid(name)) is not None]
        lines = [command_line(pid) for pid in pids]
    assert any("gunicorn" in line for line in lines)
    assert [secret for secret in secrets() for line in lines if secret in line] == []


def test_D1_no_way_of_printing_the_settings_shows_a_secret():
    settings = get_settings()
    shown = f"{settings!r}{settings!s}{settings.model_dump()}{settings.model_dump_json()}{settings.__dict__}"
    assert [secret for secret in secrets() if secret in shown] == []
    assert "wx0123456789abcdef" in shown, "what is no secret is there to be read"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/v1/me", 405), ("POST", "/v1/sessions", 400)]
)
def test_D1_an_error_page_shows_nothing_of_us(whole_app, db_clean, method, path, status):
    answer = whole_app.test_client().open(
        path, method=method, headers={"X-App": APP}, data=b"{", content_type="application/json"
    )
    assert answer.status_code == status
    shows_nothing(answer)


def test_D1_a_bug_s_page_shows_nothing_of_us(whole_app, db_clean, monkeypatch):
    def bug(_response):
        raise RuntimeError(" ".join(secrets()))

    monkeypatch.setattr(whole_app, "after_request_funcs", {None: [bug]})
    monkeypatch.setattr(problems.logger, "error", lambda *_, **__: None)
    answer = whole_app.test_client().get("/healthz")
    assert answer.status_code == 500
    assert answer.json["code"] == "internal_error"
    shows_nothing(answer)


def shows_nothing(answer) -> None:
    text = answer.get_data(as_text=True) + str(answer.headers)
    assert [secret for secret in secrets() if secret in text] == []
    assert not [
        word for word in ("Traceback", "RuntimeError", ".py", "werkzeug", "/home", "sqlalchemy") if word in text
    ]
    assert json.loads(answer.data)["request_id"]
