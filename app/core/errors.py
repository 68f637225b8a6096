"""The error tree, sorted by what to do next.

    Problem                       tell the caller: a stable code, a status, a sentence (config/problems.py)
    OutboundError                 a call that left, or did not leave, this machine (core/http.py)
      NotSent                     nothing reached the other side: safe to send again
      OutcomeUnknown              bytes left and no whole answer came: never send again without asking
    PlatformError                 the other side answered, and the answer is no datum
      PlatformBusy                try later, after `retry_after_s`
      PlatformRefused             a definite no with their code: do not repeat it as it is
      PlatformMisconfigured       our credential, permission or template is wrong: page somebody
      PlatformGarbled             the answer cannot be read: for a write, treat it as unknown

"The answer is no" where no is an answer (a name that does not match, a refused message) is data, never one of these.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from config.problems import PROBLEMS, ProblemText


class FieldError(NamedTuple):
    """One field of the caller's input: a dotted path and a short stable word (`required`, `unknown`, `length`)."""

    field: str
    code: str


class Problem(Exception):
    """An answer for the caller. `code` is a key of config.problems.PROBLEMS; `detail` adds members to the body.

    Neither detail nor errors may hold what the caller did not already send or may not know.
    """

    def __init__(
        self,
        code: str,
        *,
        detail: Mapping[str, object] | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.text: ProblemText = PROBLEMS[code]
        self.detail = dict(detail or {})
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        return self.text.status


class OutboundError(Exception):
    """A call to an outside system ended without an answer. `reason` is one static word, safe to log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotSent(OutboundError):
    """Refused by our policy, not resolved, or not connected: the other side saw nothing."""


class OutcomeUnknown(OutboundError):
    """Sent, at least in part, and no whole answer came back: the other side may have executed it."""


class PlatformError(Exception):
    """The platform answered with something that is not the asked-for datum.

    `code` is their code as text (log it with `trace`, their request id); neither ever reaches a citizen.
    """

    def __init__(
        self, platform: str, operation: str, code: str = "", *, trace: str = "", retry_after_s: int = 0
    ) -> None:
        super().__init__(f"{platform} {operation} {code}".strip())
        self.platform = platform
        self.operation = operation
        self.code = code
        self.trace = trace
        self.retry_after_s = retry_after_s


class PlatformBusy(PlatformError):
    """Rate limit or a passing fault, said before anything was done: try again after `retry_after_s`."""


class PlatformRefused(PlatformError):
    """A definite no: repeating the same call cannot help."""


class PlatformMisconfigured(PlatformError):
    """Our credential, permission or registration is wrong: no citizen can mend it; page somebody."""


class PlatformGarbled(PlatformError):
    """Not the agreed shape. Whether a write was executed is unknown."""
