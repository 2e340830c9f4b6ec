"""Numbers in words of the panel: Indian digit grouping for rupees, a currency's code for everything else."""

from __future__ import annotations

from gateway.lib.money import Money


def money_text(amount: Money) -> str:
    """₹1,23,45,678.90; 1,000.00 USDT (further places only where they are not zero); a true minus sign."""
    sign = "−" if amount.minor < 0 else ""
    whole, _, fraction = f"{abs(amount.decimal):f}".partition(".")
    if amount.currency == "INR":
        return f"{sign}₹{group(whole)}.{fraction}"
    return f"{sign}{int(whole):,}.{fraction[:2]}{fraction[2:].rstrip('0')} {amount.currency}"


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
