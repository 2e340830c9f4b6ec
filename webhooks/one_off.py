"""Deliveries to an address that one record asked for: signed, retried and shown as any other, and listed nowhere.

Such an endpoint is told of the records that name it, and of nothing else. It has no secret of its own: it signs with
the one of the merchant's endpoint of the same contract, or, without such an endpoint, with the merchant's callback
secret, which the panel shows.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant
from gateway.lib import secrets
from gateway.lib.http import UrlRefused, check_destination
from webhooks.errors import UrlNotAllowed
from webhooks.models import CallbackSecret, Endpoint


def check_callback_url(url: str) -> None:
    """The rules of an endpoint's address. Looks its name up, so no transaction may be open. Raises `UrlNotAllowed`."""
    try:
        check_destination(url, allow_loopback=settings.WEBHOOK_ALLOW_LOOPBACK)
    except UrlRefused as error:
        raise UrlNotAllowed(str(error)) from error


@transaction.atomic
def ensure_one_off(*, merchant: Merchant, mode: str, contract: str, url: str) -> Endpoint:
    """The one-off endpoint of `url`, open: whoever names it again wants to be told, whatever became of it before."""
    callback_secret(merchant, mode, contract)
    endpoint, fresh = Endpoint.objects.get_or_create(
        merchant=merchant, mode=mode, contract=contract, url=url, one_off=True, defaults={"secret_encrypted": ""},
    )
    if not fresh and not endpoint.enabled:
        Endpoint.objects.filter(pk=endpoint.pk).update(enabled=True, disabled_reason="", failing_since=None)
        endpoint.refresh_from_db()
    return endpoint


def callback_secret(merchant: Merchant, mode: str, contract: str) -> CallbackSecret:
    """Made when it is first needed."""
    row, _ = CallbackSecret.objects.get_or_create(
        merchant=merchant, mode=mode, contract=contract,
        defaults={"secret_encrypted": secrets.encrypt(secrets.new_webhook_secret())},
    )
    return row


def signs_with(merchant: Merchant, mode: str, contract: str) -> str:
    """In clear, for its owner's eyes: what verifies this merchant's one-off deliveries at the moment."""
    lender = _lender(merchant.pk, mode, contract) or callback_secret(merchant, mode, contract)
    return secrets.decrypt(lender.secret_encrypted)


def show_callback_secret(*, actor: Actor, merchant: Merchant, mode: str, contract: str, subject: str) -> str:
    """`signs_with` on a page about `subject`; that it was shown is written down."""
    audit.record(actor, "callback_secret.shown", subject, merchant=merchant, mode=mode)
    return signs_with(merchant, mode, contract)


def lend_secrets(endpoints: Iterable[Endpoint]) -> None:
    """Gives the one-off ones among `endpoints`, in memory alone, the secrets that they sign with now."""
    for endpoint in endpoints:
        if endpoint.one_off:
            _lend(endpoint)


def _lend(endpoint: Endpoint) -> None:
    lender = _lender(endpoint.merchant_id, endpoint.mode, endpoint.contract)
    if lender is None:
        own = CallbackSecret.objects.get(
            merchant_id=endpoint.merchant_id, mode=endpoint.mode, contract=endpoint.contract
        )
        endpoint.secret_encrypted = own.secret_encrypted
        return
    endpoint.secret_encrypted = lender.secret_encrypted
    endpoint.previous_secret_encrypted = lender.previous_secret_encrypted
    endpoint.previous_secret_until = lender.previous_secret_until


def _lender(merchant_id: int, mode: str, contract: str) -> Endpoint | None:
    """The merchant's oldest endpoint of that contract, disabled or not: its secret is the one that is known there."""
    rows = Endpoint.objects.filter(merchant_id=merchant_id, mode=mode, contract=contract, one_off=False)
    return rows.filter(deleted_at=None).order_by("created_at", "id").first()
