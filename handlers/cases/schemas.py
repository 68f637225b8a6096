"""What comes in and what goes out of the cases room."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from app.core.edge import Instant, Region, Strict
from app.core.edge.problems import english
from config.cases import STATE_WORDS

MOST_ANSWERS = 64
MOST_TEXT = 2000
MOST_LISTED = 50
KEY = validate.Regexp(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z", error="pattern")


def _answer(value: Any) -> None:
    """One answer of the form: text, a whole number, yes or no, nothing, or a list of texts."""
    texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    if isinstance(value, dict | float) or any(not isinstance(text, str) for text in texts):
        raise ValidationError("type")
    if len(texts) > MOST_LISTED or any(len(text) > MOST_TEXT for text in texts):
        raise ValidationError("length")


class FileCase(Strict):
    """POST /v1/cases."""

    item_code = fields.String(required=True, validate=validate.Length(1, 64))
    accept_region = Region(required=True)
    form = fields.Dict(
        keys=fields.String(validate=KEY),
        values=fields.Raw(allow_none=True, validate=_answer),
        required=True,
        validate=validate.Length(max=MOST_ANSWERS),
    )


class CaseSchema(Strict):
    """A case as its owner sees it. `case_no` is the authority's number, null until it has the case."""

    case_id = fields.String(required=True, attribute="id")
    item_code = fields.String(required=True)
    item_version = fields.String(required=True)
    item_name = fields.String(required=True)
    accept_region = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(sorted(STATE_WORDS)))
    state_text = fields.Function(lambda case: words(case.state), required=True, metadata={"type": "string"})
    case_no = fields.String(required=True, allow_none=True)
    result = fields.String(required=True)
    filed_at = Instant(required=True)
    updated_at = Instant(required=True)


class StepSchema(Strict):
    """One step of a case's track."""

    from_state = fields.String(required=True, data_key="from")
    to_state = fields.String(required=True, data_key="to")
    to_text = fields.Function(lambda step: words(step.to_state), required=True, metadata={"type": "string"})
    at = Instant(required=True)
    note = fields.String(required=True)


class CaseDetail(CaseSchema):
    """A case with its track, oldest step first."""

    track = fields.List(fields.Nested(StepSchema), required=True)


def words(state: str) -> str:
    """The state in the caller's language; a word the province invented is shown as it is."""
    known = STATE_WORDS.get(state)
    if known is None:
        return state
    return known.en if english() else known.zh
