"""Money that reaches a merchant from outside any payment: an opening balance, the demo's."""

from __future__ import annotations

from accounts.models import Merchant
from ledger.services import Line, Posted, house_account, merchant_account, post


def deposit(
    *, merchant: Merchant, minor: int, currency: str, mode: str, reference: str, network: str = ""
) -> Posted:
    """Books `minor` units to the merchant's available balance, once for the same `reference`."""
    lines = [
        Line(house_account(mode, currency, "clearing", "deposits", network), -minor),
        Line(merchant_account(merchant.pk, mode, currency, "available", network), minor),
    ]
    return post(kind="deposit", reference=f"deposit:{reference}", mode=mode, lines=lines)
