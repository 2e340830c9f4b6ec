"""Writes about money out. A payout holds its amount and its charge from the moment it is made (available →
reserved), and ends in exactly one settlement or one release. A settlement may be undone once, by what the bank returns.

The wallet is the last thing each transaction, or statement, touches, so that a merchant's payouts wait for each other
as briefly as can be.
"""

from payouts.services.beneficiaries import block_beneficiary, unblock_beneficiary
from payouts.services.callbacks import apply_bank_event, receive_callback
from payouts.services.deciding import approve_payout, clear_flag, reject_payout, resolve_payout
from payouts.services.making import create_payout
from payouts.services.outcomes import apply_outcome, leave_unclear, take_up
from payouts.services.returning import return_payout

__all__ = [
    "apply_bank_event", "apply_outcome", "approve_payout", "block_beneficiary", "clear_flag", "create_payout",
    "leave_unclear", "receive_callback", "reject_payout", "resolve_payout", "return_payout", "take_up",
    "unblock_beneficiary",
]
