"""The payer's door: `/pay/{token}` of a payment, `/pay/{order_…}` of an order, `/pay/{uuid}` of a crypto session, and
no way from one to another's."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from gateway.pay import bank, crypto, orders, sandbox_bank, views


class OrderId(StringConverter):
    regex = "order_[A-Za-z0-9]{16}"


register_converter(OrderId, "order_id")
app_name = "pay"
urlpatterns = [
    path("<order_id:order_id>", orders.OrderPage.as_view(), name="order"),
    path("<order_id:order_id>/status", orders.status, name="order-status"),
    path("<order_id:order_id>/simulate", orders.simulate_answer, name="order-simulate"),
    path("<order_id:order_id>/bank", bank.leave_order, name="order-bank"),
    path("<order_id:order_id>/return", bank.return_to_order, name="order-return"),
    path("test-bank/<str:key>", sandbox_bank.BankPage.as_view(), name="test-bank"),
    path("<uuid:session_id>", crypto.page, name="session"),
    path("<uuid:session_id>/status", crypto.status, name="session-status"),
    path("<uuid:session_id>/claim", crypto.claim, name="session-claim"),
    path("<uuid:session_id>/simulate", crypto.simulate, name="session-simulate"),
    path("<str:token>", views.PaymentPage.as_view(), name="payment"),
    path("<str:token>/status", views.status, name="status"),
    path("<str:token>/simulate", views.simulate_answer, name="simulate"),
    path("<str:token>/bank", bank.leave, name="bank"),
    path("<str:token>/return", bank.come_back, name="return"),
]
