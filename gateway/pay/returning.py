"""The way back from a hosted page to the merchant's own, and what it tells there.

Only a payment that was received is signed, so that no address a payer can type looks like one.
"""

from __future__ import annotations

from urllib.parse import unquote_plus, urlencode, urlsplit, urlunsplit

from accounts.return_secrets import sign_return
from payments.models import Order, Payment


def back_to(url: str, **words: str) -> str:
    """`url` with `words` in its query, in place of any it has by those names; empty if it is no web address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return ""
    kept = [pair for pair in parts.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in words]
    return urlunsplit(parts._replace(query="&".join([*kept, urlencode(words)])))


def paid_url(order: Order, payment: Payment) -> str:
    """With the signature that Razorpay's libraries verify."""
    if not order.redirect_url:
        return ""
    names = {"order_id": order.public_id, "payment_id": payment.public_id}
    signature = sign_return(merchant=order.merchant, mode=order.mode, **names)
    return back_to(order.redirect_url, **names, status="paid", signature=signature)


def failed_url(order: Order, payment: Payment) -> str:
    return back_to(
        order.redirect_url, order_id=order.public_id, payment_id=payment.public_id, status="failed",
        error_code=payment.failure_code,
    )


def unpaid_url(order: Order, status: str) -> str:
    """For an order that nobody tried to pay: `cancelled` or `expired`."""
    return back_to(order.redirect_url, order_id=order.public_id, status=status)
