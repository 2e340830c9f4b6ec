"""`/webhook-endpoints`: a merchant's own, of every contract."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import get_or_404
from accounts.models import Role
from gateway.contracts.portal import answers, docs
from gateway.contracts.portal.base import PortalView
from gateway.contracts.portal.filters import EndpointFilters
from gateway.contracts.portal.serializers import EndpointChanges, NewEndpoint
from gateway.lib.errors import NotFound
from webhooks.models import Endpoint
from webhooks.queries import endpoints
from webhooks.services import create_endpoint, delete_endpoint, rotate_secret, send_test, update_endpoint

_MERCHANTS = (Role.MERCHANT,)
_TAG = "Webhook endpoints"


class _EndpointView(PortalView):
    def _endpoint(self, endpoint_id: str) -> Endpoint:
        try:
            key = UUID(endpoint_id)
        except ValueError as error:
            raise NotFound() from error
        return get_or_404(endpoints(self.me.viewer), pk=key)


class EndpointsView(PortalView):
    roles = {"GET": _MERCHANTS, "POST": _MERCHANTS}

    @docs.listing(
        "list_webhook_endpoints", "List webhook endpoints", _TAG, answers.EndpointBody, EndpointFilters,
    )
    def get(self, request: Request) -> Response:
        rows = EndpointFilters.narrow(self.query, endpoints(self.me.viewer))
        return self.listed(rows, answers.endpoint)

    @docs.call(
        "create_webhook_endpoint", "Create a webhook endpoint", _TAG,
        answers.EndpointBody, status=201, body=NewEndpoint,
    )
    def post(self, request: Request) -> Response:
        sent = NewEndpoint.read(self.body)
        endpoint, _ = create_endpoint(
            actor=self.me.actor, merchant=self.required_merchant(), mode=self.me.mode, url=sent["url"],
            contract=sent["contract"], events=sent.get("events", ()), enabled=sent["enabled"],
        )
        return self.one(answers.endpoint(endpoint), status=201)


class EndpointView(_EndpointView):
    roles = {"GET": _MERCHANTS, "PATCH": _MERCHANTS, "DELETE": _MERCHANTS}

    @docs.call(
        "get_webhook_endpoint", "Get a webhook endpoint", _TAG, answers.EndpointBody, refusals=(404,),
    )
    def get(self, request: Request, endpoint_id: str) -> Response:
        return self.one(answers.endpoint(self._endpoint(endpoint_id)))

    @docs.call(
        "update_webhook_endpoint", "Change a webhook endpoint", _TAG,
        answers.EndpointBody, body=EndpointChanges, refusals=(404,),
    )
    def patch(self, request: Request, endpoint_id: str) -> Response:
        endpoint, sent = self._endpoint(endpoint_id), EndpointChanges.read(self.body)
        changed = update_endpoint(
            actor=self.me.actor, endpoint=endpoint, url=sent.get("url"), events=sent.get("events"),
            enabled=sent.get("enabled"),
        )
        return self.one(answers.endpoint(changed))

    @docs.call(
        "delete_webhook_endpoint", "Delete a webhook endpoint", _TAG, answers.DeletedBody, refusals=(404,),
    )
    def delete(self, request: Request, endpoint_id: str) -> Response:
        endpoint = self._endpoint(endpoint_id)
        delete_endpoint(actor=self.me.actor, endpoint=endpoint)
        return self.one({"id": str(endpoint.pk), "deleted": True})


class RotateSecretView(_EndpointView):
    roles = {"POST": _MERCHANTS}

    @docs.call(
        "rotate_webhook_secret", "A new secret for an endpoint", _TAG, answers.EndpointBody, refusals=(404,),
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        """The old secret goes on signing beside the new one for a day."""
        endpoint = self._endpoint(endpoint_id)
        rotate_secret(actor=self.me.actor, endpoint=endpoint)
        return self.one(answers.endpoint(self._endpoint(endpoint_id)))


class TestEndpointView(_EndpointView):
    roles = {"POST": _MERCHANTS}

    @docs.call(
        "test_webhook_endpoint", "Send a test delivery", _TAG, answers.TestDeliveryBody, refusals=(404,),
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        """Sent at once; the answer is what the endpoint said and how long it took."""
        return self.one(answers.test_delivery(send_test(actor=self.me.actor, endpoint=self._endpoint(endpoint_id))))
