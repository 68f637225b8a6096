"""The OpenAPI document: flask-smorest's, with our problem+json as the shape of every refusal."""

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


def install(flask_app: Flask) -> None:
    flask_app.config.update(API_TITLE=Document.TITLE, API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    api = Document(
        flask_app, spec_kwargs={"info": {"description": "The open backend behind a province's mini-programs."}}
    )
    for name, scheme in SCHEMES.items():
        api.spec.components.security_scheme(name, scheme)
    flask_app.extensions["tongban_api"] = api
