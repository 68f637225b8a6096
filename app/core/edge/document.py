"""The OpenAPI document: flask-smorest's, with our problem+json as the shape of every refusal."""

from typing import Any

from flask import Flask
from flask_smorest import Api
from marshmallow import INCLUDE, Schema, fields

from app.core.edge.callers import SCHEMES


class FieldProblem(Schema):
    """One wrong field: its dotted path and a stable word."""

    field = fields.String(required=True)
    code = fields.String(required=True)


class ProblemSchema(Schema):
    """RFC 9457. `code` is stable (config/problems.py); further members depend on it, such as `need` and `methods`."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldProblem))


class Document(Api):
    """Registers rooms and answers /openapi.json."""

    ERROR_SCHEMA = ProblemSchema
    TITLE = "Tongban 通办"

    def _register_responses(self) -> None:
        # The parent writes every default refusal as application/json; ours say what they are.
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/json"


def as_json_schema(_converter: object, field: fields.Field[Any], *, ret: dict[str, Any]) -> dict[str, Any]:
    """Mends what apispec carries over from Python as it is: JSON Schema's patterns are ECMA 262, with other anchors;
    the length of an object is its number of properties; and a default has to be of the field's own type.
    """
    mended: dict[str, Any] = {}
    if "pattern" in ret:
        mended["pattern"] = ecma(ret["pattern"])
    if isinstance(field, fields.Dict):
        for end in ("min", "max"):
            if (length := ret.pop(f"{end}Length", None)) is not None:
                mended[f"{end}Properties"] = length
    if not field.allow_none and ret.get("default", "") is None:
        del ret["default"]
    return mended


def ecma(pattern: str) -> str:
    """A pattern that Python's `re.match` applies, as one that means the same to JSON Schema, which searches."""
    anchored = "^" + pattern.removeprefix("^").removeprefix("\\A")
    return anchored.removesuffix("\\Z") + "$" if anchored.endswith("\\Z") else anchored


def install(flask_app: Flask) -> None:
    flask_app.config.update(API_TITLE=Document.TITLE, API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    api = Document(
        flask_app, spec_kwargs={"info": {"description": "The open backend behind a province's mini-programs."}}
    )
    api.ma_plugin.converter.add_attribute_function(as_json_schema)
    for name, scheme in SCHEMES.items():
        api.spec.components.security_scheme(name, scheme)
    flask_app.extensions["tongban_api"] = api
