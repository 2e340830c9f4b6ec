"""What is answered about the webhook endpoint and its test."""

from __future__ import annotations

from typing import Any, TypedDict

from webhooks.models import Attempt, Endpoint
from webhooks.queries import usual_event_names
from webhooks.services import reveal_secret

STANDARD_RETRIES = {"max_retries": 3, "retry_interval": 300}


class RetryConfigBody(TypedDict):
    max_retries: int
    retry_interval: int


class WebhookConfigBody(TypedDict):
    """`webhook_url` and `webhook_secret` are null until a URL is set."""

    webhook_url: str | None
    webhook_secret: str | None
    enabled: bool
    events: list[str]
    retry_config: RetryConfigBody


class WebhookTestBody(TypedDict):
    """`response_status` is null when no answer came; `test_sent` is false then."""

    test_sent: bool
    response_status: int | None
    response_time_ms: int
    webhook_url: str


def webhook_config(endpoint: Endpoint | None) -> WebhookConfigBody:
    names = usual_event_names(Endpoint.Contract.DASHBOARD)
    if endpoint is None:
        return {
            "webhook_url": None, "webhook_secret": None, "enabled": False, "events": names,
            "retry_config": _retry_config({}),
        }
    return {
        "webhook_url": endpoint.url,
        "webhook_secret": reveal_secret(endpoint),
        "enabled": endpoint.enabled,
        "events": list(endpoint.events) or names,
        "retry_config": _retry_config(endpoint.retry_config),
    }


def _retry_config(kept: dict[str, Any]) -> RetryConfigBody:
    said = STANDARD_RETRIES | kept
    return {"max_retries": said["max_retries"], "retry_interval": said["retry_interval"]}


def webhook_test(endpoint: Endpoint, attempt: Attempt) -> WebhookTestBody:
    return {
        "test_sent": attempt.response_status is not None,
        "response_status": attempt.response_status,
        "response_time_ms": attempt.duration_ms,
        "webhook_url": endpoint.url,
    }
