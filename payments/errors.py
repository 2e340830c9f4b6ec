"""Refusals about payments and refunds. Nothing was changed when one is raised."""

from __future__ import annotations

from gateway.lib.callbacks import BadCallback as BadCallback  # adapters take it from here
from gateway.lib.errors import GatewayError, IllegalTransition, InvalidFields, ProviderUnavailable


class DuplicateReference(GatewayError):
    code = "duplicate_order_id"
    message = "Order ID already exists."


class OrderAlreadyPaid(GatewayError):
    code = "order_already_paid"
    message = "This order has been paid already."


class OrderExpired(GatewayError):
    code = "order_expired"
    message = "This order has expired. It takes no new payments."


class PaymentUnderWay(GatewayError):
    """A payer's own browser never pays beside a payment that may still succeed."""

    code = "payment_under_way"
    message = "A payment of this order is under way already."


class PaymentExpired(IllegalTransition):
    code = "payment_expired"
    message = "This payment link has expired."


class MerchantClosed(GatewayError):
    code = "merchant_closed"
    message = "This merchant takes no payments at the moment. Nothing was paid."


class UtrUsed(InvalidFields):
    """Another payment into the same account has this UTR."""

    code = "utr_used"

    def __init__(self) -> None:
        super().__init__(utr="has already been used for another payment")


class NotCapturable(IllegalTransition):
    code = "not_capturable"
    message = "A payment that has failed cannot be captured."


class NotRefundable(IllegalTransition):
    code = "not_refundable"
    message = "Only a captured payment can be refunded."


class RefundTooLarge(GatewayError):
    """`details["left_minor"]` can still be refunded."""

    code = "refund_too_large"
    message = "The refunds of a payment cannot exceed what was received."


class TestModeOnly(GatewayError):
    code = "test_mode_only"
    message = "Only a test payment can be simulated."


class ReceivingUnavailable(ProviderUnavailable):
    """Nothing was created: every receiving account is off, or has reached its limit of the day."""

    message = "No account can receive this payment right now. Nothing was created."


class DuplicateVpa(InvalidFields):
    code = "duplicate_vpa"

    def __init__(self) -> None:
        super().__init__(vpa="is registered already")


class SecondOperatorNeeded(GatewayError):
    """Four eyes: whoever proposed a match, or made the payment, does not confirm it."""

    code = "second_operator_needed"
    message = "A match of this size counts when a second operator, not the one who proposed it, confirms it."


class LineTaken(IllegalTransition):
    code = "line_taken"
    message = "This line of the statement has been dealt with already."


class BadStatement(InvalidFields):
    """The file or the way it is to be read; `details["fields"]` names the part of the mapping."""

    code = "bad_statement"
