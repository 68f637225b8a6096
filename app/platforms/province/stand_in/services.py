"""Two departments' services behind the tif gateway: social security (social-security) and housing fund (housing-fund).

They trust nothing but the ticket in X-Subject-Token, which they spend themselves, and they do not de-duplicate writes:
the journal counts every execution, so a second one under the same key is visible and not hidden by kindness.
"""

from collections.abc import Callable
from typing import Any, Final

from app.platforms.province.stand_in import sso, wire
from app.platforms.province.stand_in.door import Route
from app.platforms.province.stand_in.people import Person
from app.platforms.province.stand_in.wire import Heard, Refusal
from app.platforms.province.stand_in.world import World

SOCIAL_SECURITY: Final = "social-security"
HOUSING_FUND: Final = "housing-fund"
REASONS: Final = frozenset({"LOST", "DAMAGED"})
DELIVERIES: Final = frozenset({"WINDOW", "EXPRESS"})
LONGEST_FIELD: Final = 200

Served = Callable[[World, Heard, Person], dict[str, Any]]


def _with_person(target_app: str, operation: str, serve: Served) -> Callable[..., dict[str, Any]]:
    """The ticket is spent before anything is read or done, as a service that minds its citizens would."""

    def act(world: World, heard: Heard, **path: str) -> dict[str, Any]:
        if not heard.ticket:
            raise Refusal(40104)
        person = sso.redeem(world, heard.ticket, target_app)
        facts = {
            "subject": person.subject_id,
            "idempotency_key": heard.idempotency_key,
            "fields": dict(heard.body),
            "query": dict(heard.query),
            "path": dict(path),
        }
        with world.bench.lock:
            data = serve(world, heard, person)
            world.executions[operation] = world.executions.get(operation, 0) + 1
            world.bench.note("province", operation, "executed", facts | {"execution": world.executions[operation]})
        return data

    return act


def card_status(world: World, _heard: Heard, person: Person) -> dict[str, Any]:
    lost = any(one["subjectId"] == person.subject_id for one in world.replacements.values())
    return {
        "cardNoMasked": "99****" + person.subject_id[-4:],
        "state": "REPLACING" if lost else "NORMAL",
        "bank": "示例银行",
        "issuedOn": "2019-06-18",
    }


def replace_card(world: World, heard: Heard, person: Person) -> dict[str, Any]:
    """One execution is one new card, whatever key it came under."""
    if heard.body.get("reason") not in REASONS:
        raise wire.bad("reason")
    if heard.body.get("delivery", "WINDOW") not in DELIVERIES:
        raise wire.bad("delivery")
    given = [*heard.members("subject").values()] if "subject" in heard.body else []
    given += [value for name, value in heard.body.items() if name != "subject"]
    if any(not isinstance(value, str) or len(value) > LONGEST_FIELD for value in given):
        raise wire.bad("body")
    number = f"SBK{world.next_serial():010d}"
    world.replacements[number] = {"replacementNo": number, "subjectId": person.subject_id, "state": "ACCEPTED"}
    return {"replacementNo": number, "state": "ACCEPTED", "promiseDays": 5}


def replacement(world: World, _heard: Heard, number: str) -> dict[str, Any]:
    """No ticket needed in this one: shows that a service may answer without a person. State only."""
    found = world.replacements.get(number)
    if found is None:
        raise Refusal(40401)
    return {"replacementNo": number, "state": found["state"]}


def fund_balance(_world: World, _heard: Heard, person: Person) -> dict[str, Any]:
    return {"accountMasked": "99****" + person.subject_id[:4][-2:], "balanceFen": 12_345_600, "asOf": "2026-10"}


def nothing_here(_world: World, _heard: Heard, **_path: str) -> dict[str, Any]:
    raise Refusal(40401)


def _person_route(method: str, app: str, path: str, operation: str, serve: Served) -> Route:
    return Route(method, f"/{app}{path}", operation, _with_person(app, operation, serve))


ROUTES: Final = (
    _person_route("GET", SOCIAL_SECURITY, "/card/status", "social-security.card-status", card_status),
    _person_route("POST", SOCIAL_SECURITY, "/card/replacements", "social-security.card-replacement", replace_card),
    Route("GET", "/social-security/card/replacements/<number>", "social-security.replacement", replacement),
    _person_route("GET", HOUSING_FUND, "/account/balance", "housing-fund.balance", fund_balance),
    *(
        Route(method, "/<path:rest>", "ebus.unknown", nothing_here)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    ),
)
