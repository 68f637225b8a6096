"""What goes in and out of the staff's own routes."""

from marshmallow import fields, validate

from app.core.edge import Instant, PageQuery, Strict
from app.core.edge.paging import page_of

HASH = validate.Regexp(r"\A[0-9a-f]{64}\Z")
STATES = ("requested", "approved", "executed", "refused", "expired")


class StaffSchema(Strict):
    """Who this token is."""

    staff_id = fields.String(required=True)
    human_id = fields.String(required=True)
    name = fields.String(required=True)
    organisation_id = fields.String(required=True)
    organisation = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    scopes = fields.List(fields.String(), required=True)


class ApprovalSchema(Strict):
    """An act that waits for a second person, or what became of it."""

    approval_id = fields.String(required=True)
    act = fields.String(required=True, metadata={"description": "service.publish, message.send, ..."})
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    requested_by = fields.String(required=True)
    requested_human = fields.String(required=True)
    created_at = Instant(required=True)
    expires_at = Instant(required=True)
    approved_by = fields.String(required=True, allow_none=True)
    refused_by = fields.String(required=True, allow_none=True)
    executed_at = Instant(required=True, allow_none=True)


class ApprovalDetailSchema(ApprovalSchema):
    """With exactly what will be done and the hash that stands for it: approve what you have read, nothing else."""

    payload = fields.Dict(required=True)
    payload_hash = fields.String(required=True, validate=HASH)
    refused_reason = fields.String(required=True, allow_none=True)


class ApprovalQuery(PageQuery):
    """`?state=` keeps those of one state."""

    state = fields.String(load_default=None, allow_none=False, validate=validate.OneOf(STATES))


class Approve(Strict):
    """The hash of the payload the approver has read."""

    payload_hash = fields.String(required=True, validate=HASH)


class Refuse(Strict):
    """Why, for the requester and the audit."""

    reason = fields.String(required=True, validate=validate.Length(1, 200))


ApprovalPage = page_of(ApprovalSchema)
