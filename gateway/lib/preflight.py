"""What an installation refuses to start with, all of it at once and in plain words, before anything can go wrong.

`settings` calls `refuse` as its last line, so that web, workers, scheduler and every command stop alike.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECRET_LENGTH = 40
_EXAMPLES = ("django-insecure", "change", "example", "secret", "password")


def refuse(problems: list[str]) -> None:
    if problems:
        lines = ["These settings must be mended (.env.example):", *(f"- {problem}" for problem in problems)]
        raise ImproperlyConfigured("\n".join(lines))


def production_problems(settings: Mapping[str, Any]) -> list[str]:
    checks = (_secrets, _encryption, _debug, _stores, _address, _hosts, _proxies, _mail, _watching)
    return [problem for check in checks for problem in check(settings)]


def _secrets(settings: Mapping[str, Any]) -> Iterator[str]:
    named = {"DJANGO_SECRET_KEY": settings["SECRET_KEY"], "GATEWAY_PEPPER": settings["GATEWAY_PEPPER"]}
    for name, value in named.items():
        if not value:
            yield f"{name} must be set in production: {SECRET_LENGTH} random characters or more."
        elif len(value) < SECRET_LENGTH or len(set(value)) < 12 or value.lower().startswith(_EXAMPLES):
            yield f"{name} must be {SECRET_LENGTH} random characters or more, not an example or a word."
    if named["GATEWAY_PEPPER"] and named["GATEWAY_PEPPER"] == named["DJANGO_SECRET_KEY"]:
        yield "GATEWAY_PEPPER and DJANGO_SECRET_KEY must differ."


def _encryption(settings: Mapping[str, Any]) -> Iterator[str]:
    keys = settings["GATEWAY_ENCRYPTION_KEYS"]
    if not keys:
        yield "GATEWAY_ENCRYPTION_KEYS must be set in production: Fernet keys, comma-separated."
    if not all(map(_is_fernet, keys)):
        yield "GATEWAY_ENCRYPTION_KEYS must hold Fernet keys (32 bytes in URL-safe base64), comma-separated."


def _is_fernet(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _debug(settings: Mapping[str, Any]) -> Iterator[str]:
    said = os.environ.get("DEBUG", "").lower() in ("1", "true", "yes", "on")
    if said or settings["DEBUG"]:
        yield "DEBUG must be off in production."


def _stores(settings: Mapping[str, Any]) -> Iterator[str]:
    if not settings["ON_POSTGRES"]:
        yield "DATABASE_URL must be a PostgreSQL database in production, not SQLite or another."
    if not settings["REDIS_URL"].startswith(("redis://", "rediss://", "unix://")):
        yield "REDIS_URL must be set in production: without one shared counter, limits and sign-in locks do not hold."
    elif not settings["CELERY_BROKER_URL"].startswith(("redis://", "rediss://", "amqp://", "amqps://")):
        yield "CELERY_BROKER_URL must be Redis or RabbitMQ (redis://, rediss://, amqp://, amqps://) in production."


def _address(settings: Mapping[str, Any]) -> Iterator[str]:
    parts = urlsplit(settings["PUBLIC_URL"])
    if not settings["env"].str("PUBLIC_URL", ""):
        yield "PUBLIC_URL must be set in production: payment links are made from it."
    elif parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        yield "PUBLIC_URL must be a scheme and a host (https://pay.example.com), without a path."
    elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
        yield "PUBLIC_URL must begin with https:// in production; http is for this very machine only."


def _hosts(settings: Mapping[str, Any]) -> Iterator[str]:
    hosts, own = settings["ALLOWED_HOSTS"], urlsplit(settings["PUBLIC_URL"]).hostname or ""
    if any("*" in host for host in hosts):
        yield "ALLOWED_HOSTS must name its hosts; a wildcard lets anybody put their own name into our links."
    elif own and not any(validate_host(own, [host]) for host in hosts):
        yield f"ALLOWED_HOSTS must hold the host of PUBLIC_URL ({own})."


def _proxies(settings: Mapping[str, Any]) -> Iterator[str]:
    trusts, count = settings["BEHIND_TLS_PROXY"], settings["PROXY_COUNT"]
    if settings["SECURE_SSL_REDIRECT"] and not trusts:
        yield "BEHIND_TLS_PROXY must be true where PUBLIC_URL is https: TLS ends at your proxy, not here."
    if trusts and not count:
        yield "PROXY_COUNT must say how many proxies stand in front (1): else every caller has the proxy's address."
    if count and not trusts:
        yield "BEHIND_TLS_PROXY must be true where PROXY_COUNT names proxies, or PROXY_COUNT must be 0."


def _mail(settings: Mapping[str, Any]) -> Iterator[str]:
    if "console" in settings["EMAIL_BACKEND"]:
        yield "EMAIL_URL must be set in production (smtp+tls://…, or dummymail:// for none): links would go to the log."


def _watching(settings: Mapping[str, Any]) -> Iterator[str]:
    if 0 < len(settings["METRICS_TOKEN"]) < 16:
        yield "METRICS_TOKEN must have 16 characters or more."
