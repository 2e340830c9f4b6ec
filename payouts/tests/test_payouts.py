"""Payouts from hold to end: what each account holds after every step, who may decide, and what is refused."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.operators import OwnRecord
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound, ProviderUnavailable
from gateway.lib.money import Money
from ledger.errors import InsufficientBalance
from ledger.models import Entry, Posting
from ledger.testing import assert_ledger_balances
from payouts import queries, work
from payouts.errors import DuplicateReference
from payouts.models import Payout, SandboxTransfer
from payouts.services import approve_payout, create_payout, reject_payout
from webhooks.models import Event

pytestmark = pytest.mark.django_db


def by(user):
    return Actor(user, "panel")


def lines_of(reference):
    rows = Entry.objects.filter(posting__reference=reference).select_related("account")
    return {row.account.kind: row.amount for row in rows}


def events_about(payout):
    return list(Event.objects.filter(subject=payout.public_id).values_list("type", flat=True))


def test_a_merchant_may_have_a_bank_of_its_own(cast, make, fund, bank, settings):
    settings.LIVE_PAYOUT_PROVIDER = ""
    fund(cast.merchant, 1_000_000, mode="live")
    for name in ("sandbox", "elsewhere", ""):
        cast.merchant.payout_provider = name
        with pytest.raises(ProviderUnavailable):
            make(100_000, mode="live")
    assert not Payout.objects.exists()

    cast.merchant.payout_provider = bank.name

    assert make(100_000, mode="live").provider == "scripted"
    assert_ledger_balances()


def test_a_payout_holds_amount_and_charge_and_ends_in_one_settlement(cast, make, fund, balances):
    fund(cast.merchant, 200_000)
    payout = make(100_000)
    assert (payout.status, payout.charge_minor, payout.tax_minor) == ("pending", 590, 90)
    assert balances(cast.merchant) == (99_410, 0, 100_590)
    assert work.drive_payouts() == 0

    approve_payout(actor=by(cast.admin), payout=payout)
    assert (payout.status, payout.approved_by) == ("approved", cast.admin)
    work.drive_payouts()

    payout.refresh_from_db()
    transfer = SandboxTransfer.objects.get()
    assert (payout.status, payout.utr, transfer.times_asked) == ("processed", transfer.utr, 1)
    assert payout.processed_at
    assert lines_of(f"payout:{payout.public_id}:settle") == {
        "reserved": -100_590, "clearing": 100_000, "fees": 500, "tax": 90,
    }
    assert balances(cast.merchant) == (99_410, 0, 0)
    assert events_about(payout) == ["payout.processed"]
    assert_ledger_balances()


def test_within_the_limit_it_is_approved_by_itself(cast, make, fund, auto_approve, balances):
    fund(cast.merchant, 5_000_000)

    within, above = make(1_000_000), make(1_000_001)

    assert (within.status, within.approved_by) == ("approved", None)
    assert within.approved_at
    assert above.status == "pending"
    assert work.drive_payouts() == 1
    assert_ledger_balances()


def test_a_limit_of_nothing_approves_nothing_and_zero_too(cast, make, fund):
    fund(cast.merchant, 10_000)
    cast.merchant.payout_auto_approve_minor = 0

    assert make(1).status == "pending"


def test_a_payout_the_bank_rejects_gives_everything_back(cast, make, fund, auto_approve, balances):
    fund(cast.merchant, 200_000)
    payout = make(100_000, account_number="123456780000")

    work.drive_payouts()

    payout.refresh_from_db()
    assert (payout.status, payout.failure_code, payout.failure_reason) == (
        "failed", "account_closed", "The account is closed.",
    )
    assert balances(cast.merchant) == (200_000, 0, 0)
    assert lines_of(f"payout:{payout.public_id}:release") == {"reserved": -100_590, "available": 100_590}
    assert events_about(payout) == ["payout.rejected"]
    assert_ledger_balances()


def test_rejecting_gives_everything_back(cast, make, fund, balances):
    fund(cast.merchant, 200_000)
    payout = make(100_000)
    with pytest.raises(InvalidFields):
        reject_payout(actor=by(cast.admin), payout=payout, reason=" ")

    reject_payout(actor=by(cast.admin), payout=payout, reason="Unknown beneficiary")

    assert (payout.status, payout.failure_reason) == ("rejected", "Unknown beneficiary")
    assert balances(cast.merchant) == (200_000, 0, 0)
    assert events_about(payout) == ["payout.rejected"]
    assert work.drive_payouts() == 0
    assert_ledger_balances()


def test_what_was_decided_stays_decided(cast, make, fund, balances):
    fund(cast.merchant, 500_000)
    approved, rejected = make(), make()
    approve_payout(actor=by(cast.admin), payout=approved)
    reject_payout(actor=by(cast.admin), payout=rejected, reason="No")
    before = balances(cast.merchant)

    for payout in (approved, rejected):
        with pytest.raises(IllegalTransition):
            approve_payout(actor=by(cast.admin), payout=Payout.objects.get(pk=payout.pk))
        with pytest.raises(IllegalTransition):
            reject_payout(actor=by(cast.admin), payout=Payout.objects.get(pk=payout.pk), reason="No")

    assert balances(cast.merchant) == before
    assert Event.objects.count() == 1
    assert_ledger_balances()


def test_who_may_not_decide(cast, make, fund, balances):
    fund(cast.merchant, 200_000)
    payout = make()
    refusals = {
        cast.merchant_user: NotAllowed, cast.api_user: NotAllowed, cast.other_user: NotAllowed,
        cast.other_admin: NotFound,
    }

    for user, refusal in refusals.items():
        with pytest.raises(refusal):
            approve_payout(actor=by(user), payout=payout)
        with pytest.raises(refusal):
            reject_payout(actor=by(user), payout=payout, reason="No")

    payout.refresh_from_db()
    assert payout.status == "pending"
    assert balances(cast.merchant) == (99_410, 0, 100_590)


def test_nobody_approves_a_payout_of_their_own(cast, make, fund):
    fund(cast.merchant, 200_000)
    payout = make(created_by=cast.super_admin)

    with pytest.raises(OwnRecord):
        approve_payout(actor=by(cast.super_admin), payout=payout)
    with pytest.raises(OwnRecord):
        reject_payout(actor=by(cast.super_admin), payout=payout, reason="No")

    assert approve_payout(actor=by(cast.admin), payout=payout).status == "approved"


def test_more_than_there_is_is_refused_charge_included(cast, make, fund, balances):
    fund(cast.merchant, 100_589)

    with pytest.raises(InsufficientBalance):
        make(100_000)

    assert balances(cast.merchant) == (100_589, 0, 0)
    assert not Payout.objects.exists()
    assert_ledger_balances()
    fund(cast.merchant, 1)
    make(100_000)
    assert balances(cast.merchant) == (0, 0, 100_590)
    assert_ledger_balances()


def test_a_reference_is_used_once_and_refused_before_the_balance(cast, make, fund, balances):
    fund(cast.merchant, 150_000)
    make(reference="OUT-1")

    with pytest.raises(DuplicateReference) as refusal:
        make(reference="OUT-1")

    assert refusal.value.code == "duplicate_order_id"
    assert Payout.objects.count() == 1
    assert balances(cast.merchant) == (49_410, 0, 100_590)


def test_live_mode_needs_a_bank(cast, make, fund, settings, balances):
    fund(cast.merchant, 200_000, mode="live")

    for name in ("", "sandbox_bank", "unheard-of"):
        settings.LIVE_PAYOUT_PROVIDER = name
        with pytest.raises(ProviderUnavailable):
            make(mode="live")

    assert not Payout.objects.exists()
    assert balances(cast.merchant, "live") == (200_000, 0, 0)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"amount": Money(10**8, "USDT")}, "currency"), ({"amount": Money(0, "INR")}, "amount"),
     ({"amount": Money(-5, "INR")}, "amount"), ({"method": "CASH"}, "method")],
)
def test_values_that_make_no_payout(cast, fund, change, field):
    fund(cast.merchant, 200_000)
    values = {
        "amount": Money(100, "INR"), "mode": "test", "contract": "portal", "reference": "OUT-1",
        "beneficiary_name": "A", "account_number": "1" * 9, "ifsc": "HDFC0000001",
    }

    with pytest.raises(InvalidFields) as refusal:
        create_payout(actor=Actor.system("tests"), merchant=cast.merchant, **(values | change))

    assert list(refusal.value.details["fields"]) == [field]
    assert Posting.objects.count() == 1


def test_what_a_contract_must_answer_as_sent_is_kept(cast, make, fund):
    fund(cast.merchant, 200_000)
    details = {"beneficiary_mobile_no": 7878787878, "beneficiary_email": "a@b.c"}

    payout = make(beneficiary_details=details, user_reference="u-1", remarks="rent", bank_name="SBI", method="NEFT")

    payout.refresh_from_db()
    assert payout.beneficiary_details == details
    assert (payout.user_reference, payout.remarks, payout.bank_name, payout.method) == ("u-1", "rent", "SBI", "NEFT")


def test_each_role_sees_what_is_its_own(cast, make, fund, viewer_of):
    fund(cast.merchant, 500_000)
    fund(cast.other, 500_000)
    own, by_api_user, others = make(), make(created_by=cast.api_user), make(merchant=cast.other)
    seen = {
        cast.super_admin: {own, by_api_user, others}, cast.admin: {own, by_api_user}, cast.other_admin: {others},
        cast.merchant_user: {own, by_api_user}, cast.api_user: {by_api_user}, cast.other_user: {others},
    }

    for user, payouts in seen.items():
        assert set(queries.visible_payouts(viewer_of(user))) == payouts
        assert not queries.visible_payouts(viewer_of(user, "live")).exists()
    assert list(queries.waiting_for_approval(viewer_of(cast.admin))) == [own, by_api_user]
    assert list(queries.search(queries.visible_payouts(viewer_of(cast.admin)), "asha")) == [by_api_user, own]


def test_the_timeline_and_the_figures(cast, make, fund, auto_approve, viewer_of):
    fund(cast.merchant, 5_000_000)
    payout = make(100_000)
    make(2_000_000)
    work.drive_payouts()

    items = queries.timeline(payout)
    figures = queries.today_figures(viewer_of(cast.merchant_user))
    days = queries.daily_totals(viewer_of(cast.merchant_user), 30)

    assert [(item.title, item.actor) for item in items] == [
        ("Payout created, money held", "Merchant"), ("Approved", "auto-approval"), ("Given to the bank", "worker"),
        ("Paid by the bank", "sandbox_bank"),
    ]
    assert items[0].detail == "1000.00 INR and 5.90 charge held"
    assert (figures.totals.count, figures.totals.paid_minor, figures.totals.charge_minor) == (1, 100_000, 590)
    assert (figures.waiting, figures.under_way, figures.flagged) == (1, 0, 0)
    assert (len(days), days[-1], sum(day.count for day in days)) == (30, figures.totals, 1)
    assert queries.daily_totals(viewer_of(cast.other_user), 1)[0].count == 0
