"""The call to the bank, whatever goes wrong with it: sent once, then only asked about, ended once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed
from gateway.lib.providers import Outcome, ProviderDown, ProviderTimeout
from gateway.lib.work import claim_due
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payouts import work
from payouts.models import Payout, SandboxTransfer
from payouts.services import apply_outcome, clear_flag, resolve_payout

pytestmark = pytest.mark.django_db
PAID = Outcome("succeeded", utr="UTR0000001", amount_minor=100_000, currency="INR", reference="their-1")
CLOSED = Outcome("failed", code="account_closed", message="The account is closed.")


@pytest.fixture
def live(cast, make, fund, auto_approve, bank):
    """A live payout of ₹1,000.00, approved, with a scripted bank and ₹2,000.00 in the wallet before it."""
    fund(cast.merchant, 200_000, mode="live")
    return make(100_000, mode="live")


def calls(bank):
    return [call for call, _ in bank.asked]


def drive(payout, due_again, rounds=1):
    for _ in range(rounds):
        work.drive_payouts()
        due_again(payout)


def test_the_intent_is_committed_before_the_call(live, bank):
    seen = {}

    def pay(transfer):
        row = Payout.objects.get()
        seen.update(status=row.status, state=row.provider_state, sent=row.sent_at is not None)
        return PAID

    bank.pay = pay
    work.drive_payouts()

    assert seen == {"status": "processing", "state": "sending", "sent": True}


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_during_a_call(live, bank):
    open_during_call = []

    def pay(transfer):
        open_during_call.append(connection.in_atomic_block)
        return PAID

    bank.pay = pay
    work.drive_payouts()

    assert open_during_call == [False]


@pytest.mark.parametrize("trouble", [ProviderTimeout(), ValueError("{\"truncated"), OSError("reset")])
@pytest.mark.parametrize("end", [PAID, CLOSED])
def test_an_answer_that_never_came_is_asked_for_and_nothing_is_sent_again(
    cast, live, bank, due_again, balances, trouble, end
):
    bank.answers = [trouble, Outcome("pending"), ProviderDown(), ProviderTimeout(), end]
    work.drive_payouts()
    live.refresh_from_db()
    assert (live.status, live.provider_state) == ("processing", "unknown")
    assert balances(cast.merchant, "live") == (99_410, 0, 100_590)
    assert_ledger_balances()

    due_again(live)
    drive(live, due_again, 4)

    assert calls(bank) == ["pay", "status", "status", "status", "status"]
    paid = end is PAID
    assert live.status == ("processed" if paid else "failed")
    assert balances(cast.merchant, "live") == (99_410 if paid else 200_000, 0, 0)
    assert_ledger_balances()


def test_a_bank_that_could_not_be_reached_is_called_again(cast, live, bank, due_again, balances):
    bank.answers = [ProviderDown(), PAID]
    drive(live, due_again)
    assert (live.status, live.provider_state) == ("processing", "none")

    drive(live, due_again)

    assert calls(bank) == ["pay", "pay"]
    assert live.status == "processed"
    assert balances(cast.merchant, "live") == (99_410, 0, 0)
    assert_ledger_balances()


def test_the_same_reference_goes_again_only_if_the_bank_never_heard_of_it_and_after_a_grace(
    live, bank, due_again, settings
):
    bank.answers = [ProviderTimeout(), Outcome("absent")]
    drive(live, due_again, 3)
    assert calls(bank) == ["pay", "status", "status"]

    bank.answers = [Outcome("absent"), PAID]
    due_again(live, sent_at=timezone.now() - timedelta(seconds=2 * settings.PROVIDER_TIMEOUT_SECONDS))
    drive(live, due_again)

    assert calls(bank)[3:] == ["status", "pay"]
    assert {reference for _, reference in bank.asked} == {live.public_id}
    assert live.status == "processed"
    assert_ledger_balances()


def test_what_the_bank_had_accepted_is_never_sent_again(live, bank, due_again):
    bank.answers = [Outcome("pending"), Outcome("absent")]
    drive(live, due_again)
    due_again(live, sent_at=timezone.now() - timedelta(days=1))

    drive(live, due_again, 3)

    assert calls(bank) == ["pay", "status", "status", "status"]
    assert live.status == "processing"


def test_what_a_dead_worker_was_sending_is_asked_about(live, bank, due_again):
    bank.answers = [PAID]
    due_again(live, status="processing", provider_state="sending", sent_at=timezone.now())

    work.drive_payouts()

    assert calls(bank) == ["status"]


def test_a_worker_whose_lease_was_taken_over_does_not_send(live, bank):
    [held] = claim_due(Payout.objects.select_related("merchant"), limit=1)
    Payout.objects.update(lease="somebody else's")

    work._drive_payout(held)

    assert bank.asked == []


def test_two_workers_with_the_same_row_send_once(live, bank):
    bank.answers = [PAID]
    [first] = claim_due(Payout.objects.select_related("merchant"), limit=1)
    Payout.objects.update(leased_until=timezone.now())
    [second] = claim_due(Payout.objects.select_related("merchant"), limit=1)

    work._drive_payout(second)
    with pytest.raises(IllegalTransition):
        work._drive_payout(first)

    assert calls(bank) == ["pay"]
    assert_ledger_balances()


def test_the_silent_account_is_unknown_then_pending_then_paid_and_asked_to_pay_once(
    cast, make, fund, auto_approve, balances, due_again
):
    fund(cast.merchant, 200_000)
    payout = make(100_000, account_number="501000121111")

    drive(payout, due_again)
    assert (payout.status, payout.provider_state) == ("processing", "unknown")
    drive(payout, due_again, 2)
    assert (payout.status, payout.provider_state) == ("processing", "sent")
    assert balances(cast.merchant) == (99_410, 0, 100_590)
    silence = SandboxTransfer.objects.get().decide_at - timezone.now()
    assert timedelta(seconds=25) < silence <= timedelta(seconds=30)
    SandboxTransfer.objects.update(decide_at=timezone.now())
    drive(payout, due_again)

    assert (payout.status, SandboxTransfer.objects.get().times_asked) == ("processed", 1)
    assert balances(cast.merchant) == (99_410, 0, 0)
    assert_ledger_balances()


def test_the_bank_takes_its_time_and_a_worker_is_woken_for_its_answer(
    cast, make, fund, auto_approve, settings, monkeypatch
):
    from gateway.lib import providers

    woken = []
    monkeypatch.setattr(providers, "wake", lambda task, **more: woken.append((task, more["after_seconds"])))
    settings.SANDBOX_BANK_DELAY_SECONDS = 1.0
    fund(cast.merchant, 200_000)
    make(100_000)

    work.drive_payouts()

    [(task, after)] = woken
    assert task == "payouts.drive"
    assert 0.5 < after <= 1.0


@pytest.mark.parametrize(
    "told", [Outcome("succeeded", amount_minor=99_999), Outcome("succeeded", amount_minor=100_000, currency="USD")]
)
def test_another_amount_is_flagged_and_the_hold_stays(cast, live, bank, balances, told):
    bank.answers = [told]

    work.drive_payouts()

    live.refresh_from_db()
    assert (live.status, live.flag, live.due_at) == ("processing", "amount_differs", None)
    assert balances(cast.merchant, "live") == (99_410, 0, 100_590)
    assert work.drive_payouts() == 0
    assert_ledger_balances()


@pytest.mark.parametrize(("paid", "status", "left"), [(True, "processed", 99_410), (False, "failed", 200_000)])
def test_an_operator_ends_a_flagged_payout(cast, live, bank, balances, paid, status, left):
    admin = Actor(cast.admin, "panel")
    with pytest.raises(IllegalTransition):
        resolve_payout(actor=admin, payout=live, paid=paid, utr="UTR0000001", note="Too early")
    bank.answers = [Outcome("succeeded", amount_minor=1)]
    work.drive_payouts()
    with pytest.raises(NotAllowed):
        resolve_payout(actor=Actor(cast.merchant_user, "panel"), payout=live, paid=paid, utr="U", note="Me")
    for utr, note in (("", "Paid" if paid else " "), ("UTR0000001", "")):
        with pytest.raises(InvalidFields):
            resolve_payout(actor=admin, payout=live, paid=paid, utr=utr, note=note)

    resolve_payout(actor=admin, payout=live, paid=paid, utr="UTR0000001", note="Asked the bank")

    live.refresh_from_db()
    assert (live.status, live.flag, live.utr) == (status, "", "UTR0000001" if paid else "")
    assert balances(cast.merchant, "live") == (left, 0, 0)
    assert_ledger_balances()


def test_a_long_refusal_ends_it_all_the_same(cast, live, bank, balances):
    bank.answers = [Outcome("failed", code="BENEFICIARY_ACCOUNT_CLOSED_OR_FROZEN_BY_BANK", message="M" * 300)]

    work.drive_payouts()

    live.refresh_from_db()
    assert (live.status, live.failure_code) == ("failed", "BENEFICIARY_ACCOUNT_CLOSED_OR_FROZEN_BY_")
    assert live.failure_reason == "M" * 200
    assert balances(cast.merchant, "live")[2] == 0
    assert_ledger_balances()


def test_a_utr_that_is_too_long_to_keep_is_no_answer(cast, live, bank, balances):
    bank.answers = [Outcome("pending")]
    bank.pay = lambda transfer: Outcome("succeeded", utr="U" * 41)
    before = balances(cast.merchant, "live")

    work.drive_payouts()

    live.refresh_from_db()
    assert (live.status, live.provider_state, live.utr) == ("processing", "unknown", "")
    assert balances(cast.merchant, "live") == before


@pytest.mark.parametrize(("first", "then", "status"), [(PAID, CLOSED, "processed"), (CLOSED, PAID, "failed")])
def test_a_contradiction_after_the_end_is_flagged_and_moves_nothing(cast, live, bank, balances, first, then, status):
    bank.answers = [first]
    work.drive_payouts()
    before, postings = balances(cast.merchant, "live"), Posting.objects.count()
    say = {"actor": Actor.system("scripted"), "payout": live}

    assert apply_outcome(**say, outcome=first) == "none"
    assert apply_outcome(**say, outcome=then) == "flagged"

    live.refresh_from_db()
    assert (live.status, live.flag) == (status, "contradicted")
    assert (balances(cast.merchant, "live"), Posting.objects.count()) == (before, postings)
    clear_flag(actor=Actor(cast.admin, "panel"), payout=live, note="Asked the bank")
    with pytest.raises(IllegalTransition):
        clear_flag(actor=Actor(cast.admin, "panel"), payout=live, note="Asked the bank")
    assert_ledger_balances()


def test_an_answer_about_a_payout_that_was_never_sent_is_flagged(cast, make, fund, balances):
    fund(cast.merchant, 200_000)
    payout = make(100_000)

    assert apply_outcome(actor=Actor.system("sandbox_bank"), payout=payout, outcome=PAID) == "flagged"

    payout.refresh_from_db()
    assert (payout.status, payout.flag) == ("pending", "contradicted")
    assert balances(cast.merchant) == (99_410, 0, 100_590)
    assert_ledger_balances()


def test_an_approved_payout_with_a_flag_waits_for_an_operator_and_then_goes_on(cast, live, bank):
    bank.answers = [PAID]
    apply_outcome(actor=Actor.system("scripted"), payout=live, outcome=CLOSED)
    assert work.drive_payouts() == 0

    clear_flag(actor=Actor(cast.admin, "panel"), payout=live, note="The bank mixed up two references")
    work.drive_payouts()

    live.refresh_from_db()
    assert (live.status, live.flag) == ("processed", "")
    assert_ledger_balances()


@pytest.mark.parametrize(("paid", "status", "left"), [(True, "processed", 99_410), (False, "failed", 200_000)])
def test_an_operator_ends_what_the_bank_says_nothing_of_for_a_day(
    cast, live, bank, due_again, balances, paid, status, left
):
    bank.answers = [ProviderTimeout(), ProviderTimeout()]
    drive(live, due_again, rounds=2)
    before, admin = balances(cast.merchant, "live"), Actor(cast.admin, "panel")
    for state, hours in (("unknown", 23), ("sending", 25), ("sent", 25)):
        sent_at = timezone.now() - timedelta(hours=hours)
        Payout.objects.filter(pk=live.pk).update(provider_state=state, sent_at=sent_at)
        with pytest.raises(IllegalTransition):
            resolve_payout(actor=admin, payout=live, paid=paid, utr="UTR0000001", note="It knows nothing")
    live.refresh_from_db()
    assert (live.status, balances(cast.merchant, "live")) == ("processing", before)

    Payout.objects.filter(pk=live.pk).update(provider_state="unknown")
    resolve_payout(actor=admin, payout=live, paid=paid, utr="UTR0000001", note="It knows nothing")

    live.refresh_from_db()
    assert (live.status, live.utr, live.due_at) == (status, "UTR0000001" if paid else "", None)
    assert balances(cast.merchant, "live") == (left, 0, 0)
    assert_ledger_balances()


def test_what_the_bank_says_after_an_operator_ended_it_is_compared(cast, live, bank, due_again, balances):
    bank.answers = [ProviderTimeout(), ProviderTimeout()]
    drive(live, due_again, rounds=2)
    due_again(live, sent_at=timezone.now() - timedelta(hours=25))
    admin = Actor(cast.admin, "panel")

    def ended_meanwhile(reference):
        resolve_payout(actor=admin, payout=live, paid=False, note="Not on its statement")
        return PAID

    bank.status = ended_meanwhile
    work.drive_payouts()

    live.refresh_from_db()
    assert (live.status, live.flag) == ("failed", "contradicted")
    assert balances(cast.merchant, "live") == (200_000, 0, 0)
    assert_ledger_balances()
