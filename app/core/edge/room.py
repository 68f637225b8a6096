"""Room: a blueprint of one caller. What it takes is parsed strictly, and what it may refuse is in the document."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask_smorest import Blueprint

from app.core.edge import refusals
from app.core.edge.bodies import StrictArguments
from app.core.edge.callers import APP_HEADER, SAYING_THEIR_APP, SECURITY, Caller


class Room(StrictArguments, Blueprint):
    """`Room("cases", __name__, caller=Caller.CITIZEN, url_prefix="/v1")`; every route of it is for that caller."""

    def __init__(self, name: str, import_name: str, *, caller: Caller, **options: Any) -> None:
        super().__init__(name, import_name, **options)
        self.caller = caller
        self._prepare_doc_cbks.append(self._say_proof)

    def add_url_rule(self, rule: str, *args: Any, **options: Any) -> None:
        super().add_url_rule(rule, *args, **options)
        for verb, told in self._docs[self._endpoints[-1]].items():
            if verb != "parameters":
                said = told.setdefault("manual_doc", {}).setdefault("responses", {})
                for status, name in refusals.of(self.caller, rule, told).items():
                    said.setdefault(status, name)

    def refuses(self, *statuses: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator: this view refuses with these too, beyond what its caller, path and input imply."""
        documented: Callable[[Callable[..., Any]], Callable[..., Any]] = self.doc(
            responses={str(status): HTTPStatus(status).name for status in statuses}
        )
        return documented

    def _say_proof(self, doc: dict[str, Any], told: dict[str, Any], **_: object) -> dict[str, Any]:
        """OpenAPI's `security` and headers; a view that proves its caller itself says so with `doc`.

        Headers given with `doc` stand beside what `arguments` found: the parent would let them take its place.
        """
        headers = told.get("manual_doc", {}).pop("parameters", [])
        if self.caller in SAYING_THEIR_APP:
            headers = [APP_HEADER, *headers]
        if headers:
            doc["parameters"] = [*doc.get("parameters", []), *headers]
        if self.caller in SECURITY:
            doc["security"] = SECURITY[self.caller]
        return doc
