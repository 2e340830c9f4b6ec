"""Writes about money in. Each service is one transaction and says who acted; the rest of the package is its own."""

from payments.services.callbacks import apply_provider_event, receive_callback
from payments.services.captures import capture_payment
from payments.services.confirming import confirm_payment
from payments.services.operators import capture_proven, clear_flag, mark_failed, mark_succeeded, simulate
from payments.services.orders import check_instrument, create_order, create_payment, pay_order
from payments.services.proposals import confirm_match, propose_match, withdraw_match
from payments.services.refunds import create_refund, resolve_refund
from payments.services.steps import return_from_step

__all__ = [
    "apply_provider_event", "capture_payment", "capture_proven", "check_instrument", "clear_flag", "confirm_match",
    "confirm_payment", "create_order", "create_payment", "create_refund", "mark_failed", "mark_succeeded", "pay_order",
    "propose_match", "receive_callback", "resolve_refund", "return_from_step", "simulate", "withdraw_match",
]
