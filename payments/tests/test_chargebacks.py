"""What a provider says of money that it took back: proposed once, booked by an operator, in whatever order it is told."""

from __future__ import annotations

import itertools

import pytest

from accounts.actors import Actor, Viewer
from accounts.models import AuditRecord
from accounts.queries import visible_audit
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound
from gateway.lib.money import Money
from gateway.lib.providers import Outcome
from gateway.lib.racing import together
from ledger.errors import InsufficientBalance
from ledger.models import Entry, Posting
from ledger.testing import assert_ledger_balances
from ledger.verify import verify_books
from payments import work
from payments.corrections import queries
from payments.corrections.services import (
    confirm_correction,
    propose_correction,
    reject_correction,
    withdraw_correction,
)
from payments.models import Correction, Dispute, Payment
from payments.providers.base import Callback, Chargeback
from payments.services import apply_provider_event
from webhooks.models import Event

pytestmark = pytest.mark.django_db
SUCCESS = Outcome("succeeded", utr="UTR0000001", amount_minor=100_000, currency="INR")
NOTHING = (0, 0)


@pytest.fixture
def payment(cast, make, provider, fund, balances):
    """₹1,000.00 of live money that came through the scripted provider, ₹976.40 of it the merchant's; ₹1,000.00 more."""
    payment = make(100_000, mode="live")
    provider.answers = [SUCCESS]
    apply_provider_event(provider="scripted", event=Callback("paid", payment.public_id, SUCCESS))
    work.drive_payments()
    fund(cast.merchant, 100_000, mode="live")
    payment.refresh_from_db()
    assert (payment.status, payment.flag, balances(cast.merchant, "live")[0]) == ("succeeded", "", 197_640)
    return payment


def tell(payment, event="evt-1", minor=40_000, *, dispute="dp_1", currency="INR", **more):
    told = Chargeback(event, payment.public_id, dispute, minor, currency, **{"code": "10.4"} | more)
    return apply_provider_event(provider="scripted", event=told)


def won(payment, event="evt-2", minor=40_000, **more):
    return tell(payment, event, minor, returned=True, **more)


def flag_of(payment):
    payment.refresh_from_db()
    return payment.flag


def written():
    return Correction.objects.count(), Posting.objects.filter(kind__startswith="correction").count()


def side_of(row):
    entry = Entry.objects.select_related("account").get(
        posting__reference=f"correction:{row.public_id}:book", account__merchant=None
    )
    return entry.account.code, entry.amount


def test_it_is_proposed_once_and_booked_when_one_operator_confirms(cast, payment, balances):
    assert [tell(payment), tell(payment), tell(payment, "evt-2")] == ["proposed", "duplicate", "none"]

    row = Correction.objects.get()
    assert (row.kind, row.status, row.amount_minor, row.payment, row.mode) == ("chargeback", "open", 40_000, payment, "live")
    assert (row.created_by, row.bank_reference) == (None, "DP_1")
    assert row.reason == "Taken back by the payer’s bank, reason 10.4"
    assert (balances(cast.merchant, "live")[0], flag_of(payment), written()) == (197_640, "", (1, 0))
    assert verify_books() == []

    confirm_correction(actor=Actor(cast.admin, "panel"), correction=row)

    assert balances(cast.merchant, "live") == (157_640, 0, 0)
    assert (side_of(row), payment.charged_back(), payment.refundable()) == (("h/live/INR/clearing.scripted", 40_000), 40_000, 60_000)
    assert tell(payment, "evt-3") == "none"
    with pytest.raises(IllegalTransition):
        confirm_correction(actor=Actor(cast.super_admin, "panel"), correction=row)
    assert written() == (1, 1)
    assert_ledger_balances()


