"""Idempotency-Key on creating POSTs: the first answer is kept and given again; a refusal leaves the key free (P5)."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from app.core import idempotency
from app.core.errors import Problem

KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_HEADER_DOC = {
    "in": "header", "name": "Idempotency-Key", "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
    "description": "Any unique text of yours; the same key and body give the same answer and one effect.",
}  # fmt: skip


def idempotent(view: Callable[..., Any]) -> Callable[..., Any]:
    """Place directly under `@room.route`, above arguments and response, so that it keeps the finished answer."""

    @wraps(view)
    def kept(*args: Any, **kwargs: Any) -> Response:
        subject = getattr(g.principal, "account_id", None) or g.principal.staff_id
        begun = idempotency.begin(
            subject, request.method, str(request.url_rule), request.headers.get("Idempotency-Key"), fingerprint()
        )
        if isinstance(begun, idempotency.Replay):
            return replayed(begun)
        return _run(begun, lambda: current_app.make_response(view(*args, **kwargs)))

    documented = {**getattr(view, "_apidoc", {})}
    documented.setdefault("manual_doc", {}).setdefault("parameters", []).append(_HEADER_DOC)
    kept._apidoc = documented  # type: ignore[attr-defined]  # noqa: SLF001  where flask-smorest looks
    return kept


def fingerprint() -> str:
    """What the key stands for: the exact target and body."""
    target = request.full_path.encode()
    return hashlib.sha256(target + b"\n" + request.get_data(cache=True)).hexdigest()


def replayed(kept: "idempotency.Replay") -> Response:
    response = Response(kept.body, status=kept.status, headers=dict(kept.headers))
    response.headers["Idempotent-Replay"] = "true"
    return response


def _run(row: "idempotency.Fresh", act: Callable[[], Response]) -> Response:
    try:
        response = act()
    except Problem as problem:
        if problem.code == "outcome_unknown":
            idempotency.mark_unknown(row)
        else:
            idempotency.abandon(row)
        raise
    except HTTPException:  # how webargs says that the body does not fit: nothing has run yet
        idempotency.abandon(row)
        raise
    except Exception:
        idempotency.mark_unknown(row)
        raise
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    idempotency.complete(row, response.status_code, headers, response.get_data())
    return response
