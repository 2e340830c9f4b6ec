"""The panel's words: Indian digit grouping for rupees, a currency's code for everything else, what postings record."""

from __future__ import annotations

import re

from gateway.lib.money import Money

_AMOUNT = re.compile(r"(?<![\d.,])(\d{1,15})(\.\d{2}) INR\b", re.ASCII)
# What a posting of each kind records.
POSTINGS = {
    "deposit": "Deposit",
    "correction.top_up": "Top-up",
    "correction.chargeback": "Chargeback",
    "correction.credit": "Correction in favour",
    "correction.debit": "Correction against",
    "crypto.credit": "Crypto payment confirmed",
    "crypto.uncredit": "Crypto payment taken back",
    "payment.capture": "Payment captured",
    "payment.settle": "Payment settled",
    "refund.hold": "Refund held",
    "refund.settle": "Refund paid",
    "refund.release": "Refund released",
    "payout.hold": "Payout held",
    "payout.settle": "Payout paid",
    "payout.release": "Payout released",
    "payout.return": "Payout returned",
    "withdrawal.hold": "Withdrawal held",
    "withdrawal.settle": "Withdrawal sent",
    "withdrawal.release": "Withdrawal released",
    "withdrawal.convert": "Withdrawal turned into rupees",
    "withdrawal.return": "Withdrawal turned back",
    "crypto.gas": "Network fee",
    "crypto.capital": "Coins of the house",
    "crypto.house_withdrawal": "Taken out by the house",
    "crypto.capital_reversed": "Coins of the house taken back",
}


def money_text(amount: Money) -> str:
    """₹1,23,45,678.90; 1,000.00 USDT (further places only where they are not zero); a true minus sign."""
    sign = "−" if amount.minor < 0 else ""
    whole, _, fraction = f"{abs(amount.decimal):f}".partition(".")
    if amount.currency == "INR":
        return f"{sign}₹{group(whole)}.{fraction}"
    return f"{sign}{int(whole):,}.{fraction[:2]}{fraction[2:].rstrip('0')} {amount.currency}"


def amounts_in(text: str) -> str:
    """`12499.00 INR received` → `₹12,499.00 received`; what was written down stays as it is."""
    return _AMOUNT.sub(lambda found: f"₹{group(found[1])}{found[2]}", text)


def plain_amount(amount: Money) -> str:
    """As `money_text`, without a sign of the currency: for columns whose head names it."""
    text = money_text(amount).replace("₹", "").removesuffix(f" {amount.currency}")
    return text.replace("−", "-")


def count_text(number: int) -> str:
    return ("−" if number < 0 else "") + group(str(abs(number)))


def short_rupees(minor: int) -> str:
    """For an axis: ₹0, ₹500, ₹20k, ₹1.2 lakh, ₹4 crore."""
    rupees = minor / 100
    for size, word in ((10_000_000, " cr"), (100_000, " lakh"), (1_000, "k")):
        if rupees >= size:
            return f"₹{rupees / size:.4g}{word}"
    return f"₹{rupees:.4g}"


def group(digits: str) -> str:
    """`12345678` → `1,23,45,678`: the last three, then pairs."""
    head, tail = digits[:-3], digits[-3:]
    pairs = []
    while head:
        pairs.append(head[-2:])
        head = head[:-2]
    return ",".join([*reversed(pairs), tail])


def posting_words(kind: str) -> str:
    return POSTINGS.get(kind) or kind.replace(".", " ").replace("_", " ").capitalize()
