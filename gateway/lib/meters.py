"""What this process counts as it goes: requests, calls to providers, deliveries.

Each process writes into files of one folder (`METRICS_DIR`), and whoever is asked for metrics adds them up, so that
several web processes and workers on one machine are one figure. Counting never fails what is counted.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings

# Read by the library when it is first imported, hence before it; one inherited from a parent is not ours.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)

from prometheus_client import Counter, Histogram, values
from prometheus_client.mmap_dict import MmapedDict

_FILE_BYTES = 1 << 20  # as the library's; all we count takes a tenth of it


class _OnItsOwnBlocks(MmapedDict):
    """A file whose space is taken before it is mapped: on a full disk the first touch of a hole kills the process."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            with open(filename, "ab") as file:
                os.posix_fallocate(file.fileno(), 0, _FILE_BYTES)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]


values.MmapedDict = _OnItsOwnBlocks  # type: ignore[attr-defined]
# Containers that share the folder have the same process ids: the host's name tells their files apart.
_HOST = socket.gethostname().replace("_", "-")
values.ValueClass = values.MultiProcessValue(lambda: f"{_HOST}-{os.getpid()}")  # type: ignore[no-untyped-call]

log = structlog.get_logger(__name__)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_REQUESTS = Counter(
    "gateway_requests", "API requests by contract, method and status.", ["contract", "method", "status"]
)
_REQUEST_SECONDS = Histogram(
    "gateway_request_seconds", "How long API requests took.", ["contract", "method"], buckets=_SECONDS
)
_PROVIDER_SECONDS = Histogram(
    "gateway_provider_seconds", "How long calls to providers took, by what came of them.", ["call", "result"],
    buckets=_SECONDS,
)
_DELIVERIES = Counter("gateway_webhook_attempts", "Webhook attempts by outcome.", ["outcome"])


def count_request(contract: str, method: str, status: int, seconds: float) -> None:
    with _harmless():
        _REQUESTS.labels(contract, method, status).inc()
        _REQUEST_SECONDS.labels(contract, method).observe(seconds)


def count_provider_call(call: str, result: str, seconds: float) -> None:
    with _harmless():
        _PROVIDER_SECONDS.labels(call, result).observe(seconds)


def count_deliveries(outcome: str, number: int) -> None:
    if number:
        with _harmless():
            _DELIVERIES.labels(outcome).inc(number)


@contextmanager
def _harmless() -> Iterator[None]:
    """The files may be gone, the disk full: what is counted matters more than that it is counted."""
    try:
        yield
    except Exception as error:  # whatever a file system can raise
        log.warning("not_counted", error=type(error).__name__)
