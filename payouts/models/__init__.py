"""Money out: payouts to bank accounts, whom they go to, and the files in which they are given to a bank."""

from payouts.models.batch import BankFormat, BatchExport, BatchLine, PayoutBatch, ResultFile
from payouts.models.beneficiary import Beneficiary
from payouts.models.payout import BankEvent, Payout, SandboxTransfer

__all__ = [
    "BankEvent", "BankFormat", "BatchExport", "BatchLine", "Beneficiary", "Payout", "PayoutBatch", "ResultFile",
    "SandboxTransfer",
]
