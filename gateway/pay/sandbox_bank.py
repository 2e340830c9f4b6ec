"""Test mode's bank: the page that the sandbox sends a payer to for the step, with a button for either answer.

It stands for somebody else's page: it knows the sandbox's own books and nothing of payments, and sends the browser
back to where the charge said, by plain redirect. Whoever has its key may answer, once.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views import View

from gateway.lib.money import Money
from gateway.pay import limits
from gateway.pay.rendering import slow_down
from payments.models import SandboxCharge
from payments.providers.sandbox import SANDBOX


class BankPage(View):
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and limits.too_many(request, kwargs["key"]):
            return slow_down(request, "pay:test-bank", kwargs["key"])
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        return _page(request, _find(key))

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        """A second press changes nothing and leads back as well."""
        row = _find(key)
        SANDBOX.take_step(row, approve=request.POST.get("answer") == "approve")
        back = _way_back(row)
        return HttpResponseRedirect(back) if back else _page(request, _find(key))


def _find(key: str) -> SandboxCharge:
    row = SANDBOX.step(key)
    if row is None:
        raise Http404
    return row


def _way_back(row: SandboxCharge) -> str:
    """Into our own pages, or nowhere."""
    return row.return_url if row.return_url.startswith(f"{settings.PUBLIC_URL}/pay/") else ""


def _page(request: HttpRequest, row: SandboxCharge) -> HttpResponse:
    context = {
        "mode": "test", "charge": row, "amount": Money(row.amount_minor, row.currency),
        "is_open": row.decision == "step", "payee": "the shop you came from",
        "back": _way_back(row),
    }
    return render(request, "pay/test_bank.html", context)
