"""The room's job: woken after a commit that queued an attempt, swept every two seconds."""

from app.core.tasks import job
from notifications import deliver


@job("deliver_messages", every_s=2, queue="urgent")
def deliver_messages() -> None:
    """Settle what was lost, then send what is due."""
    deliver.notice_lost()
    while deliver.deliver_due():
        pass
