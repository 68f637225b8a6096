"""The form of a manifest, member by member (docs/manifest.md lists them). Used by manifest.read only.

A member it does not know is an error, not a comment. Errors are short stable words under the member's dotted path.
"""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from app.core import egress
from app.core.chinaid import is_uscc
from app.core.edge import Strict
from app.core.errors import NotSent
from app.platforms.schemes.base import ENVELOPES
from config.platforms import CHANNELS
from handlers.gateway import paths
from handlers.gateway.speakers import CREDENTIALS, SCHEMES
from identity import pii

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
LEVELS: Final[Mapping[str, int]] = {"L1": 1, "L2": 2, "L3": 3}
TICKET: Final = "ticket"
NONE: Final = "none"
# What identity.pii can give out, each only when declared with a purpose and consented to.
FIELDS: Final = tuple(pii.FIELDS)
WAYS_WITHOUT_FACE: Final = ("counter", "network_identity", "certificate")
DAY_S: Final = 86_400


def _pattern(text: str) -> None:
    names = paths.PLACEHOLDER.findall(text)
    literal = [part for part in text.split("/") if set(part) == {"."}]
    if paths.PATTERN.fullmatch(text) is None or literal or len(set(names)) != len(names):
        raise ValidationError("pattern")


def _uscc(text: str) -> None:
    if not is_uscc(text):
        raise ValidationError("credit_code")


def _refuse_repeats(name: str, values: list[str]) -> None:
    for at, value in enumerate(values):
        if value in values[:at]:
            raise ValidationError({name: {at: ["duplicate"]}})


def _nested(dotted: str, word: str) -> dict[str, Any]:
    head, _, rest = dotted.partition(".")
    return {head: _nested(rest, word) if rest else [word]}


