"""A payout that the bank paid and gave back: booked once, by an operator who saw the money, and told to the merchant."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.models import AuditRecord
from accounts.operators import OwnRecord
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound
from gateway.lib.providers import Outcome
from ledger.models import LedgerAccount, Posting
from ledger.queries import balance
from ledger.testing import assert_ledger_balances
from ledger.verify import verify_books
from payouts import queries, work
from payouts.batches.results import judged_rows
from payouts.models import Beneficiary, Payout
from payouts.services import apply_outcome, clear_flag, resolve_payout, return_payout
from payouts.tests.test_results import answer  # noqa: F401 - a fixture
from webhooks.models import Event

pytestmark = pytest.mark.django_db
PAID = Outcome("succeeded", utr="UTR0000001", reference="bank-1", amount_minor=100_000)
RETURNED = Outcome("failed", code="returned", message="Returned by the beneficiary's bank")
WORDS = {"utr": " rtn0000001 ", "note": " The account is frozen. "}


@pytest.fixture
def admin(cast):
    return Actor(cast.admin, "panel")


@pytest.fixture
def paid(cast, make, fund, auto_approve, bank):
    """₹1,000.00 of live money, paid by the bank, ₹5.90 charged; ₹2,000.00 were there."""
    fund(cast.merchant, 200_000, mode="live")
    payout = make(100_000, mode="live")
    bank.answers = [PAID]
    work.drive_payouts()
    payout.refresh_from_db()
    assert (payout.status, payout.charge_minor, payout.tax_minor) == ("processed", 590, 90)
    return payout


def house(kind, mode="live"):
    return {
        row.counterparty: balance(row)
        for row in LedgerAccount.objects.filter(merchant=None, mode=mode, kind=kind, currency="INR")
    }


def books():
    return Posting.objects.count(), Event.objects.count(), AuditRecord.objects.count()


@pytest.mark.parametrize("flagged", [True, False])
def test_amount_and_charge_are_available_again(cast, paid, admin, balances, flagged):
    if flagged:
        assert apply_outcome(actor=Actor.system("scripted"), payout=paid, outcome=RETURNED) == "flagged"
    assert (balances(cast.merchant, "live"), house("clearing")["scripted"]) == ((99_410, 0, 0), 100_000)

    returned = return_payout(actor=admin, payout=paid, **WORDS)

    paid.refresh_from_db()
    assert returned.pk == paid.pk
    assert (paid.status, paid.failure_code, paid.flag) == ("failed", "returned", "")
    assert paid.failure_reason == "Returned by the bank: The account is frozen."
    assert (paid.utr, paid.return_utr, paid.processed_at, paid.due_at) == ("UTR0000001", "RTN0000001", None, None)
    assert paid.returned_at is not None
    assert balances(cast.merchant, "live") == (200_000, 0, 0)
    assert (house("clearing")["scripted"], house("fees"), house("tax")) == (0, {"": 0}, {"": 0})
    reference = f"payout:{paid.public_id}:return"
    assert list(Posting.objects.filter(reference=reference).values_list("kind", flat=True)) == ["payout.return"]
    assert verify_books() == []
    assert_ledger_balances()


def test_it_is_told_and_written_down_once(cast, paid, admin, viewer_of):
    before = books()
    return_payout(actor=admin, payout=paid, **WORDS)

    assert books() == tuple(count + 1 for count in before)
    told = Event.objects.filter(subject=paid.public_id).order_by("pk").values_list("type", flat=True)
    assert list(told) == ["payout.processed", "payout.rejected"]
    last = queries.timeline(paid)[-1]
    assert last.title == "Returned by the bank, money given back"
    record = AuditRecord.objects.get(action="payout.returned")
    assert (record.actor, record.data["detail"]) == (cast.admin, "UTR RTN0000001. The account is frozen.")
    viewer = viewer_of(cast.merchant_user, "live")
    assert queries.daily_totals(viewer, 1) == [queries.DayTotals(queries.daily_totals(viewer, 1)[0].day)]


@pytest.mark.parametrize(("words", "field"), [
    ({"utr": " "}, "utr"), ({"note": " "}, "note"), ({"utr": "utr0000009"}, "utr"), ({"utr": "rtn0000009"}, "utr"),
])
def test_a_return_needs_a_note_and_a_utr_of_its_own(cast, paid, bank, make, admin, balances, words, field):
    for number, utr in enumerate(("UTR0000009", "UTR0000010")):
        other = make(10_000, mode="live", reference=f"OTHER-{number}")
        bank.answers = [Outcome("succeeded", utr=utr)]
        work.drive_payouts()
    return_payout(actor=admin, payout=other, utr="RTN0000009", note="Closed")
    before, books_before = balances(cast.merchant, "live"), books()

    with pytest.raises(InvalidFields) as refusal:
        return_payout(actor=admin, payout=paid, **WORDS | words)

    assert list(refusal.value.details["fields"]) == [field]
    paid.refresh_from_db()
    assert (paid.status, paid.returned_at) == ("processed", None)
    assert (balances(cast.merchant, "live"), books()) == (before, books_before)


def test_some_banks_return_it_under_the_utr_that_it_was_paid_with(cast, paid, admin, balances):
    return_payout(actor=admin, payout=paid, utr=paid.utr, note="Closed")

    assert balances(cast.merchant, "live") == (200_000, 0, 0)


def test_only_an_operator_of_the_team_who_did_not_make_it(cast, paid, balances):
    before = books()
    Payout.objects.filter(pk=paid.pk).update(created_by=cast.super_admin)
    paid.refresh_from_db()
    for user, refusal in (
        (cast.merchant_user, NotAllowed), (None, NotAllowed), (cast.other_admin, NotFound), (cast.super_admin, OwnRecord),
    ):
        with pytest.raises(refusal):
            return_payout(actor=Actor(user, "panel"), payout=paid, **WORDS)

    assert (balances(cast.merchant, "live"), books()) == ((99_410, 0, 0), before)


@pytest.mark.parametrize("status", ["pending", "approved", "processing", "rejected", "failed"])
def test_only_what_was_paid_comes_back(cast, make, fund, admin, balances, status):
    fund(cast.merchant, 200_000)
    payout = make(100_000)
    Payout.objects.filter(pk=payout.pk).update(status=status, flag="contradicted")
    before = books()

    with pytest.raises(IllegalTransition):
        return_payout(actor=admin, payout=payout, **WORDS)

    assert (balances(cast.merchant), books()) == ((99_410, 0, 100_590), before)


def test_it_comes_back_once_and_later_reports_change_nothing(cast, paid, admin, balances):
    return_payout(actor=admin, payout=paid, **WORDS)
    before = books()

    with pytest.raises(IllegalTransition):
        return_payout(actor=admin, payout=paid, utr="RTN0000002", note="Again")
    with pytest.raises(IllegalTransition):
        resolve_payout(actor=admin, payout=paid, paid=False, note="Again")
    with pytest.raises(IllegalTransition):
        clear_flag(actor=admin, payout=paid, note="Again")
    for outcome in (RETURNED, PAID):
        assert apply_outcome(actor=Actor.system("scripted"), payout=paid, outcome=outcome) == "none"

    assert (balances(cast.merchant, "live"), books()) == ((200_000, 0, 0), before)
    other = Outcome("succeeded", utr="UTR0000002", amount_minor=100_000)
    assert apply_outcome(actor=Actor.system("scripted"), payout=paid, outcome=other) == "flagged"
    assert balances(cast.merchant, "live") == (200_000, 0, 0)
    assert verify_books() == []


def test_an_account_that_only_a_returned_payout_reached_is_new_again(cast, paid, bank, make, admin):
    [beneficiary] = Beneficiary.objects.all()
    again = make(10_000, mode="live", reference="AGAIN")
    bank.answers = [Outcome("succeeded", utr="UTR0000002")]
    work.drive_payouts()
    first_paid_at = paid.processed_at

    return_payout(actor=admin, payout=again, utr="RTN0000002", note="Closed")
    beneficiary.refresh_from_db()
    assert beneficiary.last_paid_at == first_paid_at

    return_payout(actor=admin, payout=paid, **WORDS)
    beneficiary.refresh_from_db()
    assert beneficiary.is_new


def test_a_returned_payout_of_a_bank_file(cast, sent, answer, admin, balances):  # noqa: F811
    answer("{0},SUCCESS,UTR0000001,")
    answer("{0},RETURNED,,Frozen")
    answer("{0},FAILED,,Returned")
    payout = Payout.objects.get(pk=sent.keys[0])
    assert (payout.status, payout.flag, balances(cast.merchant, "live")) == ("processed", "contradicted", (0, 0, 200_000))

    return_payout(actor=admin, payout=payout, **WORDS)

    assert balances(cast.merchant, "live") == (100_000, 0, 200_000)
    before = books()[:2]
    for line in ("{0},SUCCESS,UTR0000001,", "{0},FAILED,,Returned"):
        [row] = judged_rows(answer(line))
        assert (row.effect, row.problem) == ("same", "Known already.")
    [other] = judged_rows(answer("{0},SUCCESS,UTR0000005,"))
    assert (other.effect, other.problem) == ("contradiction", "The payout is failed already, UTR UTR0000001.")
    assert (books()[:2], balances(cast.merchant, "live")) == (before, (100_000, 0, 200_000))
    assert verify_books() == []
    assert_ledger_balances()


@pytest.mark.parametrize(("changes", "says"), [
    ({"status": "processed"}, "is processed, its postings say otherwise"),
    ({"returned_at": None}, "is failed, its postings say otherwise"),
    ({"amount_minor": 90_000}, "says 90000 and a charge of 590, its postings say otherwise"),
    ({"charge_minor": 0, "tax_minor": 0}, "says 100000 and a charge of 0, its postings say otherwise"),
])
def test_a_returned_payout_that_is_changed_by_hand_is_found(paid, admin, changes, says):
    return_payout(actor=admin, payout=paid, **WORDS)
    assert verify_books() == []

    Payout.objects.filter(pk=paid.pk).update(**changes)

    assert f"payout {paid.public_id} {says}" in verify_books()
