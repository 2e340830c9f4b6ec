"""The hosted checkout of an order: a choice of ways to pay, then how it ended, and the way back to the merchant.

The page follows the order: after a failure it offers another try, and once paid it only says so. UPI works by a plain
form. A card's number goes from the page's script to the contract's own public call and to no address here; the page
carries a pass for that, which is good for this order alone.
"""

from __future__ import annotations

from typing import Any

from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View
from django.views.decorators.http import require_POST, require_safe

from accounts.actors import Actor
from gateway.lib.errors import GatewayError, NotFound, ProviderUnavailable
from gateway.lib.modes import Mode
from gateway.pay import limits, upi
from gateway.pay.forms import UtrForm, VpaForm, show
from gateway.pay.order_states import Seen, State, look_at, open_until, seconds_left
from gateway.pay.rendering import clock, in_ist, slow_down
from payments.models import Order, Payment
from payments.page_pass import issue_pass
from payments.providers import registry
from payments.queries import order_of_page
from payments.services import confirm_payment, pay_order, simulate

PAYER = Actor.system("payment page")
_OPEN = (State.WAITING, State.FAILED, State.PROCESSING, State.STEP)


def find(order_id: str) -> Seen:
    """Raises `Http404`."""
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
        seen = find(order_id)
        return _page(request, seen, _form(seen))

    def post(self, request: HttpRequest, order_id: str) -> HttpResponse:
        """Pays by UPI, or says that what was to be sent is sent. A refusal comes back beside its field; where the order
        has moved on, its page tells.
        """
        seen = find(order_id)
        if seen.awaits_payer and "utr" not in request.POST:
            # A second press of the button before: whoever sent it has not seen yet whom to pay, and so has not paid.
            return redirect("pay:order", order_id)
        form = _form(seen, request.POST)
        if form.is_valid() and seen.awaits_payer:
            _confirm(seen, form)
        elif form.is_valid() and seen.is_payable:
            _pay(seen.order, form)
        seen = find(order_id)
        if form.is_valid() or not (seen.is_payable or seen.awaits_payer):
            return redirect("pay:order", order_id)
        return _page(request, seen, form, status=422)


def _form(seen: Seen, data: QueryDict | None = None) -> Form:
    return UtrForm(data) if seen.awaits_payer else VpaForm(data)


def _confirm(seen: Seen, form: Form) -> None:
    assert seen.payment is not None
    try:
        confirm_payment(
            actor=PAYER, payment=seen.payment, vpa=seen.payment.vpa, utr=form.cleaned_data["utr"].strip()
        )
    except GatewayError as error:
        show(form, error)


def _pay(order: Order, form: Form) -> None:
    try:
        pay_order(
            actor=PAYER, order=order, contract="checkout", method=Payment.Method.UPI,
            vpa=form.cleaned_data["vpa"].strip(), alone=True,
        )
    except GatewayError as error:
        show(form, error)


def _page(request: HttpRequest, seen: Seen, form: Form, status: int = 200, problem: str = "") -> HttpResponse:
    return render(request, "pay/order.html", _context(seen) | {"form": form, "problem": problem}, status=status)


def _context(seen: Seen) -> dict[str, Any]:
    """What the page and its changing part share."""
    order, payment = seen.order, seen.payment
    link = upi.upi_link(payment) if payment and seen.awaits_payer else ""
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
        "by_people": payment is not None and registry.decided_by_people(payment.provider),
        "by_card": payment is not None and payment.method == Payment.Method.CARD,
        "may_simulate": order.mode == Mode.TEST and payment is not None and payment.status == Payment.Status.PROCESSING,
        "takes_cards": not _is_decided_by_people(order),
        "upi_link": link,
        "qr": upi.qr_svg(link) if link else "",
        "bank_url": reverse("pay:order-bank", args=[order.public_id]) if seen.state == State.STEP else "",
        "step_until": clock(payment.expires_at) if payment else "",
        "return_url": seen.return_url,
        "seconds_left": seconds_left(order),
        "open_until": open_until(order),
        "paid_at": in_ist(payment.completed_at) if payment else "",
    }


def _is_decided_by_people(order: Order) -> bool:
    try:
        return registry.provider_for(order.mode, order.merchant).decided_by_people
    except ProviderUnavailable:
        return False


@require_safe
def status(request: HttpRequest, order_id: str) -> HttpResponse:
    """What the page asks every moment: nothing (204) while all is as shown, else its new inside."""
    seen, shown = find(order_id), request.GET.get("shown", "")
    if shown == seen.mark:
        return HttpResponse(status=204)
    has_moved = shown.partition(".")[0] != seen.state
    return render(request, "pay/_order.html", _context(seen) | {"form": _form(seen), "moved": has_moved})


@require_POST
def simulate_answer(request: HttpRequest, order_id: str) -> HttpResponse:
    """Test mode's two buttons: the sandbox decides now."""
    seen = find(order_id)
    if limits.too_many(request, order_id):
        return slow_down(request, "pay:order", order_id)
    if seen.order.mode != Mode.TEST or seen.payment is None:
        raise Http404
    try:
        simulate(payment=seen.payment, succeed=request.POST.get("outcome") == "success")
    except GatewayError as error:
        seen = find(order_id)
        return _page(request, seen, _form(seen), status=409, problem=error.message)
    return redirect("pay:order", order_id)
