"""Refusals of the books."""

from gateway.lib.errors import GatewayError


class InsufficientBalance(GatewayError):
    """A merchant's account would go below zero; nothing was booked."""

    code = "insufficient_balance"
    message = "Not enough wallet balance."


class BalanceTooLarge(GatewayError):
    """The account would hold more than 64 bits of minor units; nothing was booked."""

    code = "balance_too_large"
    message = "This amount cannot be booked: the balance would become too large."


class ReferenceReused(GatewayError):
    """The reference is booked already, with other lines: a mistake in our own code, never a retry."""

    code = "ledger_reference_reused"
    message = "This event is already booked differently."


class Unbalanced(GatewayError):
    code = "ledger_unbalanced"
    message = "A posting must sum to zero in every currency."
