"""What a node says right now that an address holds. Nothing is booked by it: money counts when the watcher saw it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.utils import timezone

from crypto import formats
from crypto.chains.base import NodeError
from crypto.chains.registry import chain_for, known_token
from crypto.errors import ChainUnavailable
from crypto.models import DepositAddress

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckedBalance:
    """Minor units of `currency` on chain at `at`, floored."""

    minor: int
    currency: str
    at: datetime


def check_balance(*, address: DepositAddress, currency: str) -> CheckedBalance:
    """Asks the network; no transaction may be open. Raises `ChainUnavailable` when no node gives a whole answer."""
    token = known_token(address.network_id, address.mode, currency)
    try:
        if token is None:
            raise LookupError(f"{currency} is not known on {address.network_id}")
        units = chain_for(address.network, address.mode).token_balance(address.address, token.contract)
    except (NodeError, LookupError) as error:
        log.warning("balance_not_checked", address=address.address, network=address.network_id, error=str(error))
        raise ChainUnavailable("No node of this network answers at the moment. Try again shortly.") from error
    now = timezone.now()
    DepositAddress.objects.filter(pk=address.pk).update(checked_at=now)
    return CheckedBalance(formats.to_minor(units, token.decimals)[0], currency, now)
