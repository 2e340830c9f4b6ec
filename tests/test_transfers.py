"""One transfer on the bank's statement is one thing: what came back of a payout is no top-up and no payment as well,
whoever enters it first, and in the same instant too.
"""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.errors import InvalidFields
from gateway.lib.money import Money
from gateway.lib.providers import Outcome
from gateway.lib.racing import together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments.corrections.services import confirm_correction, propose_correction
from payments.models import Correction
from payments.services import mark_succeeded
from payments.tests.conftest import by_hand, claimed, make  # noqa: F401 - fixtures
from payouts.models import Payout
from payouts.services import return_payout
from payouts.tests.conftest import auto_approve, bank, pay_out  # noqa: F401 - fixtures
from payouts.work import drive_payouts

UTR = "412345678901"
USED = {"utr": "is of a payment or a merchant's top-up already"}


@pytest.fixture
def first(cast):
    return Actor(cast.admin, "panel")


@pytest.fixture
def second(cast):
    return Actor(cast.super_admin, "panel")


@pytest.fixture
def sent(cast, fund, auto_approve, bank):  # noqa: F811
    """`sent()` is a live payout of ₹1,000.00 that the bank has paid."""
    fund(cast.merchant, 10_000_000, mode="live")

    def sent(number=0):
        payout = pay_out(cast.merchant, 100_000, f"OUT-{number}", mode="live", created_by=cast.merchant_user)
        bank.answers = [Outcome("succeeded", utr=f"PAID{number:04}", amount_minor=100_000)]
        drive_payouts()
        payout.refresh_from_db()
        assert payout.status == "processed"
        return payout

    return sent


def top_up(actor, merchant, utr=UTR):
    return propose_correction(
        actor=actor, merchant=merchant, mode="live", kind="top_up", amount=Money(100_000, "INR"), reason="Sent by bank",
        bank_reference=utr,
    )


def give_back(actor, payout, utr=UTR):
    return return_payout(actor=actor, payout=payout, utr=utr.lower(), note="The account is closed")


def books():
    return Posting.objects.count(), AuditRecord.objects.count(), Correction.objects.count()


@pytest.mark.django_db
def test_what_came_back_of_a_payout_is_no_top_up_and_no_payment(
    cast, sent, by_hand, claimed, first, second, balances,  # noqa: F811
):
    by_hand()
    payment, payout, waits = claimed(), sent(), top_up(first, cast.merchant, "412345678902")
    give_back(first, payout)
    Payout.objects.update(return_utr="412345678902")
    had, wallet = books(), balances(cast.merchant, "live")

    with pytest.raises(InvalidFields) as refused:
        confirm_correction(actor=second, correction=waits)
    assert refused.value.details == {"fields": {"bank_reference": "has already been used for a payout that came back"}}
    with pytest.raises(InvalidFields):
        mark_succeeded(actor=second, payment=payment, utr="412345678902")

    payment.refresh_from_db()
    waits.refresh_from_db()
    assert (payment.status, payment.utr, waits.status) == ("processing", "", "open")
    assert (books(), balances(cast.merchant, "live")) == (had, wallet)


@pytest.mark.django_db
@pytest.mark.parametrize("by", ["a top-up", "a payment"])
def test_a_transfer_that_was_credited_gives_no_payout_back(
    cast, sent, by_hand, claimed, first, second, balances, by,  # noqa: F811
):
    by_hand()
    payout = sent()
    if by == "a payment":
        mark_succeeded(actor=second, payment=claimed(), utr=UTR)
    else:
        top_up(first, cast.merchant)
    had, wallet = books(), balances(cast.merchant, "live")

    with pytest.raises(InvalidFields) as refused:
        give_back(second, payout)

    assert refused.value.details == {"fields": USED}
    payout.refresh_from_db()
    assert (payout.status, payout.return_utr, payout.returned_at) == ("processed", "", None)
    assert (books(), balances(cast.merchant, "live")) == (had, wallet)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_entered_as_both_in_the_same_instant_it_is_one_of_them(cast, sent, first, second):
    for number in range(8):
        utr, payout = f"4123456790{number:02}", sent(number)

        def act(index, utr=utr, payout=payout):
            return give_back(second, payout, utr) if index else top_up(first, cast.merchant, utr)

        results = together(2, act)

        payout.refresh_from_db()
        proposed = Correction.objects.filter(bank_reference=utr).count()
        assert sorted(type(result).__name__ for result in results) in (
            ["Correction", "InvalidFields"], ["InvalidFields", "Payout"],
        ), results
        assert (payout.status, proposed) in (("processed", 1), ("failed", 0))
    assert_ledger_balances()
