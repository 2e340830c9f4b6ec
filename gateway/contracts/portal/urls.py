"""Every address of the portal contract."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from gateway.contracts.portal.base import PortalUnknownAddress
from gateway.contracts.portal.views.balance import BalanceView
from gateway.contracts.portal.views.payments import PaymentsView, PaymentView
from gateway.contracts.portal.views.payouts import ApproveView, PayoutsView, PayoutView, RejectView
from gateway.contracts.portal.views.profile import ProfileView, RegenerateKeyView
from gateway.contracts.portal.views.users import ActivateView, SuspendView, UsersView, UserView
from gateway.contracts.portal.views.webhook_endpoints import (
    EndpointsView,
    EndpointView,
    RotateSecretView,
    TestEndpointView,
)


class PaymentId(StringConverter):
    """`/payments/public` is an address of the checkout contract, not a payment."""

    regex = r"(?!public(?:/|\Z))[^/]+"


register_converter(PaymentId, "payment_id")
unknown_address = PortalUnknownAddress.as_view()

urlpatterns = [
    path("balance", BalanceView.as_view()),
    path("payments", PaymentsView.as_view()),
    path("payments/<payment_id:transaction_id>", PaymentView.as_view()),
    path("payouts", PayoutsView.as_view()),
    path("payouts/<str:payout_id>", PayoutView.as_view()),
    path("payouts/<str:payout_id>/approve", ApproveView.as_view()),
    path("payouts/<str:payout_id>/reject", RejectView.as_view()),
    path("profile", ProfileView.as_view()),
    path("profile/api-key/regenerate", RegenerateKeyView.as_view()),
    path("users", UsersView.as_view()),
    path("users/<str:user_id>", UserView.as_view()),
    path("users/<str:user_id>/suspend", SuspendView.as_view()),
    path("users/<str:user_id>/activate", ActivateView.as_view()),
    path("webhook-endpoints", EndpointsView.as_view()),
    path("webhook-endpoints/<str:endpoint_id>", EndpointView.as_view()),
    path("webhook-endpoints/<str:endpoint_id>/rotate-secret", RotateSecretView.as_view()),
    path("webhook-endpoints/<str:endpoint_id>/test", TestEndpointView.as_view()),
]
