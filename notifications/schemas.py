"""What comes in and what goes out of notifications."""

from marshmallow import fields, validate

from app.core.edge import Instant, PageQuery, Strict
from app.core.edge.problems import english
from config.messages import KINDS
from notifications import compose, grants, inbox
from notifications.models import Entry

MOST_ANSWERED = 5  # ids in one pop-up, current client documentation
TEMPLATE_ID = validate.Regexp(r"[A-Za-z0-9_-]{1,64}\Z", error="pattern")
LONGEST_VALUE = 1000


class GrantAnswers(Strict):
    """POST /v1/me/grants: the pop-up's result as the client got it, `{template id: answer}`."""

    answers = fields.Dict(
        keys=fields.String(validate=TEMPLATE_ID),
        values=fields.String(validate=validate.OneOf(grants.ANSWERS)),
        required=True,
        validate=validate.Length(1, MOST_ANSWERED),
    )


class GrantSchema(Strict):
    """One template of the caller's app. `available` single sends are left, or the grant is `standing`."""

    platform_template_id = fields.String(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    term = fields.String(required=True, validate=validate.OneOf(("one_time", "long_term")))
    available = fields.Integer(required=True)
    standing = fields.Boolean(required=True)
    ask = fields.Boolean(required=True)


class GrantsSchema(Strict):
    """`ask` holds the template ids for the next pop-up: at most three, never one-time and long-term together."""

    items = fields.List(fields.Nested(GrantSchema), required=True)
    ask = fields.List(fields.String(), required=True)


class EntrySchema(Strict):
    """One entry of the inbox, in the caller's language. `about` is the id of what it is about: a case's."""

    entry_id = fields.String(required=True, attribute="id")
    kind = fields.String(required=True)
    title = fields.Function(lambda entry: text(entry).title, required=True, metadata={"type": "string"})
    body = fields.Function(lambda entry: text(entry).body, required=True, metadata={"type": "string"})
    about = fields.String(required=True, allow_none=True)
    page = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    read_at = Instant(required=True, allow_none=True)


class InboxPage(Strict):
    """A page of the inbox and the number of unread entries in all."""

    items = fields.List(fields.Nested(EntrySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    unread = fields.Integer(required=True)


class InboxQuery(PageQuery):
    """`?limit=&cursor=`."""


def text(entry: Entry) -> compose.Text:
    """Both languages are sealed together; opening is cheap beside the query."""
    return inbox.text_of(entry, "en" if english() else "zh")


class SendMessage(Strict):
    """POST /ops/v1/messages. Values are those of the kind, without `at`, which is set here."""

    citizen_id = fields.String(required=True, validate=validate.Regexp(r"cz_[0-9a-z]{26}\Z", error="pattern"))
    kind = fields.String(
        required=True, validate=validate.OneOf(sorted(name for name, kind in KINDS.items() if kind.by_operator))
    )
    values = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 32)),
        values=fields.String(validate=validate.Length(1, LONGEST_VALUE)),
        required=True,
        validate=validate.Length(max=16),
    )


class RequestedSchema(Strict):
    """What a second person has to approve: the act, bound to this hash."""

    message_id = fields.String(required=True)
    approval_id = fields.String(required=True)
    payload_hash = fields.String(required=True)
    expires_at = Instant(required=True)


class ReceiptSchema(Strict):
    """What the channel said later."""

    ok = fields.Boolean(required=True)
    code = fields.String(required=True)
    status = fields.String(required=True)
    received_at = Instant(required=True)


class AttemptSchema(Strict):
    """One try through one channel."""

    attempt_id = fields.String(required=True, attribute="id")
    channel = fields.String(required=True)
    app_id = fields.String(required=True)
    account_id = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True)
    code = fields.String(required=True)
    tries = fields.Integer(required=True)
    channel_message_id = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    sent_at = Instant(required=True, allow_none=True)
    settled_at = Instant(required=True, allow_none=True)
    receipts = fields.List(fields.Nested(ReceiptSchema), required=True)


class MessageSchema(Strict):
    """A message, what became of it, and each attempt; never its words."""

    message_id = fields.String(required=True, attribute="id")
    citizen_id = fields.String(required=True)
    kind = fields.String(required=True)
    sender = fields.String(required=True)
    origin = fields.String(required=True)
    state = fields.String(required=True)
    created_at = Instant(required=True)
    expires_at = Instant(required=True)
    attempts = fields.List(fields.Nested(AttemptSchema), required=True)