def test_only_an_operator_in_reach_decides_and_nobody_withdraws_it(cast, payment, balances):
    tell(payment)
    row = Correction.objects.get()
    for user, refusal in ((cast.merchant_user, NotAllowed), (None, NotAllowed), (cast.other_admin, NotFound)):
        with pytest.raises(refusal):
            confirm_correction(actor=Actor(user, "panel"), correction=row)
    with pytest.raises(NotAllowed):
        withdraw_correction(actor=Actor(cast.super_admin, "panel"), correction=row, note="Mine?")
    row.refresh_from_db()
    assert (row.status, balances(cast.merchant, "live")[0]) == ("open", 197_640)

    reject_correction(actor=Actor(cast.admin, "panel"), correction=row, note="Not in Acme's list")

    assert [tell(payment, "evt-2"), won(payment, "evt-3")] == ["none", "none"]
    assert (written(), balances(cast.merchant, "live")[0]) == ((1, 0), 197_640)
    assert_ledger_balances()


def test_the_merchant_is_told_nothing_until_it_is_booked(cast, payment):
    viewer = Viewer(cast.merchant_user, "live")
    before = visible_audit(viewer).count(), Event.objects.count()
    tell(payment)
    row = Correction.objects.get()
    assert (visible_audit(viewer).count(), Event.objects.count()) == before
    assert (list(queries.visible_corrections(viewer)), list(queries.waiting_corrections(viewer))) == ([], [])
    assert list(queries.waiting_corrections(Viewer(cast.admin, "live"))) == [row]

    confirm_correction(actor=Actor(cast.admin, "panel"), correction=row)

    assert list(queries.visible_corrections(viewer)) == [row]
    record = AuditRecord.objects.get(target=row.public_id, action="correction.confirmed")
    assert record.data["detail"].endswith("reason 10.4. Proposed by the payment's provider")


def test_more_than_the_balance_waits(cast, payment, balances):
    debit = propose_correction(
        actor=Actor(cast.admin, "panel"), merchant=cast.merchant, mode="live", kind="debit",
        amount=Money(190_000, "INR"), reason="Booked twice",
    )
    confirm_correction(actor=Actor(cast.super_admin, "panel"), correction=debit)
    tell(payment)
    row = Correction.objects.get(kind="chargeback")
    with pytest.raises(InsufficientBalance):
        confirm_correction(actor=Actor(cast.admin, "panel"), correction=row)
    row.refresh_from_db()
    assert (row.status, balances(cast.merchant, "live")) == ("open", (7_640, 0, 0))


@pytest.mark.parametrize(("told", "flag", "problem"), [
    ({"minor": 100_001}, "amount_differs", "Took back 100001 INR (minor units): amount: is more than is left of this payment: 1000.00"),
    ({"currency": "USD"}, "amount_differs", "Took back 40000 USD (minor units): another amount or currency"),
    ({"returned": True}, "contradicted", "Gave back 40000 INR (minor units): given back, and never said to be taken"),
])
def test_what_cannot_be_is_flagged_and_nothing_is_proposed(cast, payment, balances, told, flag, problem):
    assert [tell(payment, **told), tell(payment, "evt-2", **told)] == ["flagged", "none"]

    assert (flag_of(payment), Dispute.objects.get().problem) == (flag, problem)
    assert (written(), balances(cast.merchant, "live")[0]) == (NOTHING, 197_640)
    record = AuditRecord.objects.get(target=payment.public_id, action="payment.flagged")
    assert "ook back" not in record.data["detail"]  # its merchant reads this
    assert_ledger_balances()


def test_a_right_word_after_a_wrong_one_is_proposed(payment):
    assert [tell(payment, minor=100_001), tell(payment, "evt-2")] == ["flagged", "proposed"]

    assert (Correction.objects.get().amount_minor, Dispute.objects.get().problem) == (40_000, "")


@pytest.mark.parametrize("status", ["created", "processing", "failed"])
def test_a_payment_that_never_succeeded_is_flagged(cast, make, provider, status):
    payment = make(100_000, mode="live")
    Payment.objects.filter(pk=payment.pk).update(status=status)

    assert tell(payment) == "flagged"

    assert (flag_of(payment), payment.status, written()) == ("contradicted", status, NOTHING)
    assert Dispute.objects.get().problem.endswith("payment: has brought no money that could be charged back")


