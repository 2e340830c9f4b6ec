"""Taking a credit back: exactly what was credited, by two people, on two nodes' word, once; and what comes again after it
is credited again, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord, User
from accounts.operators import OwnRecord
from crypto import accounts, testing
from crypto.bsc_testing import DEPTH, fresh, look, transaction
from crypto.chains.simulated import control
from crypto.errors import StillOnChain
from crypto.models import ChainTransaction, CreditReversal, SimulatedTransaction
from crypto.services.credit_reversals import (
    confirm_credit_reversal,
    foresee,
    propose_credit_reversal,
    reject_credit_reversal,
    withdraw_credit_reversal,
)
from crypto.tests.chain_house import ONE, own
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound
from ledger.models import Entry, LedgerAccount, Posting
from ledger.services import Line, post
from ledger.testing import assert_ledger_balances
from ledger.verify import verify_books
from webhooks.models import Event

pytestmark = pytest.mark.django_db
WHY = "Not in any explorer"


@pytest.fixture
def chief(cast):
    return Actor(cast.super_admin, "panel")


@pytest.fixture
def admin(cast):
    return Actor(cast.admin, "panel")


@pytest.fixture
def session(cast):
    return testing.confirm(testing.open_session(cast.merchant, "100"), 1)


def vanish(session, amount=None):
    """Paid, credited, and gone from the chain."""
    paid = testing.pay(session, amount)
    testing.confirm(session, DEPTH)
    control.reorganise("BSC", DEPTH, drop=[paid])
    look(2)
    return fresh(ChainTransaction.objects.get(transaction_hash=paid))


def mine_again(row):
    SimulatedTransaction.objects.filter(hash=row.transaction_hash).update(gone=False)
    control.mine("BSC")
    look(2)


def spend(cast, minor):
    """As a withdrawal that has left: out of the merchant's balance, and of custody."""
    post(kind="test.spent", reference=f"spent:{minor}", mode="test", lines=[
        Line(accounts.available(cast.merchant.pk, "test", "USDT", "BSC"), -minor),
        Line(accounts.custody("test", "USDT", "BSC"), minor),
    ])


def house(kind, currency="USDT"):
    return sum(Entry.objects.filter(
        account__kind=kind, account__merchant=None, account__mode="test", account__currency=currency,
    ).values_list("amount", flat=True))


def state_of(session, row):
    fresh(session), fresh(row)
    return (
        row.status, row.credited_minor, session.status, session.received_minor, Posting.objects.count(),
        Event.objects.count(), LedgerAccount.objects.count(),
    )


def take_back(actor, row, by=None):
    made = propose_credit_reversal(actor=actor, transfer=row, reason=WHY)
    return confirm_credit_reversal(actor=by or actor, reversal=made)


# What is booked ----------------------------------------------------------------------------------------------
def test_exactly_what_the_credit_had_booked_is_taken_back(cast, session, chief, admin):
    row = vanish(session)
    assert (own(cast.merchant)[0], house("fees"), house("tax")) == (99 * ONE, row.fee_minor - row.tax_minor, row.tax_minor)
    assert row.fee_minor == ONE

    made = propose_credit_reversal(actor=admin, transfer=row, reason=f"  {WHY} ")

    assert (made.status, made.reason, made.amount_minor, made.fee_minor, made.tax_minor) == (
        "open", WHY, 100 * ONE, ONE, row.tax_minor,
    )
    assert (own(cast.merchant)[0], Posting.objects.count()) == (99 * ONE, 1)
    done = confirm_credit_reversal(actor=chief, reversal=made)
    assert (done.status, done.decided_by, done.shortfall_minor, done.taken_minor) == ("confirmed", cast.super_admin, 0, 99 * ONE)
    assert own(cast.merchant) == (0, 0)
    assert [house(kind) for kind in ("clearing", "fees", "tax", "losses")] == [0, 0, 0, 0]
    posting = Posting.objects.get(kind="crypto.uncredit")
    assert (posting.reference, posting.merchant) == (f"crypto:uncredit:{row.pk}", cast.merchant)
    fresh(row)
    assert (row.status, row.credited_minor, row.fee_minor, row.tax_minor, row.confirmed_at, row.note) == (
        "reversed", 0, 0, 0, None, "Its credit was taken back.",
    )
    assert fresh(row.address).received_minor == 0
    assert_ledger_balances()


