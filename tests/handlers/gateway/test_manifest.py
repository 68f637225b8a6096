"""Manifests: what passes, and errors that point at the member."""

import copy

import pytest

from app.core.errors import Problem
from handlers.gateway import manifest as manifests
from tests.support.gateway import APPLY, CARD, manifest, plain_manifest


def errors(document: object) -> list[tuple[str, str]]:
    with pytest.raises(Problem) as refused:
        manifests.read(document)
    assert refused.value.code == "invalid_fields"
    return [tuple(error) for error in refused.value.errors]


def changed(path: str, value: object) -> dict:
    """The passing manifest with one member replaced; `...` removes it."""
    document = copy.deepcopy(manifest())
    *way, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    place = document
    for part in way:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


def test_a_manifest_is_read_whole():
    read = manifests.read(manifest())
    assert (read.slug, read.min_level, read.identity) == ("card-replace", 3, "ticket")
    assert [(one.method, one.pattern, one.write, one.identity) for one in read.operations] == [
        ("GET", "/cards/{card_no}", False, "none"),
        ("POST", "/cards", True, "ticket"),
    ]
    assert read.upstream.envelope == "tif"
    assert read.hands_over_identity


def test_a_service_that_learns_nothing_of_anybody_says_so():
    assert not manifests.read(plain_manifest("https://cards.example.gov.cn")).hands_over_identity


def test_the_digest_does_not_depend_on_the_order_of_members():
    document = manifest()
    assert manifests.read(document).digest == manifests.read(dict(reversed(document.items()))).digest
    assert manifests.read(changed("contact", "另一处")).digest != manifests.read(document).digest


@pytest.mark.parametrize(
    ("path", "value", "field", "word"),
    [
        ("slug", ..., "slug", "required"),
        ("slug", "Card", "slug", "format"),
        ("slug", "-x-", "slug", "format"),
        ("slug", 7, "slug", "type"),
        ("name.en", ..., "name.en", "required"),
        ("name.zh", "", "name.zh", "length"),
        ("name.fr", "x", "name.fr", "unknown"),
        ("owner", "11990000MB0000001X", "owner", "credit_code"),
        ("item_codes", [], "item_codes", "length"),
        ("item_codes.0", "x", "item_codes.0", "format"),
        ("regions.0", "99", "regions.0", "format"),
        ("regions.0", "99000000000٠", "regions.0", "format"),
        ("channels.0", "fax", "channels.0", "choice"),
        ("entry", "h5", "entry", "choice"),
        ("upstream.base_url", "http://cards.example.gov.cn", "upstream.base_url", "scheme"),
        ("upstream.base_url", "https://127.0.0.1", "upstream.base_url", "host"),
        ("upstream.base_url", "https://169.254.169.254", "upstream.base_url", "host"),
        ("upstream.base_url", "https://cards.example.gov.cn:8080", "upstream.base_url", "port"),
        ("upstream.base_url", "https://cards.example.gov.cn/", "upstream.base_url", "path"),
        ("upstream.base_url", "https://cards.example.gov.cn/x", "upstream.base_url", "path"),
        ("upstream.base_url", "https://u:p@cards.example.gov.cn", "upstream.base_url", "url"),
        ("upstream.path_prefix", "/ebus/../admin", "upstream.path_prefix", "format"),
        ("upstream.path_prefix", "ebus", "upstream.path_prefix", "format"),
        ("upstream.path_prefix", "/ebus/", "upstream.path_prefix", "format"),
        ("upstream.scheme", "basic", "upstream.scheme", "choice"),
        ("upstream.credential", "theirs", "upstream.credential", "choice"),
        ("upstream.secret", "s", "upstream.secret", "unknown"),
        ("upstream.audience", ..., "upstream.audience", "required"),
        ("upstream.timeouts.total_s", 300, "upstream.timeouts.total_s", "range"),
        ("upstream.timeouts.total_s", "2", "upstream.timeouts.total_s", "type"),
        ("upstream.concurrency", 0, "upstream.concurrency", "range"),
        ("operations", [], "operations", "length"),
        ("operations.0.method", "TRACE", "operations.0.method", "choice"),
        ("operations.0.path", "/a/../b", "operations.0.path", "format"),
        ("operations.0.path", "/{a}/{a}", "operations.0.path", "format"),
        ("operations.0.path", "cards", "operations.0.path", "format"),
        ("operations.0.path", "/cards/", "operations.0.path", "format"),
        ("operations.0.path", "/ca%72ds", "operations.0.path", "format"),
        ("operations.0.write", True, "operations.0.write", "method"),
        ("operations.1.write", False, "operations.1.write", "method"),
        ("operations.1.write", "yes", "operations.1.write", "type"),
        ("operations.0.query", ["a b"], "operations.0.query.0", "format"),
        ("operations.1", CARD | {"path": "/cards/{other}"}, "operations.1.path", "duplicate"),
        ("min_level", "L4", "min_level", "choice"),
        ("min_level", "L1", "min_level", "too_low_for_identity"),
        ("max_age_s", 1, "max_age_s", "range"),
        ("fields.0.name", "openid", "fields.0.name", "choice"),
        ("fields.0.purpose", "", "fields.0.purpose", "length"),
        ("fields.1.name", "name", "fields.1", "duplicate"),
        ("identity", "token", "identity", "choice"),
        ("face_alternative", [], "face_alternative", "required"),
        ("security_promise", False, "security_promise", "required"),
        ("security_promise", 1, "security_promise", "type"),
        ("impact_assessment", ..., "impact_assessment", "required"),
        ("tenant_id", "province", "tenant_id", "unknown"),
        ("state", "published", "state", "unknown"),
    ],
)
def test_an_error_points_at_the_member(path, value, field, word):
    assert (field, word) in errors(changed(path, value))


def test_fields_need_a_body_to_travel_in():
    assert ("fields", "no_body_to_travel_in") in errors(manifest(operations=[CARD]))


@pytest.mark.parametrize("document", [None, [], "x", 7])
def test_what_is_no_object_is_no_manifest(document):
    assert errors(document) == [("manifest", "type")]


def test_an_operation_may_ask_for_less_or_more_than_its_service():
    read = manifests.read(manifest(operations=[CARD | {"identity": "ticket", "max_age_s": 60}, APPLY]))
    assert (read.operations[0].identity, read.operations[0].max_age_s) == ("ticket", 60)
