"""The hosted page of a crypto session: what to send, where, on which network, and how far it is confirmed.

Whoever knows the session's id may see it; it needs no sign-in and shows nothing of other sessions. Without JavaScript
it works by plain forms and reloads itself while a payment is being confirmed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.actors import Actor
from crypto import formats
from crypto.chains.registry import known_token
from crypto.models import Session
from crypto.services.claims import claim_transaction
from crypto.services.simulating import pay_on_simulated_chain
from gateway.lib.errors import GatewayError, NotFound
from gateway.lib.modes import Mode
from gateway.pay import limits
from gateway.pay.crypto_states import Seen, State, look_at
from gateway.pay.forms import show
from gateway.pay.rendering import IST, in_ist, slow_down
from gateway.pay.upi import qr_svg

PAYER = Actor.system("payment page")


class ClaimForm(forms.Form):
    """A payer's own word for a payment that the page does not show yet."""

    use_required_attribute = False

    transaction_hash = forms.CharField(
        label="Transaction hash", max_length=100, error_messages={"required": "Enter the transaction's hash."},
        help_text="Your wallet shows it with the payment, as hash, TXID or signature.",
        widget=forms.TextInput(
            attrs={"class": "input mono", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


def _find(session_id: UUID) -> Seen:
    row = Session.objects.select_related("merchant", "network", "address").filter(pk=session_id).first()
    if row is None:
        raise Http404
    return look_at(row)


@require_safe
def page(request: HttpRequest, session_id: UUID) -> HttpResponse:
    return _page(request, _find(session_id), ClaimForm())


@require_safe
def status(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """What the page asks every moment: nothing (204) while all is as shown, else its new inside."""
    seen, shown = _find(session_id), request.GET.get("shown", "")
    if shown == seen.mark:
        return HttpResponse(status=204)
    has_moved = shown.partition(".")[0] != seen.state
    return render(request, "pay/crypto/_session.html", _context(seen) | {"form": ClaimForm(), "moved": has_moved})


@require_POST
def claim(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The payer names a transaction; the page then tells what became of it."""
    seen, form = _find(session_id), ClaimForm(request.POST)
    if limits.too_many(request, str(session_id)):
        return slow_down(request, "pay:session", str(session_id))
    if form.is_valid():
        _claim(seen.session, form)
    if form.is_valid():
        return redirect("pay:session", session_id)
    return _page(request, seen, form, status=422)


def _claim(session: Session, form: ClaimForm) -> None:
    try:
        claim_transaction(actor=PAYER, session=session, transaction_hash=form.cleaned_data["transaction_hash"])
    except GatewayError as error:
        show(form, error)


@require_POST
def simulate(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Test mode's buttons: a payment on the simulated chain."""
    seen = _find(session_id)
    if limits.too_many(request, str(session_id)):
        return slow_down(request, "pay:session", str(session_id))
    try:
        pay_on_simulated_chain(session=seen.session, outcome=request.POST.get("outcome", ""))
    except NotFound as error:
        raise Http404 from error
    except GatewayError as error:
        return _page(request, seen, ClaimForm(), status=422, problem=error.message)
    return redirect("pay:session", session_id)


def _page(request: HttpRequest, seen: Seen, form: ClaimForm, status: int = 200, problem: str = "") -> HttpResponse:
    context = _context(seen) | {"form": form, "problem": problem}
    return render(request, "pay/crypto/session.html", context, status=status)


def _context(seen: Seen) -> dict[str, Any]:
    """What the page and its changing part share. The QR code is made only while it is of use."""
    session = seen.session
    link = _link(seen) if seen.is_payable else ""
    return {
        "session": session,
        "seen": seen,
        "state": seen.state,
        "mode": session.mode,
        "payee": session.merchant.name,
        "network": session.network,
        "address": session.address.address,
        "asked": formats.decimal_text(seen.rest.minor),
        "link": link,
        "qr": qr_svg(link, "QR code of this payment") if link else "",
        "seconds_left": max(0, int((session.expires_at - timezone.now()).total_seconds())),
        "open_until": _clock(session),
        "paid_at": in_ist(session.paid_at),
        "may_simulate": session.mode == Mode.TEST and seen.state != State.PAID,
        "may_claim": seen.state != State.PAID,
    }


def _link(seen: Seen) -> str:
    session = seen.session
    token = known_token(session.network, session.mode, session.currency)
    return formats.payment_uri(session.network, token, session.address.address, seen.rest.minor) if token else ""


def _clock(session: Session) -> str:
    moment = session.expires_at.astimezone(IST)
    is_soon = session.expires_at - timezone.now() < timedelta(hours=18)
    return f"{moment:%H:%M} IST" if is_soon else f"{moment:%d %b, %H:%M} IST"
