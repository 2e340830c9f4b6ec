"""What crypto refuses, and why. Contracts translate the codes; messages are for a merchant."""

from __future__ import annotations

from gateway.lib.errors import GatewayError


class DailyLimitReached(GatewayError):
    """The day is one of UTC; the message says how much is left."""

    code = "withdrawal_limit_reached"


class NoSettlementAccount(GatewayError):
    code = "settlement_account_missing"
    message = "Set a settlement bank account first: withdrawals in rupees go there and nowhere else."


class AddressRemoved(GatewayError):
    """The merchant took the wallet off its list after it asked for the withdrawal."""

    code = "address_removed"
    message = "The wallet was taken off the list of withdrawal addresses: nothing is sent there any more."


class RateMissing(GatewayError):
    code = "provider_unavailable"
    message = "Withdrawals of this currency to a bank account are not offered. Nothing was created."


class DuplicateReference(GatewayError):
    code = "duplicate_reference"
    message = "A session with this reference exists already."


class ChainUnavailable(GatewayError):
    """A network takes no new sessions at the moment: it is off, lags, or has no free address."""

    code = "chain_unavailable"
    message = "This network takes no payments at the moment. Nothing was created."


class StillOnChain(GatewayError):
    """A node shows the transfer whose credit was to be taken back. Nothing was changed."""

    code = "still_on_chain"
    message = "A node shows this transfer on the chain. Nothing was changed."


class NotProven(GatewayError):
    """Too few nodes say that a transfer is gone. Nothing was changed."""

    code = "not_proven"
    message = "Two nodes must say that this transfer is not on the chain. Nothing was changed."


class ClaimRefused(GatewayError):
    """A transaction hash that is not looked up (again). Nothing was changed."""

    code = "claim_refused"
    message = "This transaction is not looked up."
