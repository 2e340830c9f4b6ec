"""What a hosted page carries to act for its payer: the right to pay one order, and to read that order's payments.

It is signed, names one order, and ends after an hour; nothing is stored. It says nothing about whose browser holds
it: whoever may open the page may pay the order.
"""

from __future__ import annotations

from django.core import signing

LIFETIME_SECONDS = 3600
_signer = signing.TimestampSigner(salt="hosted checkout page")


def issue_pass(order_id: str) -> str:
    """Of the order with this public id."""
    return _signer.sign(order_id)


def order_of_pass(text: str) -> str | None:
    """The public id of the order that `text` was issued for; None if it is forged, altered or too old."""
    try:
        return _signer.unsign(text, max_age=LIFETIME_SECONDS)
    except signing.BadSignature:
        return None
