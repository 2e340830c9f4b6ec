"""Writes: events with their deliveries, endpoints with their secrets, replays and tests."""

from __future__ import annotations

import secrets as random_source
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant
from gateway.lib import secrets
from gateway.lib.errors import InvalidFields
from gateway.lib.http import UrlRefused, check_destination
from webhooks import rendering, schedule
from webhooks.claiming import wake_courier
from webhooks.errors import TooManyEndpoints, UnknownEvents, UrlNotAllowed
from webhooks.models import Delivery, Endpoint, Event
from webhooks.rendering import register_renderer
from webhooks.replaying import retry_deliveries, retry_delivery, retry_failed
from webhooks.stopping import stop_deliveries
from webhooks.testing_endpoint import send_test

__all__ = [
    "create_endpoint",
    "delete_endpoint",
    "emit",
    "register_renderer",
    "retry_deliveries",
    "retry_delivery",
    "retry_failed",
    "reveal_secret",
    "rotate_secret",
    "send_test",
    "show_secret",
    "update_endpoint",
]

MAX_ENDPOINTS = 50


@transaction.atomic(savepoint=False)
def emit(
    *, event_type: str, merchant: Merchant, mode: str, subject: object, subject_id: str, also: Endpoint | None = None
) -> Event:
    """Writes down, in the caller's transaction, that `event_type` happened, and a delivery for every endpoint that
    wants it, its payload fixed as of now.

    `also`: the one-off endpoint that this subject asked for; told once, if it is the address of another one as well.
    """
    event = Event.objects.create(
        type=event_type, merchant=merchant, mode=mode, subject=subject_id, created_at=timezone.now()
    )
    endpoints = list(_listed(merchant, mode).filter(enabled=True))
    if also is not None and not any(_same_address(endpoint, also) for endpoint in endpoints):
        endpoints.append(also)
    rendered: dict[str, tuple[str, str] | None] = {}
    deliveries = []
    for endpoint in endpoints:
        if endpoint.contract not in rendered:
            rendered[endpoint.contract] = rendering.render(endpoint.contract, event, subject)
        said = rendered[endpoint.contract]
        if said and rendering.is_wanted(endpoint.contract, said[0], endpoint.events):
            deliveries.append(_delivery(event, endpoint, *said))
    if deliveries:
        Delivery.objects.bulk_create(deliveries)
        wake_courier(event.created_at)
    return event


def _listed(merchant: Merchant, mode: str) -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(merchant=merchant, mode=mode, deleted_at=None, one_off=False)


def _same_address(endpoint: Endpoint, other: Endpoint) -> bool:
    """One that takes all events: a narrower one might not be told of this."""
    return (endpoint.contract, endpoint.url, endpoint.events) == (other.contract, other.url, other.events)


def _delivery(event: Event, endpoint: Endpoint, name: str, body: str) -> Delivery:
    return Delivery(
        event=event, endpoint=endpoint, merchant_id=event.merchant_id, mode=event.mode,
        event_name=name, body=body, due_at=event.created_at, created_at=event.created_at, updated_at=event.created_at,
    )


def create_endpoint(
    *,
    actor: Actor,
    merchant: Merchant,
    mode: str,
    url: str,
    contract: str = Endpoint.Contract.PORTAL,
    events: Iterable[str] = (),
    enabled: bool = True,
    retry_config: dict[str, int] | None = None,
) -> tuple[Endpoint, str]:
    """Makes an endpoint and returns it with its secret in clear. `events` empty: its contract's usual ones.

    Raises `UrlNotAllowed`, `UnknownEvents`, `InvalidFields` (contract, retry_config), `TooManyEndpoints`.
    """
    if contract not in Endpoint.Contract.values:
        raise InvalidFields(contract=f"must be one of {', '.join(Endpoint.Contract.values)}")
    _check_url(url)
    secret = _new_secret(contract)
    with transaction.atomic():
        if _listed(merchant, mode).count() >= MAX_ENDPOINTS:
            raise TooManyEndpoints()
        endpoint = Endpoint.objects.create(
            merchant=merchant, mode=mode, url=url, contract=contract, events=_checked_events(contract, events),
            enabled=enabled, retry_config=_checked_retry_config(retry_config or {}), created_by=actor.user,
            secret_encrypted=secrets.encrypt(secret),
        )
        _audit(actor, "created", endpoint, contract=contract, url=_without_query(url), events=endpoint.events)
    return endpoint, secret


