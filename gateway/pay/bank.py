"""The way to the payer's bank and back (3-D Secure), from either hosted page.

A payer is sent to the address that the payment's provider named, and to no other: nothing in a request says where.
Coming back proves nothing, whatever it brings along: it has the provider asked at once, and shows the page.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from gateway.pay import limits, orders, views
from gateway.pay.rendering import slow_down
from gateway.pay.views import PAYER
from payments.models import Payment
from payments.services import return_from_step
from payments.services.outcomes import order_has_other_success

# Banks send the payer back by either.
_comes_back = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def leave(request: HttpRequest, token: str) -> HttpResponse:
    return _to_bank(views.find(token), "pay:payment", token)


@require_safe
def leave_order(request: HttpRequest, order_id: str) -> HttpResponse:
    return _to_bank(orders.find(order_id).payment, "pay:order", order_id)


@csrf_exempt
@_comes_back
def come_back(request: HttpRequest, token: str) -> HttpResponse:
    return _back(request, [views.find(token)], "pay:payment", token)


@csrf_exempt
@_comes_back
def return_to_order(request: HttpRequest, order_id: str) -> HttpResponse:
    """Of two tries side by side (a merchant's own API call may make them) it does not say which."""
    tries = orders.find(order_id).order.payments.exclude(step_url="")
    return _back(request, tries, "pay:order", order_id)


def _to_bank(payment: Payment | None, page: str, key: str) -> HttpResponse:
    """A second window, or a page that was left open, learns how it stands instead; nobody pays an order twice there."""
    if payment is None or not payment.awaits_bank_step or order_has_other_success(payment):
        return redirect(page, key)
    return HttpResponseRedirect(payment.step_url)


def _back(request: HttpRequest, payments: Iterable[Payment], page: str, key: str) -> HttpResponse:
    if limits.too_many(request, key):
        return slow_down(request, page, key)
    if request.method != "HEAD":
        for payment in payments:
            return_from_step(actor=PAYER, payment=payment)
    return redirect(page, key)