@pytest.mark.parametrize("currency", ["INR", "USD"])
def test_a_success_that_comes_after_its_chargeback_keeps_the_flag_and_the_next_word_is_proposed(make, provider, currency):
    payment = make(100_000, mode="live")
    assert tell(payment, currency=currency) == "flagged"

    apply_provider_event(provider="scripted", event=Callback("paid", payment.public_id, SUCCESS))

    assert (flag_of(payment), payment.status) == ("contradicted", "succeeded")
    assert (tell(payment, "evt-2"), written()) == ("proposed", (1, 0))


def test_another_amount_of_the_same_chargeback_is_for_a_person(cast, payment):
    tell(payment)

    assert tell(payment, "evt-2", 50_000) == "flagged"

    assert (flag_of(payment), Correction.objects.get().amount_minor) == ("amount_differs", 40_000)


def test_several_chargebacks_never_exceed_the_payment(payment, cast):
    told = [tell(payment, "e1", 60_000, dispute="a-1"), tell(payment, "e2", 40_001, dispute="a-2"),
            tell(payment, "e3", 40_000, dispute="a-3")]

    assert told == ["proposed", "flagged", "proposed"]
    assert sorted(Correction.objects.values_list("amount_minor", flat=True)) == [40_000, 60_000]


def test_one_that_was_booked_is_given_back_against_the_same_account(cast, payment, balances):
    admin = Actor(cast.admin, "panel")
    tell(payment)
    confirm_correction(actor=admin, correction=Correction.objects.get())

    assert [won(payment), won(payment), won(payment, "evt-3")] == ["proposed", "duplicate", "none"]

    credit = Correction.objects.get(kind="credit")
    assert (credit.status, credit.amount_minor, credit.payment, credit.created_by) == ("open", 40_000, payment, None)
    assert balances(cast.merchant, "live")[0] == 157_640
    confirm_correction(actor=admin, correction=credit)
    assert (balances(cast.merchant, "live")[0], side_of(credit)) == (197_640, ("h/live/INR/clearing.scripted", -40_000))
    assert (payment.charged_back(), payment.refundable()) == (0, 100_000)
    assert tell(payment, "evt-4", 100_000, dispute="dp_2") == "proposed"
    assert_ledger_balances()


def test_given_back_before_it_was_booked_it_is_withdrawn(cast, payment, balances):
    tell(payment)

    assert won(payment) == "withdrawn"

    row = Correction.objects.get()
    assert (row.status, row.decided_by, row.note) == ("withdrawn", None, "The provider gave it back before it was booked.")
    with pytest.raises(IllegalTransition):
        confirm_correction(actor=Actor(cast.admin, "panel"), correction=row)
    assert (tell(payment, "evt-9"), written(), balances(cast.merchant, "live")[0]) == ("none", (1, 0), 197_640)
    assert_ledger_balances()


def test_a_part_given_back_waits_for_the_chargeback(cast, payment, balances):
    admin = Actor(cast.admin, "panel")
    tell(payment)
    assert won(payment, minor=10_000) == "proposed"
    chargeback, credit = Correction.objects.get(kind="chargeback"), Correction.objects.get(kind="credit")

    with pytest.raises(InvalidFields):
        confirm_correction(actor=admin, correction=credit)
    assert balances(cast.merchant, "live")[0] == 197_640
    confirm_correction(actor=admin, correction=chargeback)
    confirm_correction(actor=admin, correction=credit)

    assert (balances(cast.merchant, "live")[0], payment.charged_back()) == (167_640, 30_000)
    assert_ledger_balances()


def test_every_order_of_the_two_ends_with_nothing_taken(cast, make, provider, payment):
    for number, order in enumerate(itertools.permutations(["taken", "won", "copy"])):
        one = make(100_000, mode="live")
        apply_provider_event(provider="scripted", event=Callback(f"paid-{number}", one.public_id, Outcome("succeeded")))
        for name in order:
            tell(one, f"{number}-{name}", dispute=f"order-{number}", returned=name == "won")
        assert set(one.corrections.values_list("status", flat=True)) <= {"withdrawn"}
    assert not Posting.objects.filter(kind__startswith="correction").exists()


