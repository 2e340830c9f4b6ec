"""Refusals about payouts. Nothing was changed when one is raised."""

from gateway.lib.errors import GatewayError, NotAllowed


class DuplicateReference(GatewayError):
    code = "duplicate_order_id"
    message = "Order ID already exists."


class BeneficiaryBlocked(GatewayError):
    code = "beneficiary_blocked"
    message = "This bank account is blocked for payouts. Ask your operator."


class SecondApproverNeeded(NotAllowed):
    message = "You gave the first approval. A second operator must give the other."


class NothingToBatch(GatewayError):
    code = "nothing_to_batch"
    message = "None of these payouts can be put into a batch any more: they are in another one, or not approved."


class TooManyLines(GatewayError):
    code = "too_many_lines"


class ResultUnreadable(GatewayError):
    """The file is no answer of this bank's: a column is missing, or it holds no line."""

    code = "result_unreadable"
