"""New orders and payments. A merchant's `reference` names one order per mode; the database keeps that."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import AuditRecord, Merchant, User
from gateway.lib.errors import InvalidFields
from gateway.lib.inserting import insert_together, violates
from gateway.lib.jobs import wake
from gateway.lib.money import FIAT, Money
from payments.errors import DuplicateReference, OrderAlreadyPaid, OrderExpired, PaymentUnderWay
from payments.models import Order, Payment
from payments.providers import registry
from payments.providers.cards import CardDetails
from payments.receiving.rotation import assign_account
from payments.services import instruments
from payments.services.fees import quote_fee


def create_payment(
    *, actor: Actor, merchant: Merchant, mode: str, contract: str, amount: Money, reference: str,
    method: str = Payment.Method.UPI, payer_name: str = "", payer_email: str = "", payer_phone: str = "",
    payer_reference: str = "", redirect_url: str = "", notes: dict[str, Any] | None = None,
    created_by: User | None = None,
) -> Payment:
    """An order and its one payment, which waits for the payer on the hosted page until it expires.

    Raises `ProviderUnavailable` (live mode without a provider), then `DuplicateReference`.
    """
    provider = registry.provider_for(mode, merchant)
    order = _new_order(
        merchant=merchant, mode=mode, contract=contract, amount=amount, reference=reference,
        notes=notes or {}, created_by=created_by, status=Order.Status.ATTEMPTED,
    )
    with transaction.atomic() if registry.decided_by_people(provider.name) else nullcontext():
        payment = _new_payment(
            order, contract, provider.name, method=method, payer_name=payer_name, payer_email=payer_email,
            payer_phone=payer_phone, payer_reference=payer_reference, redirect_url=redirect_url, created_by=created_by,
            expires_at=timezone.now() + timedelta(minutes=settings.PAYMENT_LINK_MINUTES),
        )
        _insert(order, payment, _entry(actor, payment))
    return payment


def create_order(
    *, actor: Actor, merchant: Merchant, mode: str, contract: str, amount: Money, reference: str | None = None,
    receipt: str = "", notes: dict[str, Any] | None = None, public: bool = False, manual_capture: bool = False,
    redirect_url: str = "", expires_at: datetime | None = None, created_by: User | None = None,
) -> Order:
    """An order to be paid later by `pay_order`, until `expires_at`, maybe on its hosted page.

    Raises `ProviderUnavailable`, then `DuplicateReference`.
    """
    registry.provider_for(mode, merchant)
    order = _new_order(
        merchant=merchant, mode=mode, contract=contract, amount=amount, reference=reference, receipt=receipt,
        notes=notes or {}, public=public, manual_capture=manual_capture, redirect_url=redirect_url,
        expires_at=expires_at, created_by=created_by,
    )
    detail = f"{amount} {amount.currency}"
    _insert(order, audit.entry(actor, "order.created", order.public_id, merchant=merchant, mode=mode, detail=detail))
    return order


def check_instrument(
    *, merchant: Merchant, mode: str, method: str, vpa: str = "", card: CardDetails | None = None
) -> dict[str, Any]:
    """What `pay_order` may keep of the payer's means; a card is a token from here on.

    For a caller whose own transaction surrounds `pay_order`: the provider is called here, so none may be open yet.
    Raises `InvalidFields`, `ProviderUnavailable`.
    """
    provider = registry.provider_for(mode, merchant)
    if method == Payment.Method.UPI and not vpa:
        raise InvalidFields(vpa="is required")
    return instruments.of_payer(provider=provider.name, method=method, vpa=vpa, card=card)


def pay_order(
    *, actor: Actor, order: Order, contract: str, method: str, vpa: str = "", card: CardDetails | None = None,
    payer_name: str = "", payer_email: str = "", payer_phone: str = "", created_by: User | None = None,
    instrument: dict[str, Any] | None = None, alone: bool = False,
) -> Payment:
    """A payment whose payer has acted already: `created` until a worker authorises it, which it is woken for.

    Paid with `vpa` or `card`, or with an `instrument` that was checked before. Raises `ProviderUnavailable`,
    `InvalidFields`, `OrderAlreadyPaid`, `OrderExpired`. A second try beside or after another is allowed; that only one
    succeeds is kept when they end. With `alone` it must be after: `PaymentUnderWay` beside one that has not ended.
    """
    provider = registry.provider_for(order.mode, order.merchant)
    if instrument is None:
        instrument = check_instrument(merchant=order.merchant, mode=order.mode, method=method, vpa=vpa, card=card)
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("merchant").get(pk=order.pk)
        _check_payable(order, alone)
        if order.status == Order.Status.CREATED:
            order.advance(Order.Status.ATTEMPTED)
        payment = _new_payment(
            order, contract, provider.name, method=method, payer_name=payer_name, payer_email=payer_email,
            payer_phone=payer_phone, created_by=created_by, **_when_taken_up(provider.name), **instrument,
        )
        insert_together(payment, _entry(actor, payment))
        wake("payments.drive")
    return payment


def _when_taken_up(provider: str) -> dict[str, Any]:
    """At once; but where nobody can ask the payer for the money, its hosted page does, until it expires."""
    if registry.decided_by_people(provider):
        return {"expires_at": timezone.now() + timedelta(minutes=settings.PAYMENT_LINK_MINUTES)}
    return {"due_at": timezone.now()}


def _check_payable(order: Order, alone: bool) -> None:
    """`order` is locked, so that of two tries at once the second sees the first."""
    statuses = set(order.payments.values_list("status", flat=True))
    if Payment.Status.SUCCEEDED in statuses:
        raise OrderAlreadyPaid()
    if order.has_expired:
        raise OrderExpired()
    if alone and statuses & {Payment.Status.CREATED, Payment.Status.PROCESSING}:
        raise PaymentUnderWay()


def _new_order(*, amount: Money, **values: Any) -> Order:
    if amount.currency not in FIAT:
        raise InvalidFields(currency=f"must be {' or '.join(FIAT)}")
    return Order(amount_minor=amount.minor, currency=amount.currency, **values)


def _new_payment(
    order: Order, contract: str, provider: str, *, method: str, expires_at: datetime | None = None, **values: Any
) -> Payment:
    if method not in Payment.Method.values:
        raise InvalidFields(method=f"must be {' or '.join(Payment.Method.values)}")
    amount = order.amount
    fee = quote_fee(order.merchant_id, method, amount)
    return Payment(
        order=order, merchant=order.merchant, mode=order.mode, contract=contract, method=method,
        currency=order.currency, amount_minor=order.amount_minor, fee_minor=fee.fee_minor, tax_minor=fee.tax_minor,
        provider=provider, expires_at=expires_at,
        receiving_account=assign_account(provider=provider, mode=order.mode, method=method, amount=amount), **values,
    )


def _entry(actor: Actor, payment: Payment) -> AuditRecord:
    detail = f"{payment.amount} {payment.currency} by {payment.get_method_display()}"
    return audit.entry(
        actor, "payment.created", payment.public_id, merchant=payment.merchant_id, mode=payment.mode, detail=detail
    )


def _insert(*rows: Model) -> None:
    """All of them at once. Raises `DuplicateReference`."""
    try:
        insert_together(*rows)
    except IntegrityError as error:
        if violates(error, Order, "order_reference_once"):
            raise DuplicateReference() from error
        raise
