"""The province's codes (province.md 3.1) in our words: what to do next, not what went wrong there.

0               data
40101 40102     sign once more with the province's time, then page somebody
429xx 503xx     nothing was done: later
500xx 504xx     a fault in the middle: a look-up may be asked again, a write has an unknown outcome
"""

from collections.abc import Mapping
from typing import Final

from app.core.errors import (
    OutboundError,
    OutcomeUnknown,
    PlatformBusy,
    PlatformError,
    PlatformGarbled,
    PlatformMisconfigured,
    PlatformRefused,
)

PLATFORM: Final = "province"
BAD_SIGNATURE: Final = 40101
BAD_CLOCK: Final = 40102
NOT_FOUND: Final = 40401
# A refusal at the door, before anything was done; signing again may open it.
RESIGN: Final = frozenset({BAD_SIGNATURE, BAD_CLOCK})
FAULTS: Final = frozenset({50001, 50401})
USUAL_WAIT_S: Final = 10
SERVER_ERROR: Final = 500
TOO_MANY: Final = 429

CODES: Final[Mapping[int, type[PlatformError]]] = {
    40001: PlatformRefused,
    BAD_SIGNATURE: PlatformMisconfigured,
    BAD_CLOCK: PlatformMisconfigured,
    40103: PlatformMisconfigured,  # our nonce was seen before: somebody replays us, or our randomness is broken
    40104: PlatformRefused,
    40301: PlatformMisconfigured,
    40302: PlatformRefused,
    40303: PlatformRefused,
    NOT_FOUND: PlatformRefused,
    40901: PlatformRefused,
    40902: PlatformRefused,
    42901: PlatformBusy,
    50301: PlatformBusy,
}


def failure(operation: str, code: int, *, effect: bool, trace: str, wait_s: int) -> PlatformError | OutboundError:
    """The error for a code that is not 0. `effect`: the call changes something there. Unknown codes are garbled."""
    if code in FAULTS:
        if effect:
            return OutcomeUnknown("upstream_fault")
        return PlatformBusy(PLATFORM, operation, str(code), trace=trace, retry_after_s=wait_s or USUAL_WAIT_S)
    kind = CODES.get(code, PlatformGarbled)
    return kind(PLATFORM, operation, str(code), trace=trace, retry_after_s=_wait(kind, wait_s))


def unreadable(operation: str, status: int, *, effect: bool, wait_s: int) -> PlatformError:
    """The error for an answer that is no envelope: a gateway's page, half a document, garbage.

    Behind a 429 nothing was done; behind a 5xx something may have been, which only a look-up need not care about.
    """
    if status == TOO_MANY or (status >= SERVER_ERROR and not effect):
        return PlatformBusy(PLATFORM, operation, f"http_{status}", retry_after_s=wait_s or USUAL_WAIT_S)
    return PlatformGarbled(PLATFORM, operation, f"http_{status}")


def _wait(kind: type[PlatformError], wait_s: int) -> int:
    return (wait_s or USUAL_WAIT_S) if kind is PlatformBusy else 0
