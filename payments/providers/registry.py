"""Which provider moves a mode's money. Test mode is always the sandbox's; live mode never is."""

from __future__ import annotations

from django.conf import settings

from accounts.models import Merchant
from gateway.lib import adapters
from gateway.lib.errors import ProviderUnavailable
from gateway.lib.modes import Mode
from payments.providers.base import PaymentProvider
from payments.providers.manual_upi import MANUAL_UPI
from payments.providers.sandbox import SANDBOX

_providers: dict[str, PaymentProvider] = {SANDBOX.name: SANDBOX, MANUAL_UPI.name: MANUAL_UPI}


def register(provider: PaymentProvider) -> None:
    """Adds an adapter; its name is what LIVE_PAYMENT_PROVIDER and a payment's `provider` say."""
    _providers[provider.name] = provider


def load() -> None:
    """Adds what PAYMENT_ADAPTERS names. Raises `ImproperlyConfigured` if that, or the provider chosen, cannot be."""
    for adapter in adapters.load("PAYMENT_ADAPTERS", PaymentProvider, taken=_providers):
        register(adapter)
    adapters.check_choice("LIVE_PAYMENT_PROVIDER", live_names())


def live_names() -> list[str]:
    """What a merchant's `payment_provider` may say."""
    return sorted(name for name in _providers if name != SANDBOX.name)


def is_used(name: str) -> bool:
    """Whether live payments go through it, everybody's or some merchant's."""
    return name == settings.LIVE_PAYMENT_PROVIDER or Merchant.objects.filter(payment_provider=name).exists()


def get(name: str) -> PaymentProvider:
    if name not in _providers:
        raise ProviderUnavailable(f"The payment provider {name!r} is not installed.")
    return _providers[name]


def takes_callbacks(name: str) -> bool:
    """Whether there is an adapter of this name whose provider may send us messages."""
    return name in _providers and not _providers[name].decided_by_people


def decided_by_people(name: str) -> bool:
    """Whether a payment through this provider waits for an operator or a bank statement, and nobody is asked."""
    return name in _providers and _providers[name].decided_by_people


def provider_for(mode: str, merchant: Merchant) -> PaymentProvider:
    """For a new payment. Raises `ProviderUnavailable` in live mode until one is configured, for it or for all."""
    if mode == Mode.TEST:
        return SANDBOX
    name = merchant.payment_provider or settings.LIVE_PAYMENT_PROVIDER
    if name == SANDBOX.name or name not in _providers:
        raise ProviderUnavailable()
    return _providers[name]
