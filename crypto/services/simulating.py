"""Test mode's payer: sends the session's tokens on the simulated chain, from outside, as a stranger's wallet would."""

from __future__ import annotations

from crypto import formats
from crypto.chains.registry import token_for
from crypto.models import Session, Token
from gateway.lib.errors import InvalidFields, NotFound
from gateway.lib.jobs import wake
from gateway.lib.modes import Mode

# What share of the amount that is still wanted, in percent.
SHARES = {"exact": 100, "less": 60, "more": 125}


def pay_on_simulated_chain(*, session: Session, outcome: str) -> str:
    """Pays exactly, less or more than is still wanted, or (`wrong`) in the other token; returns the transaction.

    Raises `NotFound` outside test mode, `InvalidFields`.
    """
    if session.mode != Mode.TEST:
        raise NotFound()
    if outcome not in (*SHARES, "wrong"):
        raise InvalidFields(outcome=f"must be one of {', '.join(SHARES)}, wrong")
    from crypto.chains.simulated import control

    currency = _other(session) if outcome == "wrong" else session.currency
    token = token_for(session.network, session.mode, currency)
    if token is None:
        raise NotFound()
    paid = control.pay(
        session.network, session.mode, currency=currency, recipient=session.address.address,
        units=_units(session, token, SHARES.get(outcome, 100)),
    )
    wake("crypto.watch", network=session.network_id, mode=session.mode)
    return paid


def _other(session: Session) -> str:
    return "USDC" if session.currency == "USDT" else "USDT"


def _units(session: Session, token: Token, percent: int) -> int:
    """Of the rest, or of the whole where nothing is wanted any more; whole units, at least one."""
    wanted = session.amount_minor - session.received_minor
    minor = wanted if wanted > 0 else session.amount_minor
    whole = formats.to_units(minor, token.decimals)
    return max(whole * percent // 100, 1)
