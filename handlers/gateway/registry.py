"""The services that are live, in memory: the road looks here and nowhere else, so a call costs no SQL.

Every LOCAL_S one thread asks whether anything was announced and reloads from SQL only then; a service nobody knows yet
makes it ask at once, so what was just published is callable at once. Without Redis it reloads every LOCAL_S.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core import clock
from app.core.db import ALL_TENANTS, transaction
from app.core.errors import Problem
from app.core.ids import is_id
from app.core.log import get_log
from handlers.gateway import announcements, floors, manifest
from handlers.gateway.models import PUBLISHED, Service, ServiceVersion
from handlers.gateway.road import Published

log = get_log("gateway")

LOCAL_S: Final = 2.0


class Registry:
    """One process's copy."""

    def __init__(self) -> None:
        self._services: dict[str, Published] = {}
        self._version = b""
        self._epoch = -1
        self._checked_at = float("-inf")
        self._lock = threading.Lock()

    def services(self) -> Mapping[str, Published]:
        # One thread refreshes; the others meanwhile go by what was true two seconds ago. Only the first look waits.
        if self._is_old() and self._lock.acquire(blocking=self._epoch < 0):
            try:
                if self._is_old():
                    self._refresh()
            finally:
                self._lock.release()
        return self._services

    def find(self, service_id: str) -> Published | None:
        found = self.services().get(service_id)
        if found is None and is_id("sv", service_id):
            with self._lock:
                self._refresh()
            found = self._services.get(service_id)
        return found

    def forget(self) -> None:
        self._version, self._epoch = b"", -1

    def _is_old(self) -> bool:
        return self._epoch != announcements.epoch() or clock.monotonic() - self._checked_at > LOCAL_S

    def _refresh(self) -> None:
        epoch, version = announcements.epoch(), announcements.version()
        if version is None or (epoch, version) != (self._epoch, self._version):
            self._reload(epoch, version or b"")
        self._checked_at = clock.monotonic()

    def _reload(self, epoch: int, version: bytes) -> None:
        try:
            self._services = load()
        except (OperationalError, PoolTimeoutError) as error:
            if self._epoch < 0:
                raise Problem("unavailable", headers={"Retry-After": "5"}) from None
            # Reads need no SQL: they go by the last copy until the database is back or evidence has no more room.
            log.warning("registry_not_reloaded", error=type(error).__name__)
        else:
            self._epoch, self._version = epoch, version


_registry = Registry()


def find(service_id: str) -> Published | None:
    """The live service of this id."""
    return _registry.find(service_id)


def listed() -> Sequence[Published]:
    """Every live service, newest first."""
    return sorted(_registry.services().values(), key=lambda service: service.id, reverse=True)


def show(service_id: str) -> Published:
    """Raises Problem not_found."""
    service = find(service_id)
    if service is None:
        raise Problem("not_found")
    return service


def forget() -> None:
    """The next look reloads."""
    _registry.forget()


def load() -> dict[str, Published]:
    """From SQL: every published version of a service that is not suspended."""
    with transaction(ALL_TENANTS) as db:
        rows = db.execute(
            select(Service, ServiceVersion)
            .join(ServiceVersion, ServiceVersion.service_id == Service.id)
            .where(ServiceVersion.state == PUBLISHED, Service.suspended_at.is_(None))
        ).all()
        raised = floors.levels(db)
    made = (_published(row[0], row[1], raised) for row in rows)
    return {service.id: service for service in made if service is not None}


def _published(service: Service, version: ServiceVersion, raised: Mapping[str, int]) -> Published | None:
    try:
        read = manifest.read(version.manifest)
    except Problem:  # approved under rules that have since become stricter: off, not on under the old ones
        log.warning("manifest_no_longer_valid", service_id=service.id, version=version.version)
        return None
    level = max(read.min_level, *(raised.get(code, floors.UNKNOWN_ITEM) for code in read.item_codes))
    return Published(service.id, service.tenant_id, version.version, read, level)