def test_a_flag_whose_chargeback_came_later_says_that_nothing_is_to_be_booked(payment):
    assert [won(payment), tell(payment, "evt-9")] == ["flagged", "none"]

    said = "Took and gave back 40000 INR (minor units): nothing is to be booked"
    assert (flag_of(payment), Dispute.objects.get().problem, written()) == ("contradicted", said, NOTHING)


def test_one_that_an_operator_entered_is_not_proposed_again(cast, payment, balances):
    first, second = Actor(cast.admin, "panel"), Actor(cast.super_admin, "panel")
    row = propose_correction(
        actor=first, merchant=cast.merchant, mode="live", kind="chargeback", amount=Money(40_000, "INR"),
        reason="By mail", bank_reference="dp_1", payment=payment,
    )
    assert tell(payment) == "proposed"
    assert (Dispute.objects.get().chargeback, written()) == (row, (1, 0))
    confirm_correction(actor=second, correction=row)

    assert tell(payment, "evt-5", 30_000, dispute="DP_1") == "flagged"  # in other letters it is another one of theirs

    assert (written(), balances(cast.merchant, "live")[0]) == ((1, 1), 157_640)
    assert_ledger_balances()


def test_what_is_nothing_of_this_providers_has_no_effect(payment, make):
    stranger = make(100_000)
    assert tell(stranger) == "unknown_subject"
    assert tell(payment, "evt-2", dispute="mine") == "proposed"
    Payment.objects.filter(pk=stranger.pk).update(provider="scripted")
    assert tell(stranger, "evt-3", dispute="mine") == "flagged"
    assert Dispute.objects.get().problem.endswith(f"also told of {stranger.public_id}")
    assert written() == (1, 0)


@pytest.mark.parametrize("values", [("dp", 0), ("dp", -1), ("dp", True), ("dp", 1 << 63), ("", 1), ("dp", "1")])
def test_one_without_an_id_or_an_amount_is_none(values):
    with pytest.raises(ValueError, match=r"without an id|positive"):
        Chargeback("evt-1", "pay_x", *values, "INR")


@pytest.mark.parametrize("currency", ["", "I\ud800R", "IN\0", "₹", "IN R"])
def test_a_chargeback_in_what_is_no_currency_is_not_readable(currency):
    with pytest.raises(ValueError, match="the currency of a chargeback is its code"):
        Chargeback("evt-1", "pay_x", "dsp-1", 100, currency)


def test_the_books_name_a_proposal_of_nobodys(payment):
    tell(payment)
    row = Correction.objects.get()
    assert verify_books() == []

    Correction.objects.update(amount_minor=39_999)
    assert verify_books() == [f"correction {row.public_id} was proposed by nobody, and no provider told of it"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_copies_at_the_same_instant_propose_once(cast, payment, balances):
    results = together(12, lambda index: tell(payment, f"evt-{index % 4}"))

    assert sorted(results) == ["duplicate"] * 8 + ["none"] * 3 + ["proposed"]
    assert written() == (1, 0)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_confirmed_and_given_back_at_the_same_instant_is_one_or_the_other(cast, payment, balances):
    tell(payment)
    row = Correction.objects.get()
    ways = (
        lambda: confirm_correction(actor=Actor(cast.admin, "panel"), correction=Correction.objects.get(pk=row.pk)),
        lambda: won(payment),
    )

    results = together(2, lambda index: ways[index]())

    row.refresh_from_db()
    if row.status == "withdrawn":
        assert (type(results[0]), results[1]) == (IllegalTransition, "withdrawn")
    else:
        assert (row.status, results[1]) == ("confirmed", "proposed")
        confirm_correction(actor=Actor(cast.admin, "panel"), correction=Correction.objects.get(kind="credit"))
    assert balances(cast.merchant, "live") == (197_640, 0, 0)
    assert_ledger_balances()
