"""The catalogue's job: ask the province for a newer version. An outage costs freshness, nothing else."""

from app.core.errors import OutboundError, PlatformError
from app.core.log import get_log
from app.core.tasks import job
from handlers.catalogue.sync import sync

log = get_log("catalogue")


@job("sync_catalogue", every_s=300)
def sync_catalogue() -> None:
    try:
        sync()
    except (OutboundError, PlatformError) as error:
        log.warning("catalogue_not_synced", error=type(error).__name__)
