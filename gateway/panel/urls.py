"""The panel's addresses. One list, so that a reader finds a page's view at once."""

from django.urls import path

from gateway.panel import keys, ledger, overview, payments, payouts, profile, reference, session, users, webhooks

app_name = "panel"

urlpatterns = [
    path("sign-in", session.sign_in_page, name="sign-in"),
    path("sign-out", session.sign_out, name="sign-out"),
    path("password/<str:uid>/<str:token>", session.set_password, name="set-password"),
    path("mode/<str:mode>", session.switch_mode, name="mode"),
    path("", overview.overview, name="overview"),
    path("payments", payments.payments, name="payments"),
    path("payments/new", payments.new, name="payment-new"),
    path("payments/<str:public_id>", payments.payment, name="payment"),
    path("payments/<str:public_id>/succeeded", payments.succeeded, name="payment-succeeded"),
    path("payments/<str:public_id>/failed", payments.failed, name="payment-failed"),
    path("payments/<str:public_id>/refund", payments.refund, name="payment-refund"),
    path("payments/<str:public_id>/flag", payments.flag, name="payment-flag"),
    path("payouts", payouts.payouts, name="payouts"),
    path("payouts/new", payouts.new, name="payout-new"),
    path("payouts/<str:public_id>", payouts.payout, name="payout"),
    path("payouts/<str:public_id>/approve", payouts.approve, name="payout-approve"),
    path("payouts/<str:public_id>/reject", payouts.reject, name="payout-reject"),
    path("payouts/<str:public_id>/resolve", payouts.resolve, name="payout-resolve"),
    path("payouts/<str:public_id>/flag", payouts.flag, name="payout-flag"),
    path("ledger", ledger.ledger, name="ledger"),
    path("profile", profile.profile, name="profile"),
    path("users", users.users, name="users"),
    path("users/new", users.new, name="user-new"),
    path("users/<str:public_id>", users.user, name="user"),
    path("users/<str:public_id>/edit", users.edit, name="user-edit"),
    path("users/<str:public_id>/invitation", users.invitation, name="user-invitation"),
    path("users/<str:public_id>/suspend", users.suspend, name="user-suspend"),
    path("users/<str:public_id>/activate", users.activate, name="user-activate"),
    path("keys", keys.keys, name="keys"),
    path("keys/<str:mode>/regenerate", keys.regenerate, name="key-regenerate"),
    path("webhooks", webhooks.endpoints, name="webhooks"),
    path("webhooks/new", webhooks.new, name="endpoint-new"),
    path("webhooks/deliveries", webhooks.deliveries, name="deliveries"),
    path("webhooks/deliveries/<uuid:delivery_id>", webhooks.delivery, name="delivery"),
    path("webhooks/deliveries/<uuid:delivery_id>/retry", webhooks.retry, name="delivery-retry"),
    path("webhooks/<uuid:endpoint_id>", webhooks.endpoint, name="endpoint"),
    path("webhooks/<uuid:endpoint_id>/edit", webhooks.edit, name="endpoint-edit"),
    path("webhooks/<uuid:endpoint_id>/delete", webhooks.delete, name="endpoint-delete"),
    path("webhooks/<uuid:endpoint_id>/test", webhooks.send_test, name="endpoint-test"),
    path("webhooks/<uuid:endpoint_id>/secret", webhooks.reveal, name="endpoint-secret"),
    path("webhooks/<uuid:endpoint_id>/rotate", webhooks.rotate, name="endpoint-rotate"),
    path("webhooks/<uuid:endpoint_id>/retry-failed", webhooks.retry_failed, name="endpoint-retry-failed"),
    path("reference", reference.reference, name="reference"),
]
