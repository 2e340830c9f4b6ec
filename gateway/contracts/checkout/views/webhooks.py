"""`/webhooks` and `/webhook-logs`: a merchant's endpoints of this contract, and what was sent to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import get_or_404
from gateway.contracts.checkout import answers, docs
from gateway.contracts.checkout.base import CheckoutView
from gateway.contracts.checkout.filters import LogFilters
from gateway.contracts.checkout.lists import part_of
from gateway.contracts.checkout.serializers import NewWebhook
from gateway.contracts.pagination import MAX_LIMIT
from gateway.contracts.problems import MissingFields
from gateway.lib.errors import NotFound
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.queries import deliveries, endpoints
from webhooks.services import create_endpoint, delete_endpoint, retry_delivery

_TAG = "Webhooks"
_CONTRACT = Endpoint.Contract.CHECKOUT


class _HooksView(CheckoutView):
    def _webhooks(self) -> QuerySet[Endpoint]:
        return endpoints(self.viewer).filter(contract=_CONTRACT)

    def _logs(self) -> QuerySet[Delivery]:
        return deliveries(self.viewer).filter(endpoint__contract=_CONTRACT)


class WebhooksView(_HooksView):
    @docs.listing("list_webhooks", "List webhooks", _TAG, answers.WebhookBody, plain=True)
    def get(self, request: Request) -> Response:
        return Response([answers.webhook(row) for row in part_of(self.query, self._webhooks(), MAX_LIMIT)])

    @docs.call(
        "create_webhook", "Register a webhook", _TAG, answers.NewWebhookBody, status=201, body=NewWebhook,
        parameters=docs.URL_PARAMETERS, example={"url": "https://shop.example/hooks", "events": ["payment.success"]},
    )
    def post(self, request: Request) -> Response:
        """`url` in the body, as a query parameter or as a header. `events`: all of them, if none are named."""
        sent = NewWebhook.read(self._with_url())
        if "url" not in sent:
            raise MissingFields(["url"])
        endpoint, _ = create_endpoint(
            actor=self.me.actor, merchant=self.me.merchant, mode=self.me.mode, url=sent["url"], contract=_CONTRACT,
            events=sent.get("events", ()),
        )
        return Response(answers.new_webhook(endpoint), status=201)

    def _with_url(self) -> dict[str, Any]:
        elsewhere = self.query.get("url") or self.request.headers.get("url")
        return self.body if "url" in self.body or not elsewhere else self.body | {"url": elsewhere}


class WebhookView(_HooksView):
    @docs.call("delete_webhook", "Delete a webhook", _TAG, None, status=204, refusals=(404,))
    def delete(self, request: Request, webhook_id: str) -> Response:
        delete_endpoint(actor=self.me.actor, endpoint=get_or_404(self._webhooks(), pk=_uuid(webhook_id)))
        return Response(status=204)


class WebhookLogsView(_HooksView):
    @docs.listing("list_webhook_logs", "List webhook logs", _TAG, answers.WebhookLogBody, LogFilters, plain=True)
    def get(self, request: Request) -> Response:
        """Newest first, those of deleted webhooks too."""
        last = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-number").values("response_body")[:1]
        rows = LogFilters.narrow(self.query, self._logs()).annotate(said=Subquery(last))
        page: list[Any] = part_of(self.query, rows)
        return Response([answers.webhook_log(row, row.said) for row in page])


class RetryView(_HooksView):
    @docs.call("retry_webhook", "Send a webhook again", _TAG, answers.RetryBody, refusals=(404, 409))
    def post(self, request: Request, log_id: str) -> Response:
        """The same event and body, at once; 409 while it is being sent, and for a webhook that is gone."""
        retry_delivery(actor=self.me.actor, delivery=get_or_404(self._logs(), pk=_uuid(log_id)))
        return Response({"message": "Webhook retry queued"})


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound() from error
