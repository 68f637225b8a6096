"""What the catalogue's routes take and give. Only public facts of items; the raw province body never leaves."""

from typing import Any

from marshmallow import fields, validate

from app.core.edge import PageQuery, Query, Region, Strict, page_of


class ItemsQuery(PageQuery):
    region = Region(load_default=None, allow_none=False)
    q = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.Length(1, 50),
        metadata={"description": "words of the name or an alias"},
    )


class ItemSchema(Strict):
    code = fields.String(required=True)
    name = fields.String(required=True)
    type = fields.String(required=True, metadata={"description": "01 licence ... 20 public service"})
    region = fields.String(required=True)
    min_level = fields.String(required=True, validate=validate.OneOf(("L0", "L1", "L2", "L3")))
    org = fields.Function(lambda item: item.body.get("org", {}).get("name"), metadata={"type": ["string", "null"]})
    online = fields.Function(lambda item: item.body.get("online"), metadata={"type": ["string", "null"]})
    visits = fields.Function(lambda item: item.body.get("visits"), metadata={"type": ["integer", "null"]})
    status = fields.String(required=True)


class ItemDetailSchema(ItemSchema):
    basic_code = fields.String(required=True)
    version = fields.String(required=True)
    objects = fields.Function(lambda item: item.body.get("objects", []), metadata={"type": "array"})
    case_type = fields.Function(lambda item: item.body.get("case_type"), metadata={"type": ["string", "null"]})
    legal_limit = fields.Function(lambda item: item.body.get("legal_limit"), metadata={"type": ["object", "null"]})
    promise_limit = fields.Function(lambda item: item.body.get("promise_limit"), metadata={"type": ["object", "null"]})
    forms = fields.Function(lambda item: item.body.get("forms", []), metadata={"type": "array"})
    charge = fields.Function(lambda item: item.body.get("charge"), metadata={"type": ["object", "null"]})
    supports = fields.Function(lambda item: item.body.get("supports", {}), metadata={"type": "object"})
    themes = fields.Function(lambda item: item.body.get("themes", []), metadata={"type": "array"})


class GuideSchema(Strict):
    code = fields.String(required=True)
    name = fields.String(required=True)
    version = fields.String(required=True)
    stale = fields.Boolean(required=True, metadata={"description": "kept from earlier: the province did not answer"})
    guide = fields.Function(lambda guide: guide.body, metadata={"type": "object"})


class RegionsQuery(Query):
    parent = Region(load_default=None, allow_none=False)


class RegionSchema(Strict):
    code = fields.String(required=True)
    parent = fields.String(required=True)
    name = fields.String(required=True)
    level = fields.String(required=True)


class RegionsSchema(Strict):
    items = fields.List(fields.Nested(RegionSchema), required=True)


ItemPage: Any = page_of(ItemSchema)
