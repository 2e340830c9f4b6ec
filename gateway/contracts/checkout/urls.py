"""Every address of the checkout contract."""

from django.urls import path

from gateway.contracts.checkout.base import CheckoutUnknownAddress
from gateway.contracts.checkout.views import orders, payments, refunds, tools, webhooks

unknown_address = CheckoutUnknownAddress.as_view()

urlpatterns = [
    path("health", tools.HealthView.as_view()),
    path("orders", orders.OrdersView.as_view()),
    path("orders/public", orders.PublicOrdersView.as_view()),
    path("orders/public/<str:order_id>", orders.PublicOrderView.as_view()),
    path("orders/<str:order_id>", orders.OrderView.as_view()),
    path("orders/<str:order_id>/payments", orders.OrderPaymentsView.as_view()),
    path("payments", payments.PaymentsView.as_view()),
    path("payments/public", payments.PublicPaymentsView.as_view()),
    path("payments/public/<str:payment_id>", payments.PublicPaymentView.as_view()),
    path("payments/<str:payment_id>", payments.PaymentView.as_view()),
    path("payments/<str:payment_id>/capture", payments.CaptureView.as_view()),
    # Razorpay's addresses
    path("payments/<str:payment_id>/refund", refunds.PaymentRefundView.as_view()),
    path("payments/<str:payment_id>/refunds", refunds.PaymentRefundsView.as_view()),
    path("payments/<str:payment_id>/refunds/<str:refund_id>", refunds.OneOfPaymentRefundsView.as_view()),
    path("refunds", refunds.RefundsView.as_view()),
    path("refunds/<str:refund_id>", refunds.RefundView.as_view()),
    path("webhooks", webhooks.WebhooksView.as_view()),
    path("webhooks/<str:webhook_id>", webhooks.WebhookView.as_view()),
    path("webhook-logs", webhooks.WebhookLogsView.as_view()),
    path("webhook-logs/<str:log_id>/retry", webhooks.RetryView.as_view()),
    path("admin/stats", tools.StatsView.as_view()),
    path("test/jobs/enqueue", tools.EnqueueView.as_view()),
]
