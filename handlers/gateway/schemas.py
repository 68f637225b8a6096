"""What the gateway's routes take and give: a service as a mini-program needs it, a version as a reviewer needs it."""

from typing import Any

from marshmallow import fields, validate

from app.core.edge import Instant, PageQuery, Region, Strict, page_of


class ServicesQuery(PageQuery):
    region = Region(load_default=None, allow_none=False)


class BilingualSchema(Strict):
    zh = fields.String(required=True)
    en = fields.String(required=True)


class NeedSchema(Strict):
    level = fields.String(required=True, validate=validate.OneOf(("L1", "L2", "L3")))
    max_age_s = fields.Integer(required=True, allow_none=True)
    consent = fields.String(
        required=True, allow_none=True, metadata={"description": "purpose to accept by POST /v1/me/consents first"}
    )


class GivenFieldSchema(Strict):
    name = fields.String(required=True)
    purpose = fields.String(required=True)


class CallSchema(Strict):
    method = fields.String(required=True)
    path = fields.String(required=True, metadata={"description": "below /v1/services/{id}/call"})
    write = fields.Boolean(required=True, metadata={"description": "takes an Idempotency-Key"})
    query = fields.List(fields.String(), required=True)


class ServiceSchema(Strict):
    id = fields.String(required=True)
    slug = fields.String(required=True)
    name = fields.Nested(BilingualSchema, required=True)
    regions = fields.List(fields.String(), required=True)
    item_codes = fields.List(fields.String(), required=True)
    need = fields.Nested(NeedSchema, required=True)


class ServiceDetailSchema(ServiceSchema):
    version = fields.Integer(required=True)
    owner = fields.String(required=True, metadata={"description": "unified social credit code"})
    contact = fields.String(required=True)
    given = fields.List(fields.Nested(GivenFieldSchema), required=True)
    operations = fields.List(fields.Nested(CallSchema), required=True)


class CalledSchema(Strict):
    data = fields.Raw(required=True, allow_none=True, metadata={"description": "the service's own"})


class VersionsQuery(PageQuery):
    state = fields.String(load_default=None, validate=validate.OneOf(("submitted", "published", "retired")))


class VersionSchema(Strict):
    id = fields.String(required=True)
    service_id = fields.String(required=True)
    slug = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True)
    manifest_hash = fields.String(required=True)
    submitted_by = fields.String(required=True)
    submitted_at = Instant(required=True)
    approval_id = fields.String(required=True, allow_none=True)
    published_at = Instant(required=True, allow_none=True)


class VersionDetailSchema(VersionSchema):
    manifest = fields.Dict(keys=fields.String(), required=True)


ServicePage: Any = page_of(ServiceSchema)
VersionPage: Any = page_of(VersionSchema)
