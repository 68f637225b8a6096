"""A room of the edge's own tests: one view for each thing the edge promises."""

import redis
from flask import abort
from marshmallow import fields, validate
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core import db, edge
from app.core.errors import FieldError, Problem
from app.core.events import OutboxEvent

public = edge.Room("probe", __name__, caller=edge.Caller.PUBLIC, url_prefix="/probe", description="Edge tests")


AWAY = {
    "database": OperationalError("SELECT 'canary'", {}, Exception("canary")),
    "pool": PoolTimeoutError(),
    "redis": redis.ConnectionError("canary"),
    "slow-redis": redis.TimeoutError("canary"),
}


class Inner(edge.Strict):
    code = fields.String(required=True, validate=validate.Length(1, 5))


class Thing(edge.Strict):
    name = fields.String(required=True, validate=validate.Length(1, 8))
    count = fields.Integer(strict=True, load_default=1)
    parts = fields.List(fields.Nested(Inner), load_default=list)


class EventSchema(edge.Strict):
    id = fields.String(required=True)
    type = fields.String(required=True)


@public.route("/things", methods=["POST"])
@public.arguments(Thing)
@public.response(201, Thing)
def make(body):
    return body


@public.route("/events")
@public.arguments(edge.PageQuery, location="query")
@public.response(200, edge.page_of(EventSchema))
def events(query):
    with db.transaction() as session:
        return edge.paged(session, select(OutboxEvent), OutboxEvent.id, **query)


@public.route("/problem")
@public.response(200)
def problem():
    raise Problem(
        "unavailable", detail={"need": "L3"}, errors=[FieldError("a.b", "required")], headers={"Retry-After": "7"}
    )


@public.route("/bug")
@public.response(200)
def bug():
    raise RuntimeError("canary 990101199003070015")


@public.route("/away/<store>")
@public.response(200)
def away(store):
    raise AWAY[store]


@public.route("/gone")
@public.response(200)
def gone():
    abort(410)


def init_app(flask_app):
    edge.register(flask_app, public)
