"""Every address of the dashboard contract."""

from django.urls import path

from gateway.contracts import unbuilt
from gateway.contracts.dashboard.errors import envelope

_view = unbuilt.view(envelope, "unauthorized", "Invalid or missing API key.")
unknown_address = unbuilt.unknown(envelope)

urlpatterns = [
    path("checkout/sessions", _view("POST")),
    path("checkout/sessions/<str:session_id>", _view("GET")),
    path("dashboard/overview", _view("GET")),
    path("dashboard/sessions", _view("GET")),
    path("dashboard/sessions/<str:session_id>", _view("GET")),
    path("dashboard/addresses", _view("GET")),
    path("dashboard/addresses/<str:address_id>", _view("GET")),
    path("dashboard/addresses/<str:address_id>/check-balance", _view("POST")),
    path("dashboard/balance/crypto", _view("GET")),
    path("dashboard/balance/networks", _view("GET")),
    path("dashboard/transactions", _view("GET")),
    path("dashboard/transactions/<str:tx_hash>", _view("GET")),
    path("dashboard/withdrawals", _view("GET")),
    path("dashboard/withdrawals/create", _view("POST")),
    path("dashboard/withdrawals/<str:withdrawal_id>", _view("GET")),
    path("dashboard/analytics/payments", _view("GET")),
    path("dashboard/analytics/export", _view("GET")),
    path("dashboard/analytics/export/<str:export_id>", _view("GET")),
    path("dashboard/webhooks/config", _view("GET", "PUT")),
    path("dashboard/webhooks/test", _view("POST")),
]
