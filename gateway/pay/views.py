"""The hosted payment page: shows what is to be paid, takes the payer's confirmation, and tells how it ended.

One-time: once confirmed, paid, failed or expired it only shows the outcome and a link back. It needs no sign-in,
shows nothing of other payments, and works without JavaScript; with it the page follows the payment by itself.
"""

from __future__ import annotations

from typing import Any

from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.actors import Actor
from gateway.lib.errors import GatewayError, NotFound
from gateway.lib.modes import Mode
from gateway.pay import limits, upi
from gateway.pay.forms import CardForm, UpiForm, show
from gateway.pay.rendering import clock, in_ist, slow_down
from gateway.pay.states import State, return_url, seconds_left, state_of
from payments.models import Payment
from payments.providers import registry
from payments.providers.cards import CardDetails
from payments.queries import payment_by_token
from payments.services import confirm_payment, simulate

PAYER = Actor.system("payment page")
_OPEN = (State.WAITING, State.PROCESSING, State.STEP)


def find(token: str) -> Payment:
    """Whoever knows the token may see the payment. Raises `Http404`."""
    if not (token.isascii() and token.isalnum()):
        raise Http404
    try:
        return payment_by_token(token)
    except NotFound as error:
        raise Http404 from error


@method_decorator(sensitive_post_parameters("number", "cvv", "expiry"), name="dispatch")
class PaymentPage(View):
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and limits.too_many(request, kwargs["token"]):
            return slow_down(request, "pay:payment", kwargs["token"])
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        payment = find(token)
        return _page(request, payment, _form_class(payment)())

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """The payer confirms. A refusal comes back on the page, beside its field; nothing has changed then."""
        payment = find(token)
        form = _form_class(payment)(request.POST)
        if form.is_valid():
            try:
                confirm_payment(actor=PAYER, payment=payment, **_instrument(form))
            except GatewayError as error:
                show(form, error)
        return _answer(request, find(token), form)


def _form_class(payment: Payment) -> type[UpiForm] | type[CardForm]:
    return CardForm if payment.method == Payment.Method.CARD else UpiForm


def _instrument(form: Form) -> dict[str, Any]:
    data = form.cleaned_data
    if isinstance(form, CardForm):
        month, year = form.month_and_year()
        return {"card": CardDetails(data["number"], month, year, data["cvv"], data["name"])}
    return {"vpa": data["vpa"].strip(), "utr": data["utr"].strip()}


def _answer(request: HttpRequest, payment: Payment, form: Form) -> HttpResponse:
    """Where the payment has moved on (a second press of the button, too), the page of that is what counts."""
    if form.is_valid() or state_of(payment) != State.WAITING:
        return redirect("pay:payment", payment.page_token)
    return _page(request, payment, form.blank() if isinstance(form, CardForm) else form, status=422)


def _page(request: HttpRequest, payment: Payment, form: Form, status: int = 200) -> HttpResponse:
    return render(request, "pay/payment.html", _context(payment) | {"form": form}, status=status)


def _context(payment: Payment) -> dict[str, Any]:
    """What the page and its changing part share. The link and QR code are made only while they are of use."""
    state = state_of(payment)
    link = upi.upi_link(payment) if state == State.WAITING and payment.method == Payment.Method.UPI else ""
    by_people = registry.decided_by_people(payment.provider)
    return {
        "payment": payment,
        "mode": payment.mode,
        "payee": payment.merchant.name,
        "state": state,
        "is_open": state in _OPEN,
        "by_people": by_people,
        "may_leave": state not in _OPEN or (by_people and state == State.PROCESSING),
        "upi_link": link,
        "qr": upi.qr_svg(link) if link else "",
        "may_simulate": payment.mode == Mode.TEST and state in _OPEN,
        "bank_url": reverse("pay:bank", args=[payment.page_token]) if state == State.STEP else "",
        "return_url": return_url(payment),
        "seconds_left": seconds_left(payment),
        "open_until": clock(payment.expires_at),
        "paid_at": in_ist(payment.completed_at),
    }


@require_safe
def status(request: HttpRequest, token: str) -> HttpResponse:
    """What the page asks every moment: nothing (204) while the payment is as shown, else its new inside."""
    payment = find(token)
    if request.GET.get("shown", "") == state_of(payment):
        return HttpResponse(status=204)
    return render(request, "pay/_payment.html", _context(payment) | {"form": _form_class(payment)(), "moved": True})


@require_POST
def simulate_answer(request: HttpRequest, token: str) -> HttpResponse:
    """Test mode's two buttons: the sandbox decides now."""
    payment = find(token)
    if payment.mode != Mode.TEST:
        raise Http404
    if limits.too_many(request, token):
        return slow_down(request, "pay:payment", token)
    try:
        simulate(payment=payment, succeed=request.POST.get("outcome") == "success")
    except GatewayError as error:
        page = _context(find(token)) | {"form": _form_class(payment)(), "problem": error.message}
        return render(request, "pay/payment.html", page, status=409)
    return redirect("pay:payment", token)