def test_its_session_has_failed_and_the_merchant_is_told(cast, session, admin):
    row = vanish(session)
    assert (session.status, Event.objects.filter(type="session.paid").count()) == ("paid", 1)

    take_back(admin, row)

    fresh(session)
    assert (session.status, session.received_minor, session.fee_minor, session.tax_minor, session.paid_at) == ("failed", 0, 0, 0, None)
    assert (session.flags, session.for_person, session.transaction_hash) == (["underpaid"], False, "")
    assert [event.type for event in Event.objects.order_by("created_at")] == ["session.paid", "session.failed"]
    assert session.timeline.last().details == "The payment left the chain: the credit of 100 USDT was taken back"
    trail = AuditRecord.objects.filter(merchant=cast.merchant, action="credit_reversal.confirmed").get()
    assert trail.data["detail"] == (
        f"100.00000000 USDT of {row.transaction_hash} on BSC: {WHY}. Proposed by {cast.admin.name}"
    )
    assert not AuditRecord.objects.filter(merchant=cast.merchant, action="credit_reversal.proposed").exists()


def test_a_session_that_has_enough_without_it_stays_paid(cast, session, admin):
    testing.pay(session)
    testing.confirm(session, DEPTH)
    row = vanish(session, "40")
    assert (session.status, session.received_minor, "overpaid" in session.flags) == ("paid", 140 * ONE, True)

    take_back(admin, row)

    fresh(session)
    assert (session.status, session.received_minor, session.fee_minor) == ("paid", 100 * ONE, ONE)
    assert (session.flags, own(cast.merchant)[0]) == (["several"], 99 * ONE)
    assert not Event.objects.filter(type="session.failed").exists()
    assert_ledger_balances()


def test_what_the_merchant_has_spent_the_house_bears(cast, session, admin):
    row = vanish(session)
    spend(cast, 70 * ONE)
    seen = foresee(row)
    assert (seen.amount.minor, seen.fee.minor, seen.taken.minor, seen.shortfall.minor) == (100 * ONE, ONE, 29 * ONE, 70 * ONE)

    done = take_back(admin, row)

    assert (done.shortfall_minor, done.taken_minor) == (70 * ONE, 29 * ONE)
    assert own(cast.merchant) == (0, 0)
    assert [house(kind) for kind in ("clearing", "fees", "tax", "losses")] == [70 * ONE, 0, 0, -70 * ONE]
    assert "70.00000000 of it borne by the house" in AuditRecord.objects.get(action="credit_reversal.confirmed").data["detail"]
    assert_ledger_balances()


# What is refused, and changes nothing ------------------------------------------------------------------------
def test_what_is_refused_changes_nothing(cast, session, admin):
    row = vanish(session)
    before = state_of(session, row)
    stranger = User.objects.create(email="far@example.com", name="Far", role="admin")
    for actor, reason, error in [
        (Actor(cast.merchant_user, "panel"), WHY, NotAllowed), (Actor.system("tests"), WHY, NotAllowed),
        (Actor(stranger, "panel"), WHY, NotFound), (admin, "  ", InvalidFields), (admin, "x" * 201, InvalidFields),
    ]:
        with pytest.raises(error):
            propose_credit_reversal(actor=actor, transfer=row, reason=reason)
    assert (state_of(session, row), CreditReversal.objects.count()) == (before, 0)

    made = propose_credit_reversal(actor=admin, transfer=row, reason=WHY)
    with pytest.raises(IllegalTransition):  # it waits already
        propose_credit_reversal(actor=admin, transfer=row, reason=WHY)
    for actor, error in [(Actor(cast.merchant_user, "panel"), NotAllowed), (Actor(stranger, "panel"), NotFound)]:
        with pytest.raises(error):
            confirm_credit_reversal(actor=actor, reversal=made)

    assert (state_of(session, row), CreditReversal.objects.get().status) == (before, "open")
    assert_ledger_balances()


