"""A province that takes cases and a channel that takes messages, in this process, beside identity's fakes.

Answers are scripted in `trouble` (raised before anything is taken) and `after` (raised after it was taken: executed,
then no answer). What reached them is in `filed`, `sent` and `calls`.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from app.core import clock
from app.platforms.base import CaseSnapshot, CaseSubmission, SendAnswer, SendState
from tests.support.fake_platforms import FakeWorld


@dataclass(frozen=True)
class Sent:
    """One message as it reached the channel."""

    app_id: str
    openid: str
    template_id: str
    values: dict[str, str]
    page: str | None
    message_id: str


@dataclass
class CitizenWorld(FakeWorld):
    """`cases` by our key; `answers` is the queue of what the channel says, ACCEPTED when it is empty."""

    filed: list[CaseSubmission] = field(default_factory=list)
    cases: dict[str, CaseSnapshot] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    answers: list[SendAnswer] = field(default_factory=list)
    after: dict[str, Exception] = field(default_factory=dict)

    # ---- province ------------------------------------------------------------------------------------------------

    def submit_case(self, submission: CaseSubmission) -> CaseSnapshot:
        self.reached("submit_case")
        with self.lock:
            self.filed.append(submission)
            shown = self.cases.setdefault(submission.case_id, self._new_case())
        self._then("submit_case")
        return shown

    def find_case_by_key(self, request_key: str) -> CaseSnapshot | None:
        self.reached("find_case")
        return self.cases.get(request_key)

    def get_case(self, case_no: str) -> CaseSnapshot:
        self.reached("get_case")
        return next(shown for shown in self.cases.values() if shown.case_no == case_no)

    def _new_case(self) -> CaseSnapshot:
        step = {"at": clock.now(), "from": "draft", "to": "submitted", "by": "applicant", "note": "", "seq": 1}
        number = f"99000020260615{len(self.cases):04d}"
        return CaseSnapshot(number, "submitted", 1, updated_at=clock.now(), track=(step,))

    def advance(self, case_id: str, *states: str, result: str = "") -> CaseSnapshot:
        """The authority works on a case; what we hear of it is another matter."""
        for state in states:
            now = self.cases[case_id]
            step = {
                "at": clock.now(), "from": now.state, "to": state, "by": "authority", "note": "", "seq": now.seq + 1
            }  # fmt: skip
            self.cases[case_id] = replace(
                now, state=state, seq=now.seq + 1, result=result, updated_at=clock.now(), track=(*now.track, step)
            )
        return self.cases[case_id]

    # ---- channel -------------------------------------------------------------------------------------------------

    def send(self, app_id: str, openid: str, template_id: str, values: Any, page: str | None, _lang: str) -> SendAnswer:
        self.reached("send")
        with self.lock:
            answer = self.answers.pop(0) if self.answers else None
            if answer is None:
                answer = SendAnswer(SendState.ACCEPTED, f"40642641789177{len(self.sent):05d}")
            if answer.state is SendState.ACCEPTED:
                self.sent.append(Sent(app_id, openid, template_id, dict(values), page, answer.message_id))
        self._then("send")
        return answer

    def refuses(self, reason: str, code: str = "") -> None:
        """The channel's next answer is this no."""
        self.answers.append(SendAnswer(SendState.REFUSED, reason=reason, code=code))

    def _then(self, operation: str) -> None:
        if operation in self.after:
            raise self.after[operation]