class Flag(fields.Boolean):
    """true or false and nothing that resembles them: 1 equals True in Python and in marshmallow's tables."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return bool(super()._deserialize(value, attr, data, **kwargs))


def _text(longest: int, **more: Any) -> fields.String:
    return fields.String(required=True, validate=validate.Length(1, longest), **more)


def _whole(low: int, high: int, **more: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(low, high), **more)


def _form(pattern: str) -> validate.Regexp:
    return validate.Regexp(pattern, error="pattern")


class NameSchema(Strict):
    zh = _text(40)
    en = _text(80)


class TimeoutsSchema(Strict):
    connect_s = _whole(1, 5, load_default=2)
    first_byte_s = _whole(1, 20, load_default=10)
    total_s = _whole(1, 30, load_default=30)


class UpstreamSchema(Strict):
    base_url = _text(300)
    path_prefix = fields.String(load_default="", validate=_form(r"\A(/[A-Za-z0-9][A-Za-z0-9._~-]{0,63}){0,8}\Z"))
    scheme = fields.String(required=True, validate=validate.OneOf(tuple(SCHEMES)))
    credential = fields.String(required=True, validate=validate.OneOf(tuple(CREDENTIALS)))
    envelope = fields.String(load_default=None, validate=validate.OneOf(tuple(ENVELOPES)))
    audience = fields.String(load_default=None, validate=_form(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"))
    timeouts = fields.Nested(TimeoutsSchema, load_default=lambda: TimeoutsSchema().load({}))
    concurrency = _whole(1, 128, load_default=32)

    @validates_schema
    def _origin(self, data: Mapping[str, Any], **_: Any) -> None:
        try:
            target = egress.parse(data["base_url"])
        except NotSent as error:
            raise ValidationError(error.reason, "base_url") from None
        if target.target != "/" or data["base_url"].endswith("/"):
            raise ValidationError("path", "base_url")


class OperationSchema(Strict):
    method = fields.String(required=True, validate=validate.OneOf(METHODS))
    path = fields.String(required=True, validate=validate.And(validate.Length(1, 300), _pattern))
    write = Flag(required=True)
    identity = fields.String(load_default=None, validate=validate.OneOf((TICKET, NONE)))
    max_age_s = _whole(60, 30 * DAY_S, load_default=None)
    query = fields.List(
        fields.String(validate=_form(r"\A[A-Za-z][A-Za-z0-9_.-]{0,39}\Z")),
        load_default=list,
        validate=validate.Length(max=paths.MOST_PARAMETERS),
    )

    @validates_schema
    def _honest(self, data: Mapping[str, Any], **_: Any) -> None:
        # Whatever is not a GET is a write: it takes an Idempotency-Key and is never sent twice (X12).
        if data["write"] != (data["method"] != "GET"):
            raise ValidationError("method", "write")


class FieldSchema(Strict):
    name = fields.String(required=True, validate=validate.OneOf(FIELDS))
    purpose = _text(100)


class ManifestSchema(Strict):
    """Every member of a manifest; a member it does not know is an error, not a comment."""

    slug = fields.String(required=True, validate=_form(r"\A[a-z][a-z0-9-]{2,39}\Z"))
    name = fields.Nested(NameSchema, required=True)
    owner = fields.String(required=True, validate=_uscc)
    contact = _text(120)
    item_codes = fields.List(
        fields.String(validate=_form(r"\A[0-9A-Z]{12,40}\Z")), required=True, validate=validate.Length(1, 50)
    )
    regions = fields.List(
        fields.String(validate=_form(r"\A[0-9]{12}\Z")), required=True, validate=validate.Length(1, 200)
    )
    channels = fields.List(
        fields.String(validate=validate.OneOf(tuple(CHANNELS))), required=True, validate=validate.Length(1, 16)
    )
    entry = fields.String(required=True, validate=validate.OneOf(("api",)))
    upstream = fields.Nested(UpstreamSchema, required=True)
    operations = fields.List(fields.Nested(OperationSchema), required=True, validate=validate.Length(1, 64))
    min_level = fields.String(required=True, validate=validate.OneOf(tuple(LEVELS)))
    max_age_s = _whole(60, 30 * DAY_S, load_default=None)
    fields_ = fields.List(
        fields.Nested(FieldSchema), data_key="fields", load_default=list, validate=validate.Length(max=len(FIELDS))
    )
    identity = fields.String(required=True, validate=validate.OneOf((TICKET, NONE)))
    face_alternative = fields.List(fields.String(validate=validate.OneOf(WAYS_WITHOUT_FACE)), load_default=list)
    elder_mode = Flag(load_default=False)
    security_promise = Flag(required=True)
    impact_assessment = fields.String(load_default=None, validate=validate.Length(1, 80))

    @validates_schema
    def _unambiguous(self, data: Mapping[str, Any], **_: Any) -> None:
        shapes = [(one["method"], paths.PLACEHOLDER.sub("{}", one["path"])) for one in data["operations"]]
        for at, shape in enumerate(shapes):
            if shape in shapes[:at]:
                raise ValidationError({"operations": {at: {"path": ["duplicate"]}}})
        _refuse_repeats("fields", [one["name"] for one in data["fields_"]])
        for name in ("item_codes", "regions", "channels"):
            _refuse_repeats(name, data[name])

    @validates_schema
    def _lawful(self, data: Mapping[str, Any], **_: Any) -> None:
        tickets = TICKET in {data["identity"], *(one["identity"] for one in data["operations"])}
        level = LEVELS[data["min_level"]]
        rules = (
            (not data["security_promise"], "security_promise", "required"),
            # Nobody below L2 has a name and number to give, nor a subject the authority knows.
            ((tickets or bool(data["fields_"])) and level < LEVELS["L2"], "min_level", "too_low_for_identity"),
            # Face must never be the only way (order 19, article 10).
            (level >= LEVELS["L3"] and not data["face_alternative"], "face_alternative", "required"),
            (bool(data["fields_"]) and not data["impact_assessment"], "impact_assessment", "required"),
            (tickets and not data["upstream"]["audience"], "upstream.audience", "required"),
            (
                bool(data["fields_"]) and not any(one["write"] for one in data["operations"]),
                "fields",
                "no_body_to_travel_in",
            ),
        )
        for broken, name, word in rules:
            if broken:
                raise ValidationError(_nested(name, word))
