"""What happens -> what is said. A reaction to an event is a line in RULES; the wording stands in config/messages.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from app.core import clock
from app.core.events import Event, subscribe
from config.cases import STATE_WORDS
from notifications import compose, messages


@dataclass(frozen=True)
class Rule:
    """`when` answers None (say nothing), "always" or "scarce" (push only where grants are plenty)."""

    kind: str
    when: Callable[[Mapping[str, Any]], str | None]
    values: Callable[[Event], dict[str, str]]


# A one-time grant is a single send: it is kept for what ends a case or asks the citizen to do something, and spent on
# progress only where more are left or the grant is standing. States not named here are seen in the case's own page.
CASE_STATES: Final = {
    "refused": "always", "pre_rejected": "always", "correction": "always", "not_accepted": "always", "done": "always",
    "terminated": "always", "submitted": "scarce", "accepted": "scarce",
}  # fmt: skip


def _case_values(event: Event) -> dict[str, str]:
    data, words = event.data, STATE_WORDS[event.data["to"]]
    return {
        "case_id": data["case_id"],
        "case_no": data["case_no"] or data["case_id"],
        "item_name": compose.printable(data["item_name"]),
        "state_text": words.zh,
        "state_text_en": words.en,
        "state_phrase": words.phrase,
        "at": clock.to_beijing(event.created_at),
    }


RULES: Final[dict[str, Rule]] = {
    "case.state_changed": Rule("case_progress", lambda data: CASE_STATES.get(data["to"]), _case_values),
}


def install() -> None:
    for event_type in RULES:
        subscribe(event_type, "notifications.rules", react)


def react(db: Session, event: Event) -> None:
    """Write the message an event calls for, once an event."""
    rule = RULES[event.type]
    weight = rule.when(event.data)
    if weight is None:
        return
    messages.say(
        db,
        messages.Saying(
            citizen_id=event.data["citizen_id"], account_id=event.data["account_id"], kind=rule.kind,
            values=rule.values(event), origin=f"event:{event.id}", scarce=weight == "scarce",
        ),
    )  # fmt: skip
