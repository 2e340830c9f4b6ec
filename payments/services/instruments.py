"""With what a payer pays: checked, and turned into what may be kept. A card leaves this module as a token."""

from __future__ import annotations

import re
from typing import Any

from django.utils import timezone

from gateway.lib.errors import InvalidFields, ProviderUnavailable
from gateway.lib.providers import ProviderDown, ProviderTimeout
from gateway.lib.transfers import hold_transfer, is_used_elsewhere
from payments.errors import UtrUsed
from payments.models import Correction, Payment, ReceivingAccount
from payments.providers import registry
from payments.providers.cards import CardDetails, check

VPA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}@[A-Za-z][A-Za-z0-9]{1,18}", re.ASCII)
UTR = re.compile(r"[A-Za-z0-9]{6,40}", re.ASCII)


def of_payer(
    *, provider: str, method: str, vpa: str = "", utr: str = "", card: CardDetails | None = None
) -> dict[str, Any]:
    """The columns of a payment that say how it is paid. Calls the provider for a card: no transaction may be open.

    Raises `InvalidFields` naming vpa, utr, number, month, year, cvv, name or method.
    """
    if method == Payment.Method.CARD:
        return _of_card(provider, vpa, card)
    if card is not None:
        raise InvalidFields(method="this payment is not made by card")
    if vpa and not VPA.fullmatch(vpa):
        raise InvalidFields(vpa="must look like name@bank")
    return {"vpa": vpa, "claimed_utr": clean_utr(utr) if utr else ""}


def _of_card(provider: str, vpa: str, card: CardDetails | None) -> dict[str, Any]:
    if card is None or vpa:
        raise InvalidFields(number="is required: this payment is made by card")
    facts = check(card, today=timezone.now().date())
    try:
        token = registry.get(provider).tokenise(card)
    except (ProviderDown, ProviderTimeout) as error:
        raise ProviderUnavailable("The card could not be checked right now. Nothing was charged.") from error
    return {
        "provider_token": token,
        "card_brand": facts.brand,
        "card_last_four": facts.last_four,
        "card_expiry": facts.expiry,
        "card_fingerprint": facts.fingerprint,
    }


def clean_utr(utr: str) -> str:
    """In upper case, so that one UTR has one spelling."""
    text = utr.strip().upper()
    if not UTR.fullmatch(text):
        raise InvalidFields(utr="must be 6 to 40 letters and digits")
    return text


def check_claim_is_new(payment: Payment, utr: str) -> None:
    """What a payer claims books nothing, so it waits for nobody."""
    if utr and payment.receiving_account and _is_used(payment, utr):
        raise UtrUsed()


def check_utr_is_new(payment: Payment, utr: str) -> None:
    if utr_is_used(payment, utr):
        raise UtrUsed()


def utr_is_used(payment: Payment, utr: str) -> bool:
    """Whether another payment into the same account was paid with this UTR, or an operator entered the transfer as a
    merchant's top-up, or as a payout's return. Until the transaction ends nobody else uses it. `payment` is locked."""
    if not (utr and payment.receiving_account):
        return False
    hold_transfer(payment.mode, utr)
    return _is_used(payment, utr)


def credited_with(mode: str, utr: str) -> bool:
    """Whether the transfer with this UTR is a payment into an account of ours, or a merchant's top-up."""
    ours = ReceivingAccount.objects.filter(mode=mode).values("vpa")
    paid = Payment.objects.filter(mode=mode, receiving_account__in=ours, utr=utr).exclude(receiving_account="")
    return paid.exists() or Correction.top_ups_with(mode, utr).exists()


def _is_used(payment: Payment, utr: str) -> bool:
    if Correction.top_ups_with(payment.mode, utr).exists() or is_used_elsewhere("payments", payment.mode, utr):
        return True
    same = Payment.objects.filter(mode=payment.mode, receiving_account=payment.receiving_account, utr=utr)
    return same.exclude(pk=payment.pk).exists()
