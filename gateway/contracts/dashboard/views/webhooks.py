"""`/dashboard/webhooks`: where events go, and a test that tells the truth."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.contracts.dashboard import docs, hooks
from gateway.contracts.dashboard.answers import webhooks as answers
from gateway.contracts.dashboard.base import DashboardView
from gateway.contracts.dashboard.serializers import WebhookConfig
from webhooks.services import send_test

_TAG = "Webhooks"


class ConfigView(DashboardView):
    @docs.call("get_webhook_config", "Get the webhook settings", _TAG, answers.WebhookConfigBody)
    def get(self, request: Request) -> Response:
        return self.one(answers.webhook_config(hooks.configured(self.me)))

    @docs.call(
        "update_webhook_config", "Set the webhook", _TAG, answers.WebhookConfigBody, body=WebhookConfig,
        example={
            "webhook_url": "https://yoursite.example/webhooks/payment", "enabled": True,
            "events": ["payment.confirmed", "payment.failed"],
            "retry_config": {"max_retries": 3, "retry_interval": 300},
        },
    )
    def put(self, request: Request) -> Response:
        """What you do not send stays; the first call needs `webhook_url`. An empty list of events means all."""
        return self.one(answers.webhook_config(hooks.configure(self.me, WebhookConfig.read(self.body))))


class TestView(DashboardView):
    @docs.call("test_webhook", "Send a test webhook", _TAG, answers.WebhookTestBody, refusals=(404,))
    def post(self, request: Request) -> Response:
        """Sends a sample at once and says how it was answered."""
        endpoint = hooks.must_be_configured(self.me)
        return self.one(answers.webhook_test(endpoint, send_test(actor=self.me.actor, endpoint=endpoint)))
