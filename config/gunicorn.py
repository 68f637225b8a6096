"""The web server: `gunicorn -c config/gunicorn.py wsgi:app`.

Two listeners: the public one for citizens, integrators and platforms, and the internal one for readiness, metrics and
documents, which must never be reachable from outside. A buffering proxy stands in front of the public one in
production (docs/deploying.md): threads alone cannot hold off slow clients.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from config.settings import get_settings

_settings = get_settings()
_metrics = (_settings.var_dir / "metrics").resolve()
# prometheus_client chooses between counting alone and counting together once, while it is imported.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics)

from prometheus_client import multiprocess  # noqa: E402  after the line above, and before the application imports it

bind = [f"127.0.0.1:{_settings.http_port}", f"127.0.0.1:{_settings.internal_port}"]
worker_class = "gthread"
workers = 2
threads = 16
backlog = 512  # what waits beyond the threads; more would only answer callers who have already given up
timeout = 60  # above core.http's total for one upstream call, or a slow upstream would kill our worker
graceful_timeout = 20
keepalive = 15

# The longest legitimate line is a proxied path with its query; Werkzeug's own limits start behind these.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# gunicorn would believe a SCRIPT_NAME or X-Forwarded-Proto header of every neighbour on this machine, and so of every
# client of a proxy that lets such a header pass: nobody's. Addresses are app/factory.py's part (TB_TRUSTED_PROXIES).
forwarded_allow_ips = ""
forwarder_headers = ""

# gunicorn's access log holds the query string, where an integrator may have put a person; ours is core/log.
accesslog = None
errorlog = "-"
loglevel = "warning"

# By default gunicorn opens a control socket in the home folder, where two instances meet.
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Numbers of an earlier run's processes would be added to ours."""
    shutil.rmtree(_metrics, ignore_errors=True)
    Path(_metrics).mkdir(parents=True)


def child_exit(_server: Any, worker: Any) -> None:
    """A dead worker's gauges no longer count; its counters do."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # prometheus_client leaves it bare