def update_endpoint(
    *,
    actor: Actor,
    endpoint: Endpoint,
    url: str | None = None,
    events: Iterable[str] | None = None,
    enabled: bool | None = None,
    retry_config: dict[str, int] | None = None,
) -> Endpoint:
    """Changes what is given. Enabling starts afresh, and a new address has failed at nothing yet; disabling gives up
    what still waits for the endpoint."""
    if url is not None:
        _check_url(url)
    with transaction.atomic():
        endpoint = _locked(endpoint)
        wanted: dict[str, Any] = {
            "url": url,
            "events": None if events is None else _checked_events(endpoint.contract, events),
            "retry_config": None if retry_config is None else _checked_retry_config(retry_config),
            "enabled": enabled,
        }
        before = {name: getattr(endpoint, name) for name in wanted}
        changed = {name: value for name, value in wanted.items() if value not in (None, before[name])}
        for name, value in changed.items():
            setattr(endpoint, name, value)
        if enabled:
            endpoint.disabled_reason, endpoint.failing_since, endpoint.notice_due = "", None, False
        if "url" in changed:
            endpoint.failing_since = None
        if changed.get("enabled") is False:
            stop_deliveries(endpoint, "endpoint disabled by its owner")
        _save(endpoint)
        told = {name: [_shown(name, before[name]), _shown(name, value)] for name, value in changed.items()}
        _audit(actor, "updated", endpoint, changed=told)
    return endpoint


@transaction.atomic
def delete_endpoint(*, actor: Actor, endpoint: Endpoint) -> None:
    """The endpoint is gone for its owner; its deliveries and their attempts stay on record."""
    endpoint = _locked(endpoint)
    endpoint.enabled, endpoint.deleted_at = False, timezone.now()
    stop_deliveries(endpoint, "endpoint deleted")
    _save(endpoint)
    _audit(actor, "deleted", endpoint)


@transaction.atomic
def rotate_secret(*, actor: Actor, endpoint: Endpoint) -> str:
    """A new secret; the old one goes on signing beside it for `WEBHOOK_SECRET_OVERLAP_HOURS`."""
    endpoint = _locked(endpoint)
    secret = _new_secret(endpoint.contract)
    endpoint.previous_secret_encrypted = endpoint.secret_encrypted
    endpoint.previous_secret_until = timezone.now() + timedelta(hours=settings.WEBHOOK_SECRET_OVERLAP_HOURS)
    endpoint.secret_encrypted = secrets.encrypt(secret)
    _save(endpoint)
    _audit(actor, "secret_rotated", endpoint)
    return secret


@transaction.atomic
def show_secret(*, actor: Actor, endpoint: Endpoint) -> str:
    """The current secret in clear, for its owner's eyes; that it was shown is written down."""
    _audit(actor, "secret_shown", endpoint)
    return reveal_secret(endpoint)


def reveal_secret(endpoint: Endpoint) -> str:
    """The current secret in clear: what signs, and what an answer to its own owner's key contains."""
    return secrets.decrypt(endpoint.secret_encrypted)


def _locked(endpoint: Endpoint) -> Endpoint:
    return Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)


def _save(endpoint: Endpoint) -> None:
    endpoint.updated_at = timezone.now()
    endpoint.save()


def _check_url(url: str) -> None:
    try:
        check_destination(url, allow_loopback=settings.WEBHOOK_ALLOW_LOOPBACK)
    except UrlRefused as error:
        raise UrlNotAllowed(str(error)) from error


def _checked_events(contract: str, events: Iterable[str]) -> list[str]:
    """The names in the contract's own order, each once."""
    known, wanted = rendering.event_names(contract), list(events)
    unknown = sorted({str(name) for name in wanted if name not in known})
    if unknown:
        raise UnknownEvents(unknown, known)
    return [name for name in known if name in wanted]


def _checked_retry_config(config: dict[str, int]) -> dict[str, int]:
    """Both settings or none (the standard schedule)."""
    if not config:
        return {}
    limits = {
        "max_retries": (0, schedule.MAX_RETRIES),
        "retry_interval": (schedule.MIN_INTERVAL, schedule.MAX_INTERVAL),
    }
    for name, (least, most) in limits.items():
        value = config.get(name)
        if type(value) is not int or not least <= value <= most:
            raise InvalidFields(retry_config=f"{name} must be a whole number from {least} to {most}")
    return {name: config[name] for name in limits}


def _new_secret(contract: str) -> str:
    return random_source.token_hex(16) if contract == Endpoint.Contract.CHECKOUT else secrets.new_webhook_secret()


def _audit(actor: Actor, what: str, endpoint: Endpoint, **data: Any) -> None:
    audit.record(
        actor, f"webhook_endpoint.{what}", str(endpoint.pk), merchant=endpoint.merchant_id, mode=endpoint.mode, **data
    )


def _shown(name: str, value: Any) -> Any:
    return _without_query(value) if name == "url" else value


def _without_query(url: str) -> str:
    """For the audit trail: queries may hold somebody's token."""
    return urlsplit(url)._replace(query="").geturl()
