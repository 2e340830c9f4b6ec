"""Payouts by bank file: open a batch, export it, mark it sent, read the bank's answer. Each service is one transaction.

What a bank's file says about a payout goes through the same `apply_outcome` as any bank's word. What it does not say
clearly changes nothing: the payout is marked unknown and waits for a clear file or an operator.
"""

from payouts.batches.exporting import export_batch, take_export
from payouts.batches.formats import create_format, retire_format, update_format
from payouts.batches.opening import cancel_batch, mark_sent, open_batch, take_out
from payouts.batches.results import apply_result, discard_result, upload_result

__all__ = [
    "apply_result", "cancel_batch", "create_format", "discard_result", "export_batch", "mark_sent", "open_batch",
    "retire_format", "take_export", "take_out", "update_format", "upload_result",
]
