"""What comes in: strict JSON, refused unknown fields, no repeated query keys (security.md I1, I5, A3)."""

from typing import Any

from flask import Request
from flask_smorest.arguments import ArgumentsMixin
from marshmallow import RAISE, Schema, fields
from webargs.core import missing
from webargs.flaskparser import FlaskParser

from app.core import clock, strictjson
from app.core.errors import Problem

MAX_BODY_BYTES = 256 * 1024


class Strict(Schema):
    """Base of every schema: a field that is not declared is refused, and output holds only declared fields."""

    class Meta:
        unknown = RAISE


class Query(Strict):
    """Base of query schemas; repeated keys are refused before it is reached."""


class Instant(fields.DateTime):
    """An instant going out: RFC 3339 in UTC with milliseconds."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ARG002  marshmallow's
        return None if value is None else clock.to_wire(value)


class StrictParser(FlaskParser):
    """webargs' parser with our JSON loader and without lenient query strings."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": RAISE, "headers": None, "path": RAISE}  # noqa: RUF012  webargs' name

    def _raw_load_json(self, req: Request) -> Any:
        if req.mimetype != "application/json":
            if not req.content_length and "transfer-encoding" not in req.headers:
                return missing
            raise Problem("unsupported_media_type")
        return read_json(req)


def read_json(req: Request, max_bytes: int = MAX_BODY_BYTES) -> Any:
    """The body as JSON. Raises Problem invalid_json with the reason as a stable word."""
    try:
        return strictjson.loads(req.get_data(cache=True), max_bytes=max_bytes, integers="client")
    except strictjson.InvalidJson as error:
        raise Problem("invalid_json", detail={"reason": error.reason}) from None


class StrictArguments(ArgumentsMixin):
    """Blueprint mixin that parses with the strict parser."""

    ARGUMENTS_PARSER = StrictParser()
