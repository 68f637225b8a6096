"""Shapes of citizens' identity requests and answers. Unknown fields are refused: no caller names a person (L2)."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.core.edge import Instant, Strict

ID_TEXT = validate.Length(1, 64)


class LogInSchema(Strict):
    """The mini-program's login code, and nothing else."""

    code = fields.String(required=True, validate=[validate.Length(1, 128), validate.Regexp(r"\A[\x21-\x7e]+\Z")])


class StartedSessionSchema(Strict):
    """`access_token` is shown this once; send it as `Authorization: Bearer`, never in a URL."""

    access_token = fields.String(required=True)
    token_type = fields.Constant("Bearer", required=True)
    expires_at = Instant(required=True)
    idle_timeout_s = fields.Integer(required=True)
    level = fields.String(required=True)
    account_id = fields.String(required=True)
    citizen_id = fields.String(required=True)


class SessionSchema(Strict):
    """One live session; `current` marks the one asking."""

    id = fields.String(required=True)
    channel = fields.String(required=True)
    app_id = fields.String(required=True)
    created_at = Instant(required=True)
    last_seen_at = Instant(required=True)
    current = fields.Boolean(required=True)


class SessionsSchema(Strict):
    """All of them; there are never many."""

    items = fields.List(fields.Nested(SessionSchema), required=True)


class ProofSchema(Strict):
    """One proof that still counts."""

    level = fields.String(required=True)
    method = fields.String(required=True)
    obtained_at = Instant(required=True)


class MeSchema(Strict):
    """Who I am here. Name and number are masked, and null below L2."""

    citizen_id = fields.String(required=True)
    account_id = fields.String(required=True)
    channel = fields.String(required=True)
    level = fields.String(required=True)
    level_name = fields.String(required=True)
    name_masked = fields.String(required=True, allow_none=True)
    id_number_masked = fields.String(required=True, allow_none=True)
    proofs = fields.List(fields.Nested(ProofSchema), required=True)


class ConsentTextSchema(Strict):
    """A text to read before accepting. `recipient`: who receives the data."""

    purpose = fields.String(required=True)
    text_version = fields.String(required=True)
    text_hash = fields.String(required=True)
    recipient = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class ConsentTextsSchema(Strict):
    items = fields.List(fields.Nested(ConsentTextSchema), required=True)


class GiveConsentSchema(Strict):
    """Accept exactly this version of this purpose's text."""

    purpose = fields.String(required=True, validate=validate.Regexp(r"\A[a-z_]{2,32}(:[a-z0-9_]{2,64})?\Z"))
    text_version = fields.String(required=True, validate=validate.Length(1, 16))


class ConsentSchema(Strict):
    """The newest answer of this account for one purpose. `current`: it covers the text of today."""

    id = fields.String(required=True)
    purpose = fields.String(required=True)
    text_version = fields.String(required=True)
    recipient = fields.String(required=True)
    given = fields.Boolean(required=True)
    current = fields.Boolean(required=True)
    at = Instant(required=True)


class ConsentsSchema(Strict):
    items = fields.List(fields.Nested(ConsentSchema), required=True)


class StartVerificationSchema(Strict):
    """real_name: name and id_number. face: neither; `purpose` act binds the pass to one `service_id`, for one use."""

    method = fields.String(required=True, validate=validate.OneOf(["real_name", "face"]))
    name = fields.String(validate=validate.Length(1, 64))
    id_number = fields.String(validate=validate.Length(1, 32))
    purpose = fields.String(validate=validate.OneOf(["level", "act"]))
    service_id = fields.String(validate=ID_TEXT)

    @validates_schema
    def _members_of_the_method(self, data: dict[str, Any], **_options: Any) -> None:
        wrong = _misplaced(data)
        if wrong:
            raise ValidationError(wrong)


def _misplaced(data: dict[str, Any]) -> dict[str, list[str]]:
    """Field -> error for members that the chosen method lacks or does not take."""
    real_name = data.get("method") == "real_name"
    needed = {"name", "id_number"} if real_name else {"service_id"} if data.get("purpose") == "act" else set()
    optional = set() if real_name else {"purpose"}
    present = set(data) - {"method"}
    missing = {name: ["Missing data for required field."] for name in sorted(needed - present)}
    unknown = {name: ["Unknown field."] for name in sorted(present - needed - optional)}
    return missing | unknown


class NextStepSchema(Strict):
    """The call to make next."""

    method = fields.String(required=True)
    href = fields.String(required=True)


class VerificationSchema(Strict):
    """One attempt. `client`: parameters for the channel's own face call, only in the answer that started it.

    `state`: created, pending, passed, failed, expired, consumed, revoked; consumed means that the level is reached.
    `next` is null once the attempt is over.
    """

    verification_id = fields.String(required=True)
    method = fields.String(required=True)
    purpose = fields.String(required=True)
    state = fields.String(required=True)
    level = fields.String(required=True)
    reason = fields.String()
    can_retry = fields.Boolean()
    client = fields.Dict(keys=fields.String(), values=fields.String())
    created_at = Instant(required=True)
    expires_at = Instant(required=True)
    next = fields.Nested(NextStepSchema, required=True, allow_none=True)


class UseSchema(Strict):
    """One use of my data: which fields, by whom, for what, who received them."""

    id = fields.String(required=True)
    purpose = fields.String(required=True)
    fields_ = fields.List(fields.String(), required=True, data_key="fields", attribute="fields")
    recipient = fields.String(required=True)
    ref = fields.String(required=True)
    at = Instant(required=True)
