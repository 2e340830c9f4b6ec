"""The test card that asks for a step at the bank; workers that die before it, and many who come at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.providers import Outcome
from gateway.lib.racing import dies_at, together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.models import Payment, SandboxCharge
from payments.providers.base import Callback
from payments.providers.cards import CardDetails
from payments.providers.sandbox import SANDBOX
from payments.services import apply_provider_event, confirm_payment, return_from_step, simulate
from webhooks.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
PAYER = Actor.system("payment page")
ROUNDS = 10


def card():
    return CardDetails("4000000000003220", 12, timezone.now().year + 2, "123")


def drive(payment):
    Payment.objects.filter(pk=payment.pk, due_at__isnull=False).update(due_at=timezone.now())
    work.drive_payments()
    payment.refresh_from_db()
    return payment.status, payment.provider_state


@pytest.fixture
def confirmed_card(make):
    return lambda: confirm_payment(actor=PAYER, payment=make(method="card"), card=card())


@pytest.fixture
def at_the_bank(confirmed_card):
    payment = confirmed_card()
    assert drive(payment) == ("processing", "sent")
    return payment


def key_of(payment):
    return payment.step_url.rsplit("/", 1)[1]


@pytest.mark.parametrize(("approve", "status", "code"), [
    (True, "succeeded", ""), (False, "failed", "authentication_failed"),
])
def test_the_test_card_asks_for_a_step(at_the_bank, settings, approve, status, code):
    assert at_the_bank.step_url.startswith(f"{settings.PUBLIC_URL}/pay/test-bank/{at_the_bank.public_id}:")
    row = SANDBOX.step(key_of(at_the_bank))
    assert row.return_url == f"{settings.PUBLIC_URL}/pay/{at_the_bank.page_token}/return"
    assert drive(at_the_bank)[0] == "processing"

    assert [SANDBOX.take_step(row, approve=approve), SANDBOX.take_step(row, approve=not approve)] == [True, False]

    assert drive(at_the_bank)[0] == status
    assert at_the_bank.failure_code == code
    assert SandboxCharge.objects.get().times_asked == 1


@pytest.mark.parametrize("succeed", [True, False])
def test_the_simulate_buttons_decide_it_as_well(at_the_bank, succeed):
    row = SANDBOX.step(key_of(at_the_bank))

    simulate(payment=at_the_bank, succeed=succeed)

    at_the_bank.refresh_from_db()
    assert at_the_bank.status == ("succeeded" if succeed else "failed")
    assert SANDBOX.take_step(row, approve=not succeed) is False


def test_a_key_of_ones_own_making_opens_no_step(at_the_bank):
    key = key_of(at_the_bank)

    assert [SANDBOX.step(word) for word in (key[:-1], f"{key}x", at_the_bank.public_id, "", "a:b")] == [None] * 5
    assert SANDBOX.step(key) is not None


# Dying, and coming at once ----------------------------------------------------------------------------------------
@pytest.mark.race
@pytest.mark.parametrize("point", ["payment.before_call", "payment.after_call"])
def test_a_worker_that_dies_leaves_the_step_to_the_next_one(confirmed_card, point):
    payment = confirmed_card()
    assert dies_at(point, work.drive_payments)
    payment.refresh_from_db()
    assert (payment.status, payment.provider_state, payment.step_url) == ("processing", "sending", "")
    long_ago = timezone.now() - timedelta(minutes=5)
    Payment.objects.update(leased_until=long_ago, sent_at=long_ago)

    assert drive(payment) == ("processing", "sent")

    assert key_of(payment).startswith(f"{payment.public_id}:")
    SANDBOX.take_step(SANDBOX.step(key_of(payment)), approve=True)
    assert drive(payment) == ("succeeded", "answered")
    assert SandboxCharge.objects.get().times_asked == 1
    assert_ledger_balances()


@pytest.mark.race
def test_answers_returns_and_workers_at_once_end_in_one_booking(cast, confirmed_card, balances):
    for _ in range(ROUNDS):
        payment = confirmed_card()
        drive(payment)
        row = SANDBOX.step(key_of(payment))

        def one(number, payment=payment, row=row):
            if number % 3 == 0:
                return SANDBOX.take_step(row, approve=True)
            return return_from_step(actor=PAYER, payment=payment) if number % 3 == 1 else work.drive_payments()

        results = together(9, one)

        assert not [result for result in results if isinstance(result, Exception)]
        assert [results[number] for number in (0, 3, 6)].count(True) == 1
        return_from_step(actor=PAYER, payment=payment)
        Payment.objects.update(leased_until=None)
        assert drive(payment) == ("succeeded", "answered")
        assert Event.objects.filter(subject=payment.public_id, type="payment.succeeded").count() == 1

    assert Posting.objects.filter(kind="payment.capture").count() == ROUNDS
    assert balances(cast.merchant) == (ROUNDS * 97_640, 0, 0)
    assert_ledger_balances()


@pytest.mark.race
def test_its_end_and_a_success_at_once_end_in_success(cast, confirmed_card, balances):
    success = Outcome("succeeded", utr="SBX0000000001", amount_minor=100_000, currency="INR")
    for number in range(ROUNDS):
        payment = confirmed_card()
        drive(payment)
        Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now(), due_at=timezone.now())
        event = Callback(f"evt-{number}", payment.public_id, success)

        def one(which, event=event):
            return apply_provider_event(provider="sandbox", event=event) if which else work.drive_payments()

        results = together(2, one)

        assert not [result for result in results if isinstance(result, Exception)]
        payment.refresh_from_db()
        was_late = Event.objects.filter(subject=payment.public_id, type="payment.failed").exists()
        assert (payment.status, payment.flag) == ("succeeded", "late_success" if was_late else "")
        assert Posting.objects.filter(kind="payment.capture").count() == number + 1

    assert balances(cast.merchant) == (ROUNDS * 97_640, 0, 0)
    assert_ledger_balances()
