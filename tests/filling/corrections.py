"""Corrections of a merchant's balance: booked, waiting, and about a payment."""

from __future__ import annotations

from accounts.actors import Actor
from gateway.lib.money import Money
from payments.corrections.services import confirm_correction, propose_correction, reject_correction
from payments.models import Payment


def fill(people, filled):
    first, second = Actor(people.admin, "panel"), Actor(people.super_admin, "panel")
    paid = Payment.objects.filter(merchant=people.merchant, mode="test", captured_at__isnull=False).first()

    def propose(kind, minor, reason, bank="", actor=first, mode="test", payment=None):
        return propose_correction(
            actor=actor, merchant=people.merchant, mode=mode, kind=kind, amount=Money(minor, "INR"), reason=reason,
            bank_reference=bank, payment=payment,
        )

    booked = propose("top_up", 2_50_000_00, "Transfer of 20 November for payouts", "AXISN26112000417")
    confirm_correction(actor=second, correction=booked)
    disputed = propose("chargeback", 100_00, "The payer’s bank upheld the dispute", "UDIR-2026/118820", payment=paid)
    confirm_correction(actor=second, correction=disputed)
    wrong = propose("debit", 4_999_00, "Credited twice on 18 November")
    reject_correction(actor=second, correction=wrong, note="It was credited once; see the statement of the 18th.")
    waiting = propose("credit", 1_500_00, "Goodwill for the outage of 12 November")
    own = propose("top_up", 5_00_000_00, "Transfer for payouts", "SBIN426112200931", actor=second, mode="live")
    filled.put("correction", at=disputed.public_id)
    filled.put("correction", at=waiting.public_id, merchant=booked.public_id)
    filled.put("correction", at=own.public_id, mode="live", merchant=_booked_live(propose, first, second))
    filled.put("correction-confirm", "correction-reject", "correction-withdraw", at=waiting.public_id)
    for name in ("corrections", "correction-new"):
        filled.put(name)
        filled.put(name, mode="live")


def _booked_live(propose, first, second):
    row = propose("credit", 250_00, "Fee of a failed payout", actor=first, mode="live")
    return confirm_correction(actor=second, correction=row).public_id
