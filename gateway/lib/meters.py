"""What this process counts as it goes: requests, calls to providers, deliveries.

Each process writes into files of one folder (`METRICS_DIR`), and whoever is asked for metrics adds them up, so that
several web processes and workers on one machine are one figure. Counting never fails a request.
"""

from __future__ import annotations

import os

from django.conf import settings

# Read by the library when it is first imported, hence before it.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(settings.METRICS_DIR))

from prometheus_client import Counter, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS = Counter(
    "gateway_requests", "API requests by contract, method and status.", ["contract", "method", "status"]
)
REQUEST_SECONDS = Histogram(
    "gateway_request_seconds", "How long API requests took.", ["contract", "method"], buckets=_SECONDS
)
PROVIDER_SECONDS = Histogram(
    "gateway_provider_seconds", "How long calls to providers took, by what came of them.", ["call", "result"],
    buckets=_SECONDS,
)
DELIVERIES = Counter("gateway_webhook_attempts", "Webhook attempts by outcome.", ["outcome"])
