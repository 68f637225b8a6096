"""Celery executes; rows decide. A job takes ids or nothing, leases rows in SQL, and may run twice or late without harm.

Plans live in SQL, never in a task's ETA (a countdown longer than the visibility timeout runs several times on Redis).
Every job that acts on rows is also swept by beat, so an emptied broker only delays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from celery import Celery, signals
from kombu.exceptions import OperationalError
from sqlalchemy.orm import Session

from app.core import db as database
from app.core.log import configure as configure_log
from app.core.log import get_log
from config.settings import get_settings

log = get_log("tasks")

QUEUES: Final = ("urgent", "normal", "bulk")
_PREFIX: Final = "tongban."
_WOKEN: Final = "woken_jobs"


@dataclass(frozen=True)
class Job:
    """A registered job; `every_s` None means it only runs when woken."""

    name: str
    run: Callable[..., None]
    every_s: float | None
    queue: str


JOBS: dict[str, Job] = {}
celery = Celery("tongban")


def _log_as_we_do(**_options: object) -> None:
    """Connected to setup_logging, which keeps Celery from setting up its own."""
    configure_log()


def configure() -> Celery:
    """Point Celery at the broker and build beat's table from the registered jobs. Called by the factory, once."""
    signals.setup_logging.connect(_log_as_we_do)
    celery.conf.update(
        broker_url=get_settings().broker,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        accept_content=["json"],  # a pickled task in the broker is refused (security.md R4)
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,  # our log writes lines to stderr; Celery would wrap each in one of its own
        worker_soft_shutdown_timeout=5,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=2,
        broker_transport_options={
            "visibility_timeout": 60, "max_connections": 100, "socket_timeout": 5,
            "unacked_restore_interval": 1, "unacked_restore_throttle": 1,
        },
        task_default_queue="normal",
        beat_schedule={
            job.name: {
                "task": _PREFIX + job.name, "schedule": job.every_s,
                "options": {"queue": job.queue, "expires": max(1.0, job.every_s)},
            }
            for job in JOBS.values() if job.every_s is not None
        },
    )  # fmt: skip
    return celery


def job(
    name: str, *, every_s: float | None = None, queue: str = "normal"
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a job under a stable name; beat runs it every `every_s` seconds if given."""
    if queue not in QUEUES:
        raise ValueError(f"unknown queue {queue}: one of {', '.join(QUEUES)}")

    def register(function: Callable[..., None]) -> Callable[..., None]:
        JOBS[name] = Job(name, function, every_s, queue)
        celery.task(name=_PREFIX + name)(function)
        return function

    return register


def wake(db: Session, name: str, *args: str) -> None:
    """After the open transaction commits, ask a worker to run the job now. A broker that is down costs only time.

    Once a transaction is enough: whoever wakes finds every row of it.
    """
    woken: set[tuple[str, ...]] = db.info.setdefault(_WOKEN, set())
    if (name, *args) not in woken:
        woken.add((name, *args))
        database.after_commit(db, lambda: _send(name, args))


def _send(name: str, args: tuple[str, ...]) -> None:
    try:
        celery.send_task(_PREFIX + name, args=args, queue=JOBS[name].queue, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("wake_not_sent", job=name, error=type(error).__name__)
