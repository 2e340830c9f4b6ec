"""Public identifiers: a readable prefix and 16 random characters (95 bits), as the contracts show them."""

from __future__ import annotations

import secrets
import string

ALPHABET = string.ascii_letters + string.digits


def random_text(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_id(prefix: str) -> str:
    """`new_id("pay")` → `pay_8ZcxseV6Ggfe9rze`."""
    return f"{prefix}_{random_text(16)}"


def user_id() -> str:
    return new_id("usr")


def merchant_id() -> str:
    return new_id("mrc")


def order_id() -> str:
    return new_id("order")


def payment_id() -> str:
    return new_id("pay")


def payout_id() -> str:
    return new_id("pout")


def refund_id() -> str:
    return new_id("refund")


def receiving_account_id() -> str:
    return new_id("rcv")


def proposal_id() -> str:
    return new_id("match")


def statement_id() -> str:
    return new_id("stm")


def statement_line_id() -> str:
    return new_id("line")


def event_id() -> str:
    return new_id("evt")


def page_token() -> str:
    """Names a hosted page: 24 characters (142 bits), unrelated to any other identifier."""
    return random_text(24)
