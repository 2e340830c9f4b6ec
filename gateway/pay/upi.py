"""The UPI payment link and its QR code, as UPI apps read them."""

from __future__ import annotations

import io
from urllib.parse import quote, urlencode

import segno
from django.utils.safestring import SafeString, mark_safe

from payments.models import Payment
from payments.receiving.queries import payee_of


def upi_link(payment: Payment) -> str:
    """`upi://pay?pa=…`: payee address and name, amount, currency, our reference, the merchant's order id as a note."""
    words = {
        "pa": payment.receiving_account,
        "pn": payee_of(payment),
        "am": str(payment.amount),
        "cu": payment.currency,
        "tr": payment.public_id,
        "tn": str(payment.order),
    }
    return "upi://pay?" + urlencode(words, quote_via=quote, safe="@")


def qr_svg(text: str, title: str = "UPI QR code") -> SafeString:
    """An inline SVG; dark on white in either theme, because cameras want it so.

    A screen has no dirt to correct for: few large modules read sooner than many small ones. Segno raises the level of
    correction again where that costs no module.
    """
    out = io.BytesIO()
    segno.make(text, error="l", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, dark="#111", light="#fff", border=4, scale=4,
        svgclass="qr", lineclass=None, omitsize=True, title=title,
    )
    return mark_safe(out.getvalue().decode())  # noqa: S308 - made of modules, not of text
