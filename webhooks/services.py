"""Writes: events with their deliveries, endpoints with their secrets, replays and tests."""

from __future__ import annotations

import secrets as random_source
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant
from gateway.lib import secrets
from gateway.lib.errors import InvalidFields
from gateway.lib.http import UrlRefused, check_destination
from gateway.lib.work import ended
from webhooks import rendering, schedule
from webhooks.claiming import wake_courier
from webhooks.errors import DeliveryUnderWay, EndpointOff, TooManyEndpoints, UnknownEvents, UrlNotAllowed
from webhooks.models import Delivery, Endpoint, Event
from webhooks.rendering import register_renderer
from webhooks.stopping import stop_deliveries
from webhooks.testing_endpoint import send_test

__all__ = [
    "create_endpoint",
    "delete_endpoint",
    "emit",
    "register_renderer",
    "retry_delivery",
    "retry_failed",
    "reveal_secret",
    "rotate_secret",
    "send_test",
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
        if said and (not endpoint.events or said[0] in endpoint.events):
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
    """Makes an endpoint and returns it with its secret in clear. `events` empty: all of its contract's.

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
    """Changes what is given. Enabling starts afresh; disabling gives up what still waits for the endpoint."""
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
        changed = {name: value for name, value in wanted.items() if value not in (None, getattr(endpoint, name))}
        for name, value in changed.items():
            setattr(endpoint, name, value)
        if enabled:
            endpoint.disabled_reason, endpoint.failing_since, endpoint.notice_due = "", None, False
        if changed.get("enabled") is False:
            stop_deliveries(endpoint, "endpoint disabled by its owner")
        _save(endpoint)
        _audit(actor, "updated", endpoint, changed=_shown(changed))
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


def reveal_secret(endpoint: Endpoint) -> str:
    """The current secret in clear, for its owner's eyes."""
    return secrets.decrypt(endpoint.secret_encrypted)


@transaction.atomic
def retry_delivery(*, actor: Actor, delivery: Delivery) -> Delivery:
    """Sends one delivery again, now: the same event id and body, a new attempt.

    Raises `EndpointOff`, or `DeliveryUnderWay` while a worker has it.
    """
    if not Endpoint.objects.filter(pk=delivery.endpoint_id, enabled=True, deleted_at=None).exists():
        raise EndpointOff()
    if not _make_due(Delivery.objects.filter(pk=delivery.pk)):
        raise DeliveryUnderWay()
    audit.record(
        actor, "webhook_delivery.retried", str(delivery.pk), merchant=delivery.merchant_id, mode=delivery.mode,
    )
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def retry_failed(*, actor: Actor, endpoint: Endpoint) -> int:
    """Sends everything again that was given up for this endpoint; returns how many deliveries that is."""
    if not _locked(endpoint).is_open:
        raise EndpointOff()
    count = _make_due(Delivery.objects.filter(endpoint=endpoint, status=Delivery.Status.FAILED))
    _audit(actor, "failed_retried", endpoint, count=count)
    return count


def _make_due(deliveries: QuerySet[Delivery]) -> int:
    """Makes those due now that nobody is sending at this moment."""
    now = timezone.now()
    free = deliveries.filter(Q(leased_until=None) | Q(leased_until__lt=now))
    changes: dict[str, Any] = {"status": Delivery.Status.PENDING, "updated_at": now} | ended(now)
    wake_courier(now)
    return free.update(**changes)


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


def _shown(changed: dict[str, Any]) -> dict[str, Any]:
    return changed | {"url": _without_query(changed["url"])} if "url" in changed else changed


def _without_query(url: str) -> str:
    """For the audit trail: queries may hold somebody's token."""
    return urlsplit(url)._replace(query="").geturl()
