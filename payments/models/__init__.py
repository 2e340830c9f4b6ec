"""Money in: orders, payments and refunds, the accounts that receive money, and the bank statements that prove it."""

from payments.models.correction import Correction
from payments.models.dispute import Dispute
from payments.models.payment import Contract, Order, Payment, ProviderEvent, Refund, SandboxCharge
from payments.models.receiving import MatchProposal, ReceivingAccount
from payments.models.statement import Statement, StatementFormat, StatementLine

__all__ = [
    "Contract", "Correction", "Dispute", "MatchProposal", "Order", "Payment", "ProviderEvent", "ReceivingAccount",
    "Refund", "SandboxCharge", "Statement", "StatementFormat", "StatementLine",
]
