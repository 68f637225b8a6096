"""What comes in: strict JSON, refused unknown fields, no repeated query keys (security.md I1, I5, A3)."""

import re
from typing import Any

from flask import Request
from flask_smorest.arguments import ArgumentsMixin
from marshmallow import RAISE, Schema, fields, validate
from webargs.core import missing
from webargs.flaskparser import FlaskParser

from app.core import clock, strictjson
from app.core.errors import Problem

MAX_BODY_BYTES = 256 * 1024
# Werkzeug cuts a body in chunks at its own limit and says nothing: one byte more makes a body that was cut too large.
READ_BYTES = MAX_BODY_BYTES + 1
_DIGITS = re.compile(r"[0-9]{1,9}")


class Strict(Schema):
    """Base of every schema: a field that is not declared is refused, and output holds only declared fields."""

    class Meta:
        unknown = RAISE


class Query(Strict):
    """Base of query schemas; repeated keys are refused before it is reached."""


class Digits(fields.Integer):
    """A whole number in a query: 1 to 9 ASCII digits. `int()` would also read ٣, 1_0 and +5 (security.md I2)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or _DIGITS.fullmatch(value) is None:
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)


class Region(fields.String):
    """A region of GB/T 2260 by its twelve digits."""

    def __init__(self, **options: Any) -> None:
        form = validate.Regexp(r"\A[0-9]{12}\Z", error="pattern")
        super().__init__(validate=form, metadata={"description": "12 digits, GB/T 2260"}, **options)


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
    """The body as JSON. Raises Problem too_large, or invalid_json with the reason as a stable word."""
    try:
        return strictjson.loads(req.get_data(cache=True), max_bytes=max_bytes, integers="client")
    except strictjson.InvalidJson as error:
        if error.reason == "too_large":
            raise Problem("too_large") from None
        raise Problem("invalid_json", detail={"reason": error.reason}) from None


class StrictArguments(ArgumentsMixin):
    """Blueprint mixin that parses with the strict parser."""

    ARGUMENTS_PARSER = StrictParser()
