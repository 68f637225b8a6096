"""The room's jobs; each is woken after a commit that made work and swept by beat."""

from app.core.tasks import job
from handlers.cases import pull, submit


@job("submit_cases", every_s=5, queue="urgent")
def submit_cases() -> None:
    """Hand over what is queued."""
    while submit.submit_next():
        pass


@job("resolve_cases", every_s=10, queue="urgent")
def resolve_cases() -> None:
    """Find out what became of submissions nobody answered."""
    submit.notice_lost()
    while submit.resolve_next():
        pass


@job("pull_cases", every_s=5, queue="urgent")
def pull_cases() -> None:
    """Ask the province about cases it hinted at, and about those long silent."""
    while pull.pull_next():
        pass