def test_what_was_never_credited_is_not_taken_back(cast, session, admin):
    paid = testing.pay(session)
    testing.confirm(session, 3)
    with pytest.raises(IllegalTransition):
        propose_credit_reversal(actor=admin, transfer=transaction(), reason=WHY)
    control.reorganise("BSC", 3, drop=[paid])
    look()
    with pytest.raises(IllegalTransition):
        propose_credit_reversal(actor=admin, transfer=transaction(), reason=WHY)
    assert CreditReversal.objects.count() == 0


def test_what_the_chain_shows_is_not_taken_back(cast, session, admin):
    row = vanish(session)
    made = propose_credit_reversal(actor=admin, transfer=row, reason=WHY)
    SimulatedTransaction.objects.filter(hash=row.transaction_hash).update(gone=False)
    control.mine("BSC")
    before = state_of(session, row)

    for act in (
        lambda: confirm_credit_reversal(actor=admin, reversal=made),
        lambda: propose_credit_reversal(actor=admin, transfer=row, reason=WHY),
    ):
        with pytest.raises(StillOnChain):
            act()

    assert (state_of(session, row), fresh(made).status) == (before, "open")
    look(2)  # it is found, and the proposal is of something that has moved on
    assert fresh(session).flags == ["reorganised"]


@pytest.mark.parametrize("missed", [True, False])
def test_what_no_reorganisation_took_is_not_booked_later_either(cast, session, admin, missed):
    """The nodes may have forgotten it by then."""
    row = vanish(session)
    if not missed:
        ChainTransaction.objects.filter(pk=row.pk).update(note="")
    made = propose_credit_reversal(actor=admin, transfer=row, reason=WHY)
    ChainTransaction.objects.filter(pk=row.pk).update(confirmed_at=timezone.now() - timedelta(days=2))
    before = state_of(session, row)

    if missed:
        confirm_credit_reversal(actor=admin, reversal=made)
        assert fresh(row).status == "reversed"
        return
    with pytest.raises(IllegalTransition, match="Only a credit whose transfer has left the chain"):
        confirm_credit_reversal(actor=admin, reversal=made)
    assert (state_of(session, row), fresh(made).status) == (before, "open")


def test_it_is_taken_back_once(cast, session, admin):
    row = vanish(session)
    done = take_back(admin, row)
    before = state_of(session, row)

    for act in (
        lambda: confirm_credit_reversal(actor=admin, reversal=done),
        lambda: propose_credit_reversal(actor=admin, transfer=row, reason=WHY),
        lambda: reject_credit_reversal(actor=Actor(cast.super_admin, "panel"), reversal=done, note="No"),
        lambda: withdraw_credit_reversal(actor=admin, reversal=done, note="No"),
    ):
        with pytest.raises(IllegalTransition):
            act()

    assert state_of(session, row) == before


def test_a_proposal_that_ended_books_nothing_and_may_be_made_again(cast, session, chief, admin):
    row = vanish(session)
    first = propose_credit_reversal(actor=admin, transfer=row, reason=WHY)
    with pytest.raises(OwnRecord):
        reject_credit_reversal(actor=admin, reversal=first, note="No")
    with pytest.raises(NotAllowed):
        withdraw_credit_reversal(actor=chief, reversal=first, note="No")
    with pytest.raises(InvalidFields):
        reject_credit_reversal(actor=chief, reversal=first, note=" ")
    reject_credit_reversal(actor=chief, reversal=first, note="It is there")
    second = propose_credit_reversal(actor=admin, transfer=row, reason=WHY)
    withdraw_credit_reversal(actor=admin, reversal=second, note="Looked again")
    assert (fresh(row).status, Posting.objects.count()) == ("confirmed", 1)
    assert verify_books() == []

    take_back(admin, row, chief)

    assert [made.status for made in CreditReversal.objects.order_by("pk")] == ["rejected", "withdrawn", "confirmed"]
    assert (fresh(row).status, Posting.objects.count()) == ("reversed", 2)
    assert_ledger_balances()
