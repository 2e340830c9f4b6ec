"""Structured logs: every line carries the request id and never a secret.

`bind(request_id=…)` holds for the rest of the request or task. Values under a sensitive name, and anything that
looks like one of our credentials or a card number, are replaced before a line is written.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import MutableMapping
from typing import Any

import structlog

_SENSITIVE = re.compile(r"secret|password|passwd|token|api_key|authorization|cvv|card_number|\bpan\b|cookie", re.I)
_CREDENTIAL = re.compile(
    r"\b(?:gw_(?:test|live)_|key_(?:test|live)_|ak_(?:test|live)_|(?:sk|rs)_(?:test|live)_|(?:test|live)_sk_|whsec_)"
    r"[A-Za-z0-9_\-+/=]{8,}|\b(?:\d[ -]?){13,19}\b"
)
HIDDEN = "[hidden]"


def configure() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [
                    structlog.contextvars.merge_contextvars,
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.add_log_level,
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                    structlog.processors.format_exc_info,
                ],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    hide_secrets,
                    renderer,
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "ERROR"},
            # A wrong Host header is the caller's matter: a 400, and no line for each.
            "django.security.DisallowedHost": {"level": "CRITICAL", "propagate": False},
            "celery": {"level": "WARNING"},
            "kombu": {"level": "ERROR"},
        },
    }


def hide_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in list(event.items()):
        event[name] = HIDDEN if _SENSITIVE.search(name) else scrub(value)
    return event


def scrub(value: Any) -> Any:
    """`value` with every credential or card number in its text replaced."""
    if isinstance(value, str):
        return _CREDENTIAL.sub(HIDDEN, value)
    if isinstance(value, dict):
        return {key: HIDDEN if _SENSITIVE.search(str(key)) else scrub(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrub(item) for item in value]
    if isinstance(value, (int, float, bool)) or value is None:
        return value
    return scrub(str(value))


def bind(**values: str) -> None:
    structlog.contextvars.bind_contextvars(**values)


def clear() -> None:
    structlog.contextvars.clear_contextvars()


def context() -> dict[str, Any]:
    """What this request or task has bound so far: `request_id`, `address`."""
    return structlog.contextvars.get_contextvars()


logging.captureWarnings(True)
warnings.filterwarnings("ignore", message=".*superuser privileges.*")  # Celery's, in a container of its own
