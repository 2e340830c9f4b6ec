"""The webhooks' addresses."""

from django.urls import path

from gateway.panel.webhooks import deliveries, endpoints, replays

urlpatterns = [
    path("webhooks", endpoints.endpoints, name="webhooks"),
    path("webhooks/new", endpoints.new, name="endpoint-new"),
    path("webhooks/deliveries", deliveries.deliveries, name="deliveries"),
    path("webhooks/deliveries/retry", replays.retry_selected, name="deliveries-retry"),
    path("webhooks/deliveries/sending", replays.progress, name="deliveries-sending"),
    path("webhooks/deliveries/<uuid:delivery_id>", deliveries.delivery, name="delivery"),
    path("webhooks/deliveries/<uuid:delivery_id>/retry", replays.retry, name="delivery-retry"),
    path("webhooks/<uuid:endpoint_id>", endpoints.endpoint, name="endpoint"),
    path("webhooks/<uuid:endpoint_id>/edit", endpoints.edit, name="endpoint-edit"),
    path("webhooks/<uuid:endpoint_id>/delete", endpoints.delete, name="endpoint-delete"),
    path("webhooks/<uuid:endpoint_id>/test", endpoints.send_test, name="endpoint-test"),
    path("webhooks/<uuid:endpoint_id>/secret", endpoints.reveal, name="endpoint-secret"),
    path("webhooks/<uuid:endpoint_id>/rotate", endpoints.rotate, name="endpoint-rotate"),
    path("webhooks/<uuid:endpoint_id>/retry-failed", replays.retry_failed, name="endpoint-retry-failed"),
]
