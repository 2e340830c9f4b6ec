"""Which bank pays a mode's payouts. Test mode is always the sandbox's; live mode never is."""

from __future__ import annotations

from django.conf import settings

from accounts.models import Merchant
from gateway.lib import adapters
from gateway.lib.errors import ProviderUnavailable
from gateway.lib.modes import Mode
from payouts.providers.bank_file import BANK_FILE
from payouts.providers.base import CallingBank, PayoutProvider
from payouts.providers.sandbox import SANDBOX_BANK

_providers: dict[str, PayoutProvider] = {SANDBOX_BANK.name: SANDBOX_BANK, BANK_FILE.name: BANK_FILE}


def register(provider: PayoutProvider) -> None:
    """Adds an adapter; its name is what LIVE_PAYOUT_PROVIDER and a payout's `provider` say."""
    _providers[provider.name] = provider


def load() -> None:
    """Adds what PAYOUT_ADAPTERS names. Raises `ImproperlyConfigured` if that, or the provider chosen, cannot be."""
    for adapter in adapters.load("PAYOUT_ADAPTERS", PayoutProvider, taken=_providers):
        register(adapter)
    adapters.check_choice("LIVE_PAYOUT_PROVIDER", live_names())


def live_names() -> list[str]:
    """What a merchant's `payout_provider` may say."""
    return sorted(name for name in _providers if name != SANDBOX_BANK.name)


def is_used(name: str) -> bool:
    """Whether live payouts go through it, everybody's or some merchant's."""
    return name == settings.LIVE_PAYOUT_PROVIDER or Merchant.objects.filter(payout_provider=name).exists()


def get(name: str) -> PayoutProvider:
    if name not in _providers:
        raise ProviderUnavailable(f"The payout provider {name!r} is not installed.")
    return _providers[name]


def takes_callbacks(name: str) -> bool:
    """Whether there is an adapter of this name that reads messages of its bank."""
    return not waits_for_batch(name) and isinstance(_providers.get(name), CallingBank)


def caller(name: str) -> CallingBank:
    bank = get(name)
    if not takes_callbacks(name) or not isinstance(bank, CallingBank):
        raise ProviderUnavailable(f"The payout provider {name!r} sends no callbacks.")
    return bank


def provider_for(mode: str, merchant: Merchant) -> PayoutProvider:
    """For a new payout. Raises `ProviderUnavailable` in live mode until one is configured, for it or for all."""
    if mode == Mode.TEST:
        return SANDBOX_BANK
    name = merchant.payout_provider or settings.LIVE_PAYOUT_PROVIDER
    if name == SANDBOX_BANK.name or name not in _providers:
        raise ProviderUnavailable()
    return _providers[name]


def waits_for_batch(name: str) -> bool:
    """Whether payouts of this provider are given to the bank in files, by people, and not by the workers."""
    return name == BANK_FILE.name
