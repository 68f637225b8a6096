"""Metrics, with bounded labels and never a person in one. Several processes write one set (prometheus multiprocess)."""

import os

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

REQUESTS = Counter("tongban_requests", "HTTP requests by route template and status", ["method", "route", "status"])
LATENCY = Histogram(
    "tongban_request_seconds", "Time to answer by route template", ["route"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)  # fmt: skip


def exposition() -> Response:
    """Every process's figures added up when the supervisor gave them a common folder; this process's otherwise."""
    registry = None
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped in the client library
    body = generate_latest(registry) if registry is not None else generate_latest()
    return Response(body, content_type=CONTENT_TYPE_LATEST)
