"""The states of a case and the moves between them (province.md 1.4); final states never move.

    queued -> submitted | unknown | refused         ours, until the province has given a case number
    unknown -> submitted | queued | refused

    submitted -> pre_passed | pre_rejected | received
    pre_passed -> received -> accepted | not_accepted | correction -> received
    accepted -> correction -> accepted ; accepted -> approved | rejected -> done
    any open state -> withdrawn | terminated

We see snapshots, not every step, so what is checked is whether a state can be reached at all.
"""

from typing import Final

_ENDS: Final = ("withdrawn", "terminated")

MOVES: Final[dict[str, tuple[str, ...]]] = {
    "queued": ("submitted", "unknown", "refused"),
    "unknown": ("submitted", "queued", "refused"),
    "refused": (),
    "draft": ("submitted", *_ENDS),
    "submitted": ("pre_passed", "pre_rejected", "wait_receive", "received", *_ENDS),
    "pre_passed": ("wait_receive", "received", *_ENDS),
    "wait_receive": ("received", *_ENDS),
    "received": ("accepted", "not_accepted", "correction", *_ENDS),
    "correction": ("received", "accepted", *_ENDS),
    "accepted": ("correction", "approved", "rejected", *_ENDS),
    "approved": ("done", *_ENDS),
    "rejected": ("done", *_ENDS),
    "pre_rejected": (),
    "done": (),
    "not_accepted": (),
    "withdrawn": (),
    "terminated": (),
}


def _reachable(start: str) -> frozenset[str]:
    seen: set[str] = set()
    waiting = list(MOVES[start])
    while waiting:
        state = waiting.pop()
        if state not in seen:
            seen.add(state)
            waiting.extend(MOVES[state])
    return frozenset(seen)


REACHABLE: Final = {state: _reachable(state) for state in MOVES}
FINAL: Final = frozenset(state for state, moves in MOVES.items() if not moves)
OURS: Final = frozenset({"queued", "unknown", "refused"})


def can_become(now: str, then: str) -> bool:
    """Whether a case in `now` may be shown in `then`, with any number of unseen steps between; staying is allowed."""
    if then not in MOVES or then in OURS:
        return False
    return then == now or then in REACHABLE[now]
