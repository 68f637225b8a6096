"""The gateway's job: name what a dead worker left behind."""

from app.core.log import get_log
from app.core.tasks import job
from handlers.gateway import exchanges

log = get_log("gateway")


@job("sweep_exchanges", every_s=30)
def sweep_exchanges() -> None:
    """Calls that have been SENDING for longer than any call takes become UNKNOWN."""
    if lost := exchanges.sweep():
        log.warning("exchanges_unknown", count=lost)
