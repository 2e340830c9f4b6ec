"""Whom merchants pay: known by account, blocked and unblocked, and a second approver for a large first payout."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.models import AuditRecord
from accounts.operators import OwnRecord
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payouts import queries
from payouts.errors import BeneficiaryBlocked, SecondApproverNeeded
from payouts.models import Beneficiary, Payout
from payouts.services import approve_payout, block_beneficiary, reject_payout, unblock_beneficiary
from payouts.work import drive_payouts

pytestmark = pytest.mark.django_db
LIMIT = 10_000_000  # ₹1,00,000.00, the default


def acting(user):
    return Actor(user, "tests")


@pytest.fixture
def rich(cast, fund, free):
    fund(cast.merchant, 100_000_000)
    fund(cast.other, 100_000_000)
    return cast


# Known by their account -------------------------------------------------------------------------------------
def test_an_account_is_one_beneficiary_of_a_merchant_whatever_it_is_called(rich, make, viewer_of):
    first = make(1_000, beneficiary_name="Asha Rao")
    second = make(2_000, beneficiary_name="A. Rao")
    make(1_000, ifsc="ICIC0000001")
    make(1_000, merchant=rich.other, created_by=rich.other_user)

    assert first.beneficiary == second.beneficiary
    seen = queries.visible_beneficiaries(viewer_of(rich.merchant_user))
    assert [(row.name, row.ifsc, row.bank_name, row.asked_count) for row in seen] == [
        ("Asha Rao", "ICIC0000001", "ICICI Bank", 1), ("Asha Rao", "HDFC0000001", "HDFC Bank", 2),
    ]
    assert second.beneficiary_name == "A. Rao"
    assert queries.visible_beneficiaries(viewer_of(rich.super_admin)).count() == 3
    assert queries.visible_beneficiaries(viewer_of(rich.admin)).count() == 2
    assert queries.visible_beneficiaries(viewer_of(rich.merchant_user, "live")).count() == 0
    assert AuditRecord.objects.filter(action="beneficiary.created").count() == 3


def test_a_bank_that_was_named_is_kept_and_an_unknown_one_stays_empty(rich, make):
    assert make(1_000, bank_name="HDFC, Pune").beneficiary.bank_name == "HDFC, Pune"
    assert make(1_000, ifsc="ZZZZ0123456").beneficiary.bank_name == ""


@pytest.mark.parametrize(
    ("bad", "field"),
    [({"ifsc": "HDFC1000001"}, "ifsc"), ({"ifsc": "hdfc0000001"}, "ifsc"), ({"ifsc": "HDFC000001"}, "ifsc"),
     ({"account_number": "12345678"}, "account_number"), ({"account_number": "1" * 19}, "account_number"),
     ({"account_number": "१२३४५६७८९"}, "account_number"), ({"account_number": "123456789\n"}, "account_number")],
)
def test_what_is_no_account_is_refused(rich, make, balances, bad, field):
    before = balances(rich.merchant)

    with pytest.raises(InvalidFields) as refusal:
        make(1_000, **bad)

    assert list(refusal.value.details["fields"]) == [field]
    assert (Payout.objects.count(), Beneficiary.objects.count(), balances(rich.merchant)) == (0, 0, before)


def test_what_reached_it_is_counted_and_dated(rich, make, auto_approve, viewer_of):
    make(1_000)
    make(2_000)
    make(4_000, account_number="501000120000")  # the sandbox's closed account
    drive_payouts()

    paid, closed = queries.visible_beneficiaries(viewer_of(rich.merchant_user)).order_by("id")
    assert (paid.paid_count, paid.paid_minor, paid.is_new) == (2, 3_000, False)
    assert (closed.asked_count, closed.paid_count, closed.paid_minor, closed.is_new) == (1, 0, 0, True)
    assert_ledger_balances()


# Blocked ----------------------------------------------------------------------------------------------------
def test_nothing_new_goes_to_a_blocked_one_and_nothing_that_waits_is_approved(rich, make, balances):
    waiting = make(1_000)
    block_beneficiary(actor=acting(rich.merchant_user), beneficiary=waiting.beneficiary, reason="Looks odd")
    before, postings = balances(rich.merchant), Posting.objects.count()

    with pytest.raises(BeneficiaryBlocked):
        make(1_000)
    with pytest.raises(BeneficiaryBlocked):
        approve_payout(actor=acting(rich.admin), payout=waiting)

    waiting.refresh_from_db()
    assert (waiting.status, Payout.objects.count()) == ("pending", 1)
    assert (balances(rich.merchant), Posting.objects.count()) == (before, postings)
    make(1_000, merchant=rich.other, created_by=rich.other_user)  # another merchant's is another one
    unblock_beneficiary(actor=acting(rich.admin), beneficiary=waiting.beneficiary, reason="Called them")
    approve_payout(actor=acting(rich.admin), payout=waiting)
    assert waiting.status == "approved"
    assert_ledger_balances()


def test_a_waiting_payout_to_a_blocked_one_can_be_rejected(rich, make, balances):
    waiting = make(1_000)
    block_beneficiary(actor=acting(rich.admin), beneficiary=waiting.beneficiary, reason="Fraud")

    reject_payout(actor=acting(rich.admin), payout=waiting, reason="Fraud")

    assert balances(rich.merchant) == (100_000_000, 0, 0)
    assert_ledger_balances()


def test_who_may_block_and_unblock(rich, make):
    beneficiary = make(1_000).beneficiary
    say = {"beneficiary": beneficiary, "reason": "Because"}

    for user, refusal in ((rich.api_user, NotAllowed), (rich.other_user, NotFound), (rich.other_admin, NotFound)):
        with pytest.raises(refusal):
            block_beneficiary(actor=acting(user), **say)
    with pytest.raises(InvalidFields):
        block_beneficiary(actor=acting(rich.admin), beneficiary=beneficiary, reason=" ")
    beneficiary.refresh_from_db()
    assert beneficiary.status == "active"

    block_beneficiary(actor=acting(rich.merchant_user), **say)
    with pytest.raises(IllegalTransition):
        block_beneficiary(actor=acting(rich.admin), **say)
    for user, refusal in ((rich.merchant_user, NotAllowed), (rich.other_admin, NotFound)):
        with pytest.raises(refusal):
            unblock_beneficiary(actor=acting(user), **say)
    beneficiary.refresh_from_db()
    assert beneficiary.status == "blocked"


# A second approver ------------------------------------------------------------------------------------------
def test_a_large_first_payout_needs_two_operators(rich, make):
    payout = make(LIMIT + 1)
    assert payout.approvals_needed == 2

    approve_payout(actor=acting(rich.admin), payout=payout)
    payout.refresh_from_db()
    assert (payout.status, payout.first_approved_by, payout.approved_by) == ("pending", rich.admin, None)
    with pytest.raises(SecondApproverNeeded):
        approve_payout(actor=acting(rich.admin), payout=payout)
    payout.refresh_from_db()
    assert (payout.status, drive_payouts()) == ("pending", 0)

    approve_payout(actor=acting(rich.super_admin), payout=payout)
    payout.refresh_from_db()
    assert (payout.status, payout.approved_by) == ("approved", rich.super_admin)
    drive_payouts()
    titles = [item.title for item in queries.timeline(payout)]
    assert titles == [
        "Payout created, money held", "First of two approvals", "Approved", "Given to the bank", "Paid by the bank",
    ]
    assert_ledger_balances()


def test_neither_of_them_is_its_creator(rich, make):
    payout = make(LIMIT + 1, created_by=rich.super_admin)

    with pytest.raises(OwnRecord):
        approve_payout(actor=acting(rich.super_admin), payout=payout)
    approve_payout(actor=acting(rich.admin), payout=payout)
    with pytest.raises(OwnRecord):
        approve_payout(actor=acting(rich.super_admin), payout=payout)

    payout.refresh_from_db()
    assert payout.status == "pending"


def test_auto_approval_never_applies_above_the_limit(rich, make):
    rich.merchant.payout_auto_approve_minor = 50_000_000
    rich.merchant.save()

    large, small = make(LIMIT + 1), make(LIMIT)

    assert (large.status, large.approvals_needed) == ("pending", 2)
    assert (small.status, small.approvals_needed) == ("approved", 1)
    drive_payouts()
    again = make(LIMIT + 1)  # no longer new: the small one has arrived
    assert (again.status, again.approvals_needed) == ("approved", 1)
    large.refresh_from_db()
    assert (large.status, large.approvals_needed) == ("pending", 2)
    assert_ledger_balances()


def test_a_payout_that_failed_does_not_make_it_known(rich, make, auto_approve):
    make(1_000, account_number="501000120000")
    drive_payouts()

    assert make(LIMIT + 1, account_number="501000120000").approvals_needed == 2


def test_without_a_limit_one_approval_is_enough(rich, make, settings):
    settings.NEW_BENEFICIARY_SECOND_APPROVAL_ABOVE = None

    assert make(LIMIT * 2).approvals_needed == 1


def test_after_the_first_approval_it_can_still_be_rejected(rich, make, balances):
    payout = make(LIMIT + 1)
    approve_payout(actor=acting(rich.admin), payout=payout)

    reject_payout(actor=acting(rich.super_admin), payout=payout, reason="No")

    with pytest.raises(IllegalTransition):
        approve_payout(actor=acting(rich.admin), payout=payout)
    assert balances(rich.merchant) == (100_000_000, 0, 0)
    assert_ledger_balances()


def test_a_large_payout_through_one_hand_is_seen_in_the_books(rich, make):
    from ledger.verify import verify_books

    payout = make(LIMIT + 1)
    approve_payout(actor=acting(rich.admin), payout=payout)
    payout.advance("approved")

    assert f"payout {payout.public_id} needed two approvals and has not two of different people" in verify_books()
