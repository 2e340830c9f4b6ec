"""Which credit of a transfer is which. One that was taken back and came again is credited anew: each round has a
posting of its own, and one that takes it back.
"""

from __future__ import annotations

from crypto.models import ChainTransaction, CreditReversal


def booked_reversals(row: ChainTransaction) -> list[CreditReversal]:
    """Oldest first; as many as there were credits before the next."""
    return list(row.reversals.filter(status=CreditReversal.Status.CONFIRMED).order_by("round"))


def credit_reference(transfer: int, round_: int = 0) -> str:
    return f"crypto:credit:{transfer}" + (f":{round_}" if round_ else "")


def reversal_reference(transfer: int, round_: int = 0) -> str:
    return f"crypto:uncredit:{transfer}" + (f":{round_}" if round_ else "")
