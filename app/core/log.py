"""The log: JSON lines, static event names, values as fields, and only fields on the list (security.md P10, D5).

A field that is not listed is dropped and its name noted, so a new field is a decision and not an accident. No value
here is ever a name, number, openid, token or body.
"""

import json
import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

from config.settings import get_settings

request_id: ContextVar[str] = ContextVar("request_id", default="")

ALLOWED = frozenset(
    """
    event level timestamp logger request_id
    act action actor app_id attempt bytes channel code component count elapsed_ms error event_id event_type job kind
    limit method n name object_id operation outcome path pid platform port reason room route rows service_id state
    status subscriber table tenant_id trace version where
    """.split()
)

# Third-party loggers speak of URLs with secrets and whole payloads at DEBUG (security.md D5).
_CAPPED = ("urllib3", "requests", "wechatpy", "celery", "kombu", "amqp", "sqlalchemy", "werkzeug", "redis")
# At INFO SQLAlchemy tells every statement and mapped column: hundreds of lines a start, several a request.
_WORDY = ("sqlalchemy",)


def _only_allowed(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    dropped = [name for name in entry if name not in ALLOWED]
    for name in dropped:
        del entry[name]
    if dropped:
        entry["reason"] = "fields not on the log's list were dropped: " + ",".join(sorted(dropped))
    return entry


def _with_request_id(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if current := request_id.get():
        entry.setdefault("request_id", current)
    return entry


def _names_only(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception is logged by its class and where it arose; its text may quote the data that broke it."""
    failure = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if failure is True else failure
    if isinstance(error, BaseException):
        entry["error"] = type(error).__name__
        entry["where"] = _innermost(error)
    return entry


def _innermost(error: BaseException) -> str:
    frame = error.__traceback__
    if frame is None:
        return ""
    while frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}"


class _ForeignRecords(logging.Handler):
    """Other libraries' records keep their logger, level and class of error; their free text is not ours to print."""

    def emit(self, record: logging.LogRecord) -> None:
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        entry: dict[str, Any] = {"event": template[:200], "logger": record.name, "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[1] is not None:
            entry |= {"error": type(record.exc_info[1]).__name__, "where": _innermost(record.exc_info[1])}
        sys.stderr.write(json.dumps(entry, ensure_ascii=False) + "\n")


class _Stderr:
    """Writes to whatever stderr is at that moment: a supervisor or a test may have put another there."""

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")

    debug = info = warning = error = msg


def configure() -> None:
    """Once per process. Messages of other libraries appear as their template without arguments."""
    level = logging.getLevelNamesMapping()[get_settings().log_level]
    logging.basicConfig(handlers=[_ForeignRecords()], level=level, force=True)
    for name in _CAPPED:
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    for name in _WORDY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_request_id,
            _names_only,
            _only_allowed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Stderr(),
        cache_logger_on_first_use=False,
    )


class Log:
    """`log.info("case_submitted", object_id=...)`; see ALLOWED for the fields."""

    def __init__(self, component: str) -> None:
        # the lazy proxy, not bind(): modules make their log at import, before configure() has run
        self._logger = structlog.get_logger(component=component)

    def debug(self, event: str, **fields: object) -> None:
        self._logger.debug(event, **fields)

    def info(self, event: str, **fields: object) -> None:
        self._logger.info(event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        self._logger.warning(event, **fields)

    def error(self, event: str, **fields: object) -> None:
        self._logger.error(event, **fields)


def get_log(component: str) -> Log:
    return Log(component)
