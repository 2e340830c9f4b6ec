"""Refusals about payouts. Nothing was changed when one is raised."""

from gateway.lib.errors import GatewayError


class DuplicateReference(GatewayError):
    code = "duplicate_order_id"
    message = "Order ID already exists."
