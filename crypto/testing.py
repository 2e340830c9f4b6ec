"""For tests: deposit addresses without keys, an open session, and a chain that is mined and watched by hand.

Works on the simulated chain with `SIMULATED_BLOCK_SECONDS=0`, which tests set.
"""

from __future__ import annotations

import itertools
from typing import Any

from django.db.models import Max

from accounts.actors import Actor
from accounts.models import Merchant
from crypto import formats, watcher
from crypto.chains.registry import token_for
from crypto.chains.simulated import control
from crypto.models import DepositAddress, Network, Session
from crypto.services.sessions import create_session
from gateway.lib.modes import Mode
from gateway.lib.money import Money

_numbers = itertools.count(1)


def add_addresses(network: Network | str, count: int = 1, mode: str = Mode.TEST) -> list[DepositAddress]:
    """Free addresses in the pool that nobody has a key of."""
    code = network if isinstance(network, str) else network.code
    row = Network.objects.get(code=code)
    last = DepositAddress.objects.filter(network=row, mode=mode).aggregate(last=Max("index"))["last"]
    first = 0 if last is None else int(last) + 1
    fresh = [(index, control.outsider(row)) for index in range(first, first + count)]
    return DepositAddress.objects.bulk_create(
        DepositAddress(network=row, mode=mode, index=index, address=text, lookup=formats.lookup_form(row, text))
        for index, text in fresh
    )


def open_session(merchant: Merchant, amount: str = "100", **more: Any) -> Session:
    """`open_session(merchant, "100", currency="USDC", network="ETH")`, with an address made for it if none is free."""
    from gateway.lib.money import parse_amount

    network, mode, currency = more.pop("network", "BSC"), more.pop("mode", Mode.TEST), more.pop("currency", "USDT")
    if more.pop("fresh", True):
        add_addresses(network, mode=mode)
    values: dict[str, Any] = {"reference": f"ORDER-{next(_numbers)}"} | more
    return create_session(
        actor=Actor.system("tests"), merchant=merchant, mode=mode, amount=parse_amount(amount, currency),
        network=network, **values,
    )


def pay(session: Session, amount: str | None = None, **more: Any) -> str:
    """Somebody outside pays `amount` (default: what is asked) to the session's address; waits for a block."""
    from gateway.lib.money import parse_amount

    currency = more.pop("currency", session.currency)
    token = token_for(session.network, session.mode, currency)
    assert token is not None
    money = parse_amount(amount, currency) if amount else Money(session.amount_minor, currency)
    units = more.pop("units", None) or formats.to_units(money.minor, token.decimals)
    return control.pay(
        session.network, session.mode, currency=currency, recipient=session.address.address, units=units, **more
    )


def confirm(session: Session, blocks: int | None = None) -> Session:
    """Mines as many blocks as it takes (or `blocks`), has the network watched; returns the session as it is then."""
    control.mine(session.network, blocks or session.required_confirmations, session.mode)
    watcher.watch_network(session.network_id, session.mode)
    session.refresh_from_db()
    return session
