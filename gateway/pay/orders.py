"""The hosted checkout of an order: a choice of ways to pay, then how it ended, and the way back to the merchant.

The page follows the order: after a failure it offers another try, and once paid it only says so. UPI works by a plain
form. A card's number goes from the page's script to the contract's own public call and to no address here; the page
carries a pass for that, which is good for this order alone.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views import View
from django.views.decorators.http import require_POST, require_safe

from accounts.actors import Actor
from gateway.lib.errors import GatewayError, NotFound
from gateway.lib.modes import Mode
from gateway.pay import limits
from gateway.pay.forms import VpaForm, show
from gateway.pay.order_states import Seen, State, look_at, open_until, seconds_left
from gateway.pay.rendering import in_ist, slow_down
from payments.models import Order, Payment
from payments.page_pass import issue_pass
from payments.queries import order_of_page
from payments.services import pay_order, simulate

PAYER = Actor.system("payment page")
_OPEN = (State.WAITING, State.FAILED, State.PROCESSING)


def _find(order_id: str) -> Seen:
    try:
        return look_at(order_of_page(order_id))
    except NotFound as error:
        raise Http404 from error


class OrderPage(View):
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and limits.too_many(request, kwargs["order_id"]):
            return slow_down(request, "pay:order", kwargs["order_id"])
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, order_id: str) -> HttpResponse:
        return _page(request, _find(order_id), VpaForm())

    def post(self, request: HttpRequest, order_id: str) -> HttpResponse:
        """Pays by UPI. A refusal comes back beside its field; where the order has moved on, its page tells."""
        seen, form = _find(order_id), VpaForm(request.POST)
        if seen.is_payable and form.is_valid():
            _pay(seen.order, form)
        seen = _find(order_id)
        if form.is_valid() or not seen.is_payable:
            return redirect("pay:order", order_id)
        return _page(request, seen, form, status=422)


def _pay(order: Order, form: VpaForm) -> None:
    try:
        pay_order(
            actor=PAYER, order=order, contract="checkout", method=Payment.Method.UPI,
            vpa=form.cleaned_data["vpa"].strip(), alone=True,
        )
    except GatewayError as error:
        show(form, error)


def _page(request: HttpRequest, seen: Seen, form: VpaForm, status: int = 200, problem: str = "") -> HttpResponse:
    return render(request, "pay/order.html", _context(seen) | {"form": form, "problem": problem}, status=status)


def _context(seen: Seen) -> dict[str, Any]:
    """What the page and its changing part share."""
    order, payment = seen.order, seen.payment
    return {
        "order": order,
        "payment": payment,
        "state": seen.state,
        "mark": seen.mark,
        "mode": order.mode,
        "payee": order.merchant.name,
        "is_open": seen.state in _OPEN,
        "is_payable": seen.is_payable,
        "page_pass": issue_pass(order.public_id) if seen.is_payable else "",
        "by_card": payment is not None and payment.method == Payment.Method.CARD,
        "may_simulate": order.mode == Mode.TEST and payment is not None and payment.status == Payment.Status.PROCESSING,
        "return_url": seen.return_url,
        "seconds_left": seconds_left(order),
        "open_until": open_until(order),
        "paid_at": in_ist(payment.completed_at) if payment else "",
    }


@require_safe
def status(request: HttpRequest, order_id: str) -> HttpResponse:
    """What the page asks every moment: nothing (204) while all is as shown, else its new inside."""
    seen, shown = _find(order_id), request.GET.get("shown", "")
    if shown == seen.mark:
        return HttpResponse(status=204)
    has_moved = shown.partition(".")[0] != seen.state
    return render(request, "pay/_order.html", _context(seen) | {"form": VpaForm(), "moved": has_moved})


@require_POST
def simulate_answer(request: HttpRequest, order_id: str) -> HttpResponse:
    """Test mode's two buttons: the sandbox decides now."""
    seen = _find(order_id)
    if limits.too_many(request, order_id):
        return slow_down(request, "pay:order", order_id)
    if seen.order.mode != Mode.TEST or seen.payment is None:
        raise Http404
    try:
        simulate(payment=seen.payment, succeed=request.POST.get("outcome") == "success")
    except GatewayError as error:
        return _page(request, _find(order_id), VpaForm(), status=409, problem=error.message)
    return redirect("pay:order", order_id)
