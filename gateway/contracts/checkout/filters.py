"""The filters of this contract's lists, in its own words."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from gateway.contracts.checkout.words import DELIVERY_STATUSES, ORDER_STATUSES, PAYMENT_STATUSES, REFUND_STATUSES
from gateway.contracts.filters import Filters, TextFilter, WordFilter
from gateway.lib.errors import InvalidFields
from payments.models import Order, Payment
from webhooks.models import Delivery
from webhooks.queries import event_names


class OrderFilters(Filters):
    status = WordFilter(ORDER_STATUSES, field_name="status")
    receipt = TextFilter(max_length=64, method="of_receipt")

    def of_receipt(self, rows: QuerySet[Order], _: str, value: str) -> QuerySet[Order]:
        """By what is answered as `receipt`: for an order of another contract that is its own id there."""
        return rows.filter(Q(receipt=value) | Q(receipt="", reference=value))


class PaymentFilters(Filters):
    status = WordFilter(PAYMENT_STATUSES, field_name="status")
    method = WordFilter({method: method for method in Payment.Method.values}, field_name="method")
    order_id = TextFilter(field_name="order__public_id", max_length=40)


class RefundFilters(Filters):
    status = WordFilter(REFUND_STATUSES, field_name="status")
    payment_id = TextFilter(field_name="payment__public_id", max_length=40)


class LogFilters(Filters):
    event_type = TextFilter(max_length=40, method="of_event")
    status = WordFilter(DELIVERY_STATUSES, field_name="status")
    webhook_id = TextFilter(max_length=40, method="of_webhook")

    def of_event(self, rows: QuerySet[Delivery], _: str, value: str) -> QuerySet[Delivery]:
        known = event_names("checkout")
        if value not in known:
            raise InvalidFields(event_type=f"must be one of {', '.join(known)}")
        return rows.filter(event_name=value)

    def of_webhook(self, rows: QuerySet[Delivery], _: str, value: str) -> QuerySet[Delivery]:
        try:
            return rows.filter(endpoint_id=UUID(value))
        except ValueError as error:
            raise InvalidFields(webhook_id="must be a webhook's id, a UUID") from error
