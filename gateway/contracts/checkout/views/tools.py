"""`/health`, `/admin/stats` and `/test/jobs/enqueue`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.contracts.checkout import answers, docs, probes
from gateway.contracts.checkout.base import CheckoutView, KeyedView
from gateway.contracts.checkout.stats import StatsBody, stats
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from payments.errors import TestModeOnly
from payments.services import create_order, pay_order

_SMALL = Money(100, "INR")


class HealthView(KeyedView):
    """Anybody may ask, and is not counted: this must answer when nothing else does."""

    def _respond(self) -> HttpResponse:
        return self._answer(self._handler())

    @docs.call("get_health", "Health", "Tools", answers.HealthBody, parameters=docs.DEEP, also=(503,))
    def get(self, request: Request) -> Response:
        """503 when the database does not answer within 2 seconds. `?deep=1` also says how everything else is."""
        connected = probes.database_answers()
        body: dict[str, Any] = {**answers.health(connected, timezone.now())}
        if request.query_params.get("deep") == "1":
            body |= probes.everything_else(connected)
        return Response(body, status=200 if connected else 503)


class StatsView(CheckoutView):
    @docs.call("get_stats", "Your own figures", "Tools", StatsBody)
    def get(self, request: Request) -> Response:
        """Latency: seconds from a payment's creation to its final status."""
        return Response(stats(self.viewer))


class EnqueueView(CheckoutView):
    idempotent = ("POST",)

    def check_caller(self) -> None:
        super().check_caller()
        if self.me.mode != Mode.TEST:
            raise TestModeOnly("Only a test key may make test jobs.")

    @docs.call("enqueue_test_job", "Make a test payment", "Tools", answers.JobBody, idempotent=True)
    def post(self, request: Request) -> Response:
        """A payment of ₹1.00 by `success@upi`, and its job on the queue. Test mode only."""
        order = create_order(
            actor=self.me.actor, merchant=self.me.merchant, mode=self.me.mode, contract="checkout", amount=_SMALL,
            receipt="test job", manual_capture=True,
        )
        payment = pay_order(
            actor=self.me.actor, order=order, contract="checkout", method="upi", vpa="success@upi"
        )
        return Response({"status": "queued", "payment_id": payment.public_id, "queue": "gateway_jobs"})
