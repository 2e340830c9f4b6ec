"""Public identifiers: a readable prefix and 16 random characters (95 bits), as the contracts show them."""

from __future__ import annotations

import secrets
import string

ALPHABET = string.ascii_letters + string.digits


# A random byte below 248 (four times 62) is a character, each as likely as any other; the rest are dropped.
_CHARACTERS = (ALPHABET * 5)[:256].encode()
_DROPPED = bytes(range(4 * len(ALPHABET), 256))


def random_text(length: int) -> str:
    text = ""
    while len(text) < length:
        text += secrets.token_bytes(length + 8).translate(_CHARACTERS, _DROPPED).decode()
    return text[:length]


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


def correction_id() -> str:
    return new_id("corr")


def statement_id() -> str:
    return new_id("stm")


def statement_line_id() -> str:
    return new_id("line")


def event_id() -> str:
    return new_id("evt")


def page_token() -> str:
    """Names a hosted page: 24 characters (142 bits), unrelated to any other identifier."""
    return random_text(24)
