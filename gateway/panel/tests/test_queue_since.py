"""Since when a flagged record has waited: from the flag on, whatever happens to the record meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor, Viewer
from gateway.lib.providers import Outcome
from gateway.panel.queue import reading
from gateway.panel.queue.kinds import KINDS
from payments import services as payment_services
from payments.models import Payment, Refund
from payments.services import create_refund, refunds
from payments.services.outcomes import apply_outcome
from payouts import services as payout_services
from payouts.models import Payout

pytestmark = pytest.mark.django_db
BANK = Actor.system("bank")


def since(cast, kind):
    found = {name: at for name, _, at in reading.keys(Viewer(cast.super_admin, "test"), KINDS, None)}
    return found.get(kind)


def flagged_long_ago(row):
    row.refresh_from_db()
    assert abs(row.flagged_at - timezone.now()) < timedelta(seconds=30)
    ago = timezone.now() - timedelta(days=3)
    type(row).objects.filter(pk=row.pk).update(flagged_at=ago)
    return ago


def test_a_payment(cast, make_payment):
    payment = make_payment(cast.merchant)
    assert (since(cast, "payment-flag"), payment.flagged_at) == (None, None)
    other = Outcome("succeeded", utr="UTR0000001", amount_minor=payment.amount_minor + 1, currency="INR")
    assert apply_outcome(actor=BANK, payment=payment, outcome=other) == "flagged"
    ago = flagged_long_ago(payment)

    assert apply_outcome(actor=BANK, payment=payment, outcome=other) == "flagged"  # and once more
    assert apply_outcome(actor=BANK, payment=payment, outcome=Outcome("failed", message="No")) == "failed"

    payment.refresh_from_db()
    assert (payment.status, payment.flag, payment.flagged_at) == ("failed", "amount_differs", ago)
    assert (since(cast, "payment-flag"), payment.updated_at > ago) == (ago, True)
    payment_services.clear_flag(actor=Actor(cast.super_admin, "panel"), record=payment, note="Seen")
    payment.refresh_from_db()
    assert (payment.flag, payment.flagged_at, since(cast, "payment-flag")) == ("", None, None)


def test_a_payout(cast, make_payout):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    Payout.objects.filter(pk=payout.pk).update(status="processed", utr="UTR0000001")
    back = Outcome("failed", code="returned", message="Returned")
    assert payout_services.apply_outcome(actor=BANK, payout=payout, outcome=back) == "flagged"
    ago = flagged_long_ago(payout)

    Payout.objects.filter(pk=payout.pk).update(updated_at=timezone.now())

    assert since(cast, "payout-flag") == ago
    payout_services.clear_flag(actor=Actor(cast.super_admin, "panel"), payout=payout, note="Seen")
    payout.refresh_from_db()
    assert (payout.flag, payout.flagged_at, since(cast, "payout-flag")) == ("", None, None)


def test_a_refund_waits_since_its_flag_and_not_since_it_was_asked_for(cast, paid, fund):
    fund(cast.merchant, 1_000_000)
    payment = paid(cast.merchant, operator=cast.admin)
    refund = create_refund(actor=BANK, payment=payment)
    Refund.objects.filter(pk=refund.pk).update(created_at=timezone.now() - timedelta(days=9))
    refund.refresh_from_db()
    other = Outcome("succeeded", amount_minor=refund.amount_minor - 1, currency="INR")
    assert refunds.apply_refund_outcome(actor=BANK, refund=refund, outcome=other) == "flagged"
    ago = flagged_long_ago(refund)

    assert since(cast, "refund") == ago
    refunds.resolve_refund(actor=Actor(cast.super_admin, "panel"), refund=refund, paid=True, note="Asked")
    refund.refresh_from_db()
    assert (refund.status, refund.flag, refund.flagged_at) == ("processed", "", None)


def test_what_older_code_flagged_waits_since_it_was_last_changed(cast, make_payment):
    payment, changed = make_payment(cast.merchant), timezone.now() - timedelta(hours=1)
    Payment.objects.filter(pk=payment.pk).update(flag="amount_differs", updated_at=changed)

    assert since(cast, "payment-flag") == changed
    payment.refresh_from_db()
    assert payment.flagged_at is None
