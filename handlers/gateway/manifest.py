"""The manifest: everything a service is, in one JSON document (docs/manifest.md). Reading it is pure.

`read` turns what an integrator wrote into a Manifest or into errors that point at the field. What was approved is what
runs: rows keep the document and its digest, the road runs on what `read` made of exactly that document.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from marshmallow import Schema, ValidationError

from app.core import strictjson
from app.core.edge.problems import field_errors
from app.core.errors import Problem
from handlers.gateway import paths
from handlers.gateway.manifest_schema import LEVELS, TICKET, ManifestSchema

SUBJECT: Final = "subject"  # the member of a body that the declared fields travel in; ours alone to write


@dataclass(frozen=True, slots=True)
class Operation:
    """One call a service offers. `pattern` is a path with {placeholders}, `query` the parameters it takes."""

    method: str
    pattern: str
    write: bool
    identity: str
    max_age_s: int | None
    query: frozenset[str]
    matcher: "re.Pattern[str]"


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where the service lives and how it wants to be spoken to. `audience` is its name for tickets."""

    base_url: str
    path_prefix: str
    scheme: str
    credential: str
    envelope: str
    audience: str
    connect_s: float
    first_byte_s: float
    total_s: float
    concurrency: int


@dataclass(frozen=True, slots=True)
class Field:
    """A fact about the citizen the service is given, and what for."""

    name: str
    purpose: str


@dataclass(frozen=True)
class Manifest:
    """What runs. `document` is the integrator's own text, `digest` the SHA-256 of its canonical form."""

    slug: str
    name_zh: str
    name_en: str
    owner: str
    regions: tuple[str, ...]
    channels: tuple[str, ...]
    item_codes: tuple[str, ...]
    upstream: Upstream
    operations: tuple[Operation, ...]
    min_level: int
    max_age_s: int | None
    fields: tuple[Field, ...]
    identity: str
    document: Mapping[str, Any] = field(repr=False)
    digest: str = ""

    @property
    def hands_over_identity(self) -> bool:
        """Whether any call tells the service who the citizen is; then consent is asked first."""
        return bool(self.fields) or any(operation.identity == TICKET for operation in self.operations)


def read(document: object) -> Manifest:
    """The manifest, or Problem invalid_fields whose errors[] name each field by its dotted path."""
    if not isinstance(document, Mapping):
        raise Problem("invalid_fields", errors=field_errors({"manifest": ["type"]}))
    schema: Schema = ManifestSchema()
    try:
        data = schema.load(document)
    except ValidationError as error:
        raise Problem("invalid_fields", errors=field_errors(error.messages)) from None
    return _made(data, document)


def digest_of(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(strictjson.canonical(document)).hexdigest()


def _made(data: Mapping[str, Any], document: Mapping[str, Any]) -> Manifest:
    return Manifest(
        slug=data["slug"],
        name_zh=data["name"]["zh"],
        name_en=data["name"]["en"],
        owner=data["owner"],
        regions=tuple(data["regions"]),
        channels=tuple(data["channels"]),
        item_codes=tuple(data["item_codes"]),
        upstream=_upstream(data["upstream"]),
        operations=tuple(_operation(one, data["identity"]) for one in data["operations"]),
        min_level=LEVELS[data["min_level"]],
        max_age_s=data["max_age_s"],
        fields=tuple(Field(one["name"], one["purpose"]) for one in data["fields_"]),
        identity=data["identity"],
        document=document,
        digest=digest_of(document),
    )


def _upstream(data: Mapping[str, Any]) -> Upstream:
    return Upstream(
        data["base_url"],
        data["path_prefix"],
        data["scheme"],
        data["credential"],
        data["envelope"] or data["scheme"],
        data["audience"] or "",
        data["timeouts"]["connect_s"],
        data["timeouts"]["first_byte_s"],
        data["timeouts"]["total_s"],
        data["concurrency"],
    )


def _operation(data: Mapping[str, Any], usual_identity: str) -> Operation:
    return Operation(
        data["method"],
        data["path"],
        data["write"],
        data["identity"] or usual_identity,
        data["max_age_s"],
        frozenset(data["query"]),
        paths.compiled(data["path"]),
    )
