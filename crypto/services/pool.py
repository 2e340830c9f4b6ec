"""The pool of deposit addresses, filled ahead of need by the signer, so that whoever opens a session needs no key.

An index is used once: a network's and mode's addresses are numbered upwards under a lock on its hot wallet's row, so
two signers never make the same one. A database that is restored from an older copy does not know which were made since;
`retire_free_addresses` leaves them all behind.
"""

from __future__ import annotations

import structlog
from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from crypto import formats, keys
from crypto.chains.registry import enabled_networks
from crypto.models import DepositAddress, HotWallet, Network
from gateway.lib.modes import Mode

log = structlog.get_logger(__name__)
_BATCH = 50
# More than any pool makes between a copy and the day it is needed; the key tree has two thousand times as many.
_LEFT_OUT = 1_000_000


def fill_pool() -> int:
    """Brings every network and mode to `ADDRESS_POOL_SIZE` free addresses; returns how many were made."""
    if settings.PROCESS != keys.SIGNER:
        log.error("pool_not_filled", reason="this process is not the signer")
        return 0
    try:
        return fill_all()
    except keys.KeysMissing as error:
        log.error("pool_not_filled", reason=str(error))
        return 0


def fill_all() -> int:
    """Raises `KeysMissing` without a mnemonic, or with another one than the installation began with."""
    return sum(fill_pool_of(network=network, mode=mode) for mode in Mode.values for network in enabled_networks(mode))


def fill_pool_of(*, network: Network, mode: str) -> int:
    """Adds what is missing, in short transactions: deriving takes longer than writing."""
    made = 0
    _tell_hot_wallet(network, mode)
    while missing := settings.ADDRESS_POOL_SIZE - free_addresses(network, mode).count():
        if missing < 0:
            break
        made += _add(network, mode, min(missing, _BATCH))
    return made


def free_addresses(network: Network, mode: str) -> models.QuerySet[DepositAddress]:
    """What any merchant's session could be given now: rested, and holding nobody's money."""
    rested = Q(rests_until__isnull=True) | Q(rests_until__lte=timezone.now())
    return DepositAddress.objects.filter(
        rested, network=network, mode=mode, session__isnull=True, is_active=True, received_minor=F("swept_minor")
    )


def _tell_hot_wallet(network: Network, mode: str) -> None:
    address = keys.hot_address(network, mode)
    known = HotWallet.objects.filter(network=network, mode=mode).first()
    if known is not None and known.address != address:
        raise keys.KeysMissing(
            f"The mnemonic is not the one this installation began with: {network.code} ({mode}) has another hot wallet."
        )
    if known is None:
        HotWallet.objects.get_or_create(network=network, mode=mode, defaults={"address": address})


def _add(network: Network, mode: str, count: int) -> int:
    wallet = HotWallet.objects.get(network=network, mode=mode)
    first = _next_index(wallet)
    fresh = [(index, keys.address_at(network, mode, index)) for index in range(first, first + count)]
    with transaction.atomic():
        if _next_index(HotWallet.objects.select_for_update().get(pk=wallet.pk)) != first:
            return 0  # another signer was quicker; the caller looks again
        DepositAddress.objects.bulk_create(
            DepositAddress(
                network=network, mode=mode, index=index, address=address, lookup=formats.lookup_form(network, address)
            )
            for index, address in fresh
        )
    return count


def _next_index(wallet: HotWallet) -> int:
    addresses = DepositAddress.objects.filter(network=wallet.network_id, mode=wallet.mode)
    last = addresses.aggregate(last=Max("index"))["last"]
    return max(0 if last is None else int(last) + 1, wallet.first_index)


@transaction.atomic
def retire_free_addresses() -> int:
    """After a restore: gives out none of the addresses that are free now, and makes new ones a million places further
    on. Returns how many it retired.

    Whatever was free in the copy, or was made after it, may be known to a payer of another merchant. Retired addresses
    are watched and swept as before, and those of open sessions stay theirs.
    """
    for wallet in HotWallet.objects.select_for_update().order_by("pk"):
        wallet.first_index = _next_index(wallet) + _LEFT_OUT
        wallet.save(update_fields=["first_index"])
    free = DepositAddress.objects.filter(session__isnull=True, is_active=True)
    return free.update(is_active=False, updated_at=timezone.now())
