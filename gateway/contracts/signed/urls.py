"""Every address of the signed contract."""

from django.urls import path

from gateway.contracts import unbuilt
from gateway.contracts.signed.errors import envelope

_view = unbuilt.view(envelope, "missing_credentials", "Send Access-Key, Timestamp and Signature headers.")
unknown_address = unbuilt.unknown(envelope)

urlpatterns = [
    path("balance", _view("GET")),
    path("payin/generate/link", _view("POST")),
    path("payin/transactions", _view("POST")),
    path("payout/initiate", _view("POST")),
    path("payout/<str:order_id>/status", _view("GET")),
]
