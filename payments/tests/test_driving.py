"""The outbound call, whatever goes wrong with it: sent once, then only asked about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from gateway.lib.providers import Outcome, ProviderDown, ProviderTimeout
from gateway.lib.work import claim_due, settle
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.models import Payment
from payments.services.outcomes import begin
from webhooks.models import Event

pytestmark = pytest.mark.django_db
SUCCESS = Outcome("succeeded", utr="UTR0000001", amount_minor=100_000, currency="INR", reference="their-1")


def calls(provider):
    return [call for call, _ in provider.asked]


def drive_until_quiet(payment, due_again, rounds):
    for _ in range(rounds):
        work.drive_payments()
        due_again(payment)


def test_the_intent_is_written_before_the_call(confirmed, provider):
    payment = confirmed(mode="live")
    seen = {}

    def authorise(charge):
        row = Payment.objects.get(pk=payment.pk)
        seen.update(state=row.provider_state, status=row.status, lease=row.lease, sent_at=row.sent_at)
        return SUCCESS

    provider.authorise = authorise
    work.drive_payments()

    assert (seen["state"], seen["status"]) == ("sending", "processing")
    assert seen["lease"]
    assert seen["sent_at"]
    payment.refresh_from_db()
    assert (payment.status, payment.provider_reference, payment.lease, payment.due_at) == (
        "succeeded", "their-1", "", None,
    )


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_during_a_call(confirmed, provider):
    confirmed(mode="live")
    open_during_call = []

    def authorise(charge):
        open_during_call.append(connection.in_atomic_block)
        return SUCCESS

    provider.authorise = authorise
    work.drive_payments()

    assert open_during_call == [False]


@pytest.mark.parametrize("trouble", [ProviderTimeout(), ValueError("<html>502</html>"), KeyError("status")])
def test_an_answer_that_never_came_is_asked_for(cast, confirmed, provider, due_again, balances, trouble):
    provider.answers = [trouble, Outcome("pending"), ProviderDown(), ProviderTimeout(), SUCCESS]
    payment = confirmed(mode="live")

    work.drive_payments()
    payment.refresh_from_db()
    assert (payment.status, payment.provider_state) == ("processing", "unknown")
    due_again(payment)
    drive_until_quiet(payment, due_again, 4)

    assert calls(provider) == ["authorise", "status", "status", "status", "status"]
    payment.refresh_from_db()
    assert payment.status == "succeeded"
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert_ledger_balances()


def test_a_provider_that_could_not_be_reached_is_called_again(confirmed, provider, due_again):
    provider.answers = [ProviderDown(), ProviderDown(), SUCCESS]
    payment = confirmed(mode="live")

    drive_until_quiet(payment, due_again, 3)

    assert calls(provider) == ["authorise", "authorise", "authorise"]
    payment.refresh_from_db()
    assert payment.status == "succeeded"
    assert_ledger_balances()


def test_what_the_provider_never_heard_of_is_sent_again_only_after_a_grace(confirmed, provider, due_again, settings):
    provider.answers = [ProviderTimeout(), Outcome("absent"), Outcome("absent"), SUCCESS]
    payment = confirmed(mode="live")
    drive_until_quiet(payment, due_again, 2)
    assert calls(provider) == ["authorise", "status"]
    assert payment.provider_state == "unknown"

    grace = timedelta(seconds=2 * settings.PROVIDER_TIMEOUT_SECONDS)
    due_again(payment, sent_at=timezone.now() - grace)
    drive_until_quiet(payment, due_again, 1)

    assert calls(provider) == ["authorise", "status", "status", "authorise"]
    assert {reference for _, reference in provider.asked} == {payment.public_id}
    payment.refresh_from_db()
    assert payment.status == "succeeded"
    assert Posting.objects.count() == 1


def test_what_the_provider_had_accepted_is_never_sent_again(confirmed, provider, due_again):
    provider.answers = [Outcome("pending"), Outcome("absent")]
    payment = confirmed(mode="live")
    work.drive_payments()
    due_again(payment, sent_at=timezone.now() - timedelta(days=1))

    drive_until_quiet(payment, due_again, 3)

    assert calls(provider) == ["authorise", "status", "status", "status"]
    payment.refresh_from_db()
    assert (payment.status, payment.provider_state) == ("processing", "sent")


def test_what_a_dead_worker_was_sending_is_asked_about(confirmed, provider, due_again):
    provider.answers = [SUCCESS]
    payment = due_again(confirmed(mode="live"), provider_state="sending", sent_at=timezone.now())

    work.drive_payments()

    assert calls(provider) == ["status"]
    payment.refresh_from_db()
    assert payment.status == "succeeded"


def test_a_worker_whose_lease_was_taken_over_does_not_send(confirmed, provider):
    provider.answers = [SUCCESS]
    payment = confirmed(mode="live")
    [held] = claim_due(Payment.objects.select_related("order"), limit=1)
    Payment.objects.update(lease="somebody else's")

    work._drive_payment(held)

    assert provider.asked == []
    payment.refresh_from_db()
    assert (payment.provider_state, payment.lease) == ("none", "somebody else's")


def test_a_slow_worker_cannot_reopen_what_a_callback_ended(confirmed, provider, paid):
    payment = confirmed(mode="live")

    def authorise(charge):
        from payments.services.operators import _PAGE
        from payments.services.outcomes import apply_outcome

        apply_outcome(actor=_PAGE, payment=payment, outcome=SUCCESS)
        raise ProviderTimeout

    provider.authorise = authorise
    work.drive_payments()

    payment.refresh_from_db()
    assert (payment.status, payment.provider_state, payment.due_at) == ("succeeded", "answered", None)
    assert_ledger_balances()


def test_one_row_in_trouble_does_not_hold_up_the_others(confirmed, monkeypatch):
    first, second = confirmed(), confirmed()
    real = work.apply_outcome

    def apply_outcome(*, payment, **more):
        if payment.pk == first.pk:
            raise RuntimeError("a bug")
        return real(payment=payment, **more)

    monkeypatch.setattr(work, "apply_outcome", apply_outcome)
    assert work.drive_payments() == 2

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("processing", "succeeded")
    assert first.leased_until > timezone.now()


def test_a_leased_row_is_nobody_elses_until_the_lease_runs_out(confirmed):
    payment = confirmed()
    rows = Payment.objects.all()

    assert [row.pk for row in claim_due(rows)] == [payment.pk]
    assert claim_due(rows) == []
    Payment.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    [again] = claim_due(rows)

    assert again.tries == 2
    payment.refresh_from_db()
    assert settle(payment) is True
    assert settle(again) is False


def test_payments_nobody_confirmed_expire_once_and_no_others(cast, make, confirmed, manual_order, pay):
    late, young, acting = make(), make(), confirmed(vpa="pending@upi")
    queued = pay(manual_order())
    Payment.objects.exclude(pk=young.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert work.expire_payments() == 1
    assert work.expire_payments() == 0

    for payment, status in ((late, "failed"), (young, "created"), (acting, "processing"), (queued, "created")):
        payment.refresh_from_db()
        assert payment.status == status
    assert (late.failure_code, late.failure_reason) == ("expired", "The payer did not pay in time.")


def test_a_payment_confirmed_while_the_sweep_looked_does_not_expire(make):
    from payments.services.outcomes import expire

    payment = make()
    Payment.objects.update(expires_at=timezone.now())
    seen_by_the_sweep = Payment.objects.get()
    begin(work._WORKER, payment, due_at=timezone.now())

    assert expire(actor=work._SCHEDULER, payment=seen_by_the_sweep) is False

    payment.refresh_from_db()
    assert payment.status == "processing"


def test_a_soon_answer_wakes_a_worker_by_itself(confirmed, settings, monkeypatch):
    from gateway.lib import providers

    woken = []
    monkeypatch.setattr(providers, "wake", lambda task, **more: woken.append((task, more)))
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 1.0
    confirmed()

    work.drive_payments()

    [(task, more)] = woken
    assert task == "payments.drive"
    assert 0.5 < more["after_seconds"] <= 1.0


def test_what_waits_behind_the_payment_that_pays_its_order_is_never_sent(manual_order, pay, provider):
    order = manual_order(mode="live")
    first, second = pay(order), pay(order)
    provider.answers = [SUCCESS]

    work.drive_payments()

    first.refresh_from_db()
    second.refresh_from_db()
    assert provider.asked == [("authorise", first.public_id)]
    assert (first.status, first.provider_state) == ("succeeded", "answered")
    assert (second.status, second.provider_state, second.due_at, second.lease) == ("failed", "none", None, "")
    assert (second.failure_code, second.flag) == ("order_already_paid", "")
    told = Event.objects.filter(subject=second.public_id).values_list("type", flat=True)
    assert list(told) == ["payment.failed"]
    assert not Posting.objects.filter(reference__contains=second.public_id).exists()
    assert_ledger_balances()


def test_what_has_been_sent_is_asked_about_although_another_paid_its_order(manual_order, pay, provider, due_again):
    order = manual_order(mode="live")
    second = pay(order)
    provider.answers = [ProviderTimeout(), SUCCESS, Outcome("failed", code="declined")]
    work.drive_payments()
    first = pay(order)

    work.drive_payments()
    due_again(second)
    work.drive_payments()

    second.refresh_from_db()
    assert provider.asked == [
        ("authorise", second.public_id), ("authorise", first.public_id), ("status", second.public_id),
    ]
    assert (second.status, second.failure_code) == ("failed", "declined")
