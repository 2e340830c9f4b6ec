"""Which bank pays a mode's payouts. Test mode is always the sandbox's; live mode never is."""

from __future__ import annotations

from django.conf import settings

from gateway.lib.errors import ProviderUnavailable
from gateway.lib.modes import Mode
from payouts.providers.bank_file import BANK_FILE
from payouts.providers.base import PayoutProvider
from payouts.providers.sandbox import SANDBOX_BANK

_providers: dict[str, PayoutProvider] = {SANDBOX_BANK.name: SANDBOX_BANK, BANK_FILE.name: BANK_FILE}


def register(provider: PayoutProvider) -> None:
    """Adds an adapter; its name is what LIVE_PAYOUT_PROVIDER and a payout's `provider` say."""
    _providers[provider.name] = provider


def get(name: str) -> PayoutProvider:
    if name not in _providers:
        raise ProviderUnavailable(f"The payout provider {name!r} is not installed.")
    return _providers[name]


def provider_for(mode: str) -> PayoutProvider:
    """For a new payout. Raises `ProviderUnavailable` in live mode until one is configured."""
    if mode == Mode.TEST:
        return SANDBOX_BANK
    name = settings.LIVE_PAYOUT_PROVIDER
    if name == SANDBOX_BANK.name or name not in _providers:
        raise ProviderUnavailable()
    return _providers[name]


def waits_for_batch(name: str) -> bool:
    """Whether payouts of this provider are given to the bank in files, by people, and not by the workers."""
    return name == BANK_FILE.name
