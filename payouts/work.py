"""What workers do about money out: claim what is due, call the bank with no transaction open, record the answer.

The intent stands in the database before the bank is called, and only the worker that wrote it calls. Whoever finds
it there later asks the bank instead of sending again.
"""

from __future__ import annotations

from accounts.actors import Actor
from gateway.lib.crash import crash_point
from gateway.lib.providers import FINAL, exchange, put_off
from gateway.lib.work import drive
from payouts.models import Payout
from payouts.providers import registry
from payouts.providers.bank_file import BANK_FILE
from payouts.providers.base import Transfer
from payouts.services import apply_outcome, take_up

_WORKER = Actor.system("worker")


def drive_payouts(limit: int = 100) -> int:
    """Sends approved payouts and asks about those that have no answer yet. Returns how many it dealt with."""
    rows = Payout.objects.filter(status__in=[Payout.Status.APPROVED, Payout.Status.PROCESSING])
    rows = rows.exclude(provider=BANK_FILE.name)  # people carry these
    return drive(rows.select_related("merchant"), _drive_payout, limit=limit)


def _drive_payout(payout: Payout) -> None:
    bank = registry.get(payout.provider)
    crash_point("payout.claimed")
    if payout.status == Payout.Status.APPROVED:
        take_up(actor=_WORKER, payout=payout)
        crash_point("payout.taken_up")
    transfer = _transfer(payout)
    outcome = exchange(
        payout, name="payout", send=lambda: bank.pay(transfer), ask=lambda: bank.status(payout.public_id)
    )
    if outcome is None:
        return
    if outcome.result in FINAL:
        apply_outcome(actor=Actor.system(bank.name), payout=payout, outcome=outcome)
        crash_point("payout.after_commit")
    else:
        put_off(payout, outcome, "payouts.drive")


def _transfer(payout: Payout) -> Transfer:
    return Transfer(
        reference=payout.public_id, amount=payout.amount, method=payout.method,
        beneficiary_name=payout.beneficiary_name, account_number=payout.account_number, ifsc=payout.ifsc,
        remarks=payout.remarks,
    )
