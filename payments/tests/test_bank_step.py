"""A step at the payer's bank: waited for, asked about, and decided by the provider's word alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.providers import Outcome, ProviderTimeout
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.errors import PaymentUnderWay
from payments.models import Payment
from payments.providers.base import Callback
from payments.providers.cards import CardDetails
from payments.services import apply_provider_event, clear_flag, pay_order, return_from_step
from webhooks.models import Event

pytestmark = pytest.mark.django_db
PAYER = Actor.system("payment page")
URL = "https://acs.bank.example/step?session=1&x=%20"
STEP = Outcome("pending", step_url=URL)
PENDING = Outcome("pending")
FAILED = Outcome("failed", code="authentication_failed", message="Not confirmed.")
SUCCESS = Outcome("succeeded", utr="UTR0000001", amount_minor=100_000, currency="INR")


def card(number="4000000000003220"):
    return CardDetails(number, 12, timezone.now().year + 2, "123")


@pytest.fixture
def live(confirmed, provider):
    """A live payment, and a provider that answers `answers` one after the other."""

    def live(*answers, **more):
        provider.answers = list(answers)
        return confirmed(mode="live", vpa="payer@okbank", **more)

    return live


def drive(payment):
    """A round of the worker, with the row due; what it leaves."""
    Payment.objects.filter(pk=payment.pk, due_at__isnull=False).update(due_at=timezone.now())
    work.drive_payments()
    payment.refresh_from_db()
    return payment.status, payment.provider_state, payment.step_url


def names(payment):
    return list(Event.objects.filter(subject=payment.public_id).order_by("id").values_list("type", flat=True))


def trail(payment):
    rows = AuditRecord.objects.filter(target=payment.public_id).order_by("id")
    return [action.removeprefix("payment.") for action in rows.values_list("action", flat=True)]


def over(payment):
    Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now())


def test_it_waits_for_its_payer_and_the_provider_decides(cast, live, provider, balances, settings):
    settings.BANK_STEP_MINUTES = 15
    payment = live(STEP, STEP, PENDING, SUCCESS)
    before = timezone.now()

    assert drive(payment) == ("processing", "sent", URL)
    assert timedelta(minutes=14, seconds=59) < payment.expires_at - before < timedelta(minutes=15, seconds=30)
    until = payment.expires_at
    assert drive(payment) == ("processing", "sent", URL)
    assert drive(payment) == ("processing", "sent", URL)  # told once is enough
    assert payment.expires_at == until
    assert drive(payment) == ("succeeded", "answered", "")

    assert [call for call, _ in provider.asked] == ["authorise", "status", "status", "status"]
    assert trail(payment) == ["created", "processing", "step_asked", "succeeded", "captured"]
    assert names(payment) == ["payment.initiated", "payment.succeeded", "payment.captured"]
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert_ledger_balances()


def test_it_is_asked_after_as_it_says_and_never_later_than_its_end(live):
    payment = live(Outcome("pending", step_url=URL, ask_after=40), Outcome("pending", ask_after=7200))
    drive(payment)
    assert timedelta(seconds=30) < payment.due_at - timezone.now() <= timedelta(seconds=40)

    drive(payment)

    assert payment.due_at == payment.expires_at


def test_declined_at_the_bank(cast, live, balances):
    payment = live(STEP, FAILED)
    drive(payment)

    assert drive(payment) == ("failed", "answered", "")

    assert (payment.failure_code, payment.failure_reason, payment.due_at) == (
        "authentication_failed", "Not confirmed.", None,
    )
    assert names(payment) == ["payment.initiated", "payment.failed"]
    assert balances(cast.merchant, "live") == (0, 0, 0)


@pytest.mark.parametrize("url", [
    "javascript:alert(1)", "//bank.example/step", "/pay/x", "https://", "ftp://bank.example", "https://good@evil.example/",
    "https://bank.example\\@evil.example/", "https://bank.example/a b", "https://bank.example/\r\nSet-Cookie: a=b",
    'https://bank.example/"onclick="x', "https://bаnk.example/", "https://bank.example:99999/", "https://[::1",
    "HTTPS://bank.example/" + "a" * 2000, "https://bank.example/" + "a" * 2000, " https://bank.example/", "data:text/html,x",
])
def test_no_browser_is_sent_to_what_is_no_web_address(url):
    with pytest.raises(ValueError, match=r"address|IPv6|[Pp]ort"):
        Outcome("pending", step_url=url)


@pytest.mark.parametrize("url", [
    "https://bank.example", "https://bank.example:8443/3ds?a=b&c=%2F#d", "http://127.0.0.1:8000/pay/test-bank/x:y", "https://[::1]/x",
    "https://bank.example/" + "a" * 1979,
])
def test_web_addresses_are_taken_as_they_are(url):
    assert Outcome("pending", step_url=url).step_url == url


@pytest.mark.parametrize("result", ["succeeded", "failed", "absent", "unknown", "unsent"])
def test_only_what_is_pending_has_a_step(result):
    assert Outcome(result, step_url="javascript:alert(1)").step_url == ""


def test_a_live_payer_is_sent_to_https_alone(live, provider):
    payment = live(Outcome("pending", step_url="http://acs.bank.example/step"), SUCCESS)

    assert drive(payment) == ("processing", "unknown", "")

    assert trail(payment) == ["created", "processing"]
    assert drive(payment) == ("succeeded", "answered", "")
    assert [call for call, _ in provider.asked] == ["authorise", "status"]


def test_who_never_comes_back_has_a_payment_that_expired(cast, live, balances):
    payment = live(STEP)
    drive(payment)
    over(payment)

    assert drive(payment) == ("failed", "sent", "")

    assert (payment.failure_code, payment.failure_reason, payment.flag) == (
        "expired", "The payer did not confirm the payment at the bank in time.", "",
    )
    assert names(payment) == ["payment.initiated", "payment.failed"]
    assert balances(cast.merchant, "live") == (0, 0, 0)


def test_nothing_expires_while_the_provider_cannot_be_asked(live):
    payment = live(STEP, ProviderTimeout(), ProviderTimeout(), SUCCESS)
    drive(payment)
    over(payment)

    assert drive(payment) == ("processing", "sent", URL)
    assert payment.due_at > timezone.now()
    assert drive(payment) == ("processing", "sent", URL)
    assert drive(payment) == ("succeeded", "answered", "")
    assert (payment.flag, names(payment)[1:]) == ("", ["payment.succeeded", "payment.captured"])


def test_money_that_comes_after_all_is_asked_for_booked_and_flagged(cast, live, balances):
    payment = live(STEP, STEP, STEP, ProviderTimeout(), SUCCESS)
    drive(payment)
    over(payment)
    assert drive(payment) == ("failed", "sent", "")
    assert payment.due_at > timezone.now()
    assert drive(payment) == drive(payment) == ("failed", "sent", "")
    assert balances(cast.merchant, "live") == (0, 0, 0)

    assert drive(payment) == ("succeeded", "answered", "")

    assert (payment.flag, payment.due_at) == ("late_success", None)
    assert names(payment)[1:] == ["payment.failed", "payment.succeeded", "payment.captured"]
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert_ledger_balances()


@pytest.mark.parametrize(("answer", "long_ago", "state"), [
    (FAILED, timedelta(), "answered"), (Outcome("absent"), timedelta(), "sent"), (STEP, timedelta(days=1), "sent"),
    (ProviderTimeout(), timedelta(days=1), "sent"),
], ids=["refused", "absent", "a-day-later", "silent-for-a-day"])
def test_nobody_asks_for_ever(live, provider, answer, long_ago, state):
    payment = live(STEP, STEP, answer)
    drive(payment)
    over(payment)
    drive(payment)
    Payment.objects.update(completed_at=timezone.now() - long_ago)

    assert drive(payment) == ("failed", state, "")

    assert (payment.due_at, payment.failure_code, payment.flag) == (None, "expired", "")
    asked = len(provider.asked)
    drive(payment)
    assert len(provider.asked) == asked == 3


def test_another_card_beside_it_is_refused_and_after_it_flagged_if_both_pay(cast, make_order, provider, balances):
    provider.answers = [STEP]
    order = make_order()
    first = pay_order(actor=PAYER, order=order, contract="checkout", method="card", card=card(), alone=True)
    drive(first)
    with pytest.raises(PaymentUnderWay):
        pay_order(actor=PAYER, order=order, contract="checkout", method="card", card=card(), alone=True)
    assert Payment.objects.count() == 1
    over(first)
    drive(first)

    second = pay_order(actor=PAYER, order=order, contract="checkout", method="card", card=card(), alone=True)
    provider.answers = [SUCCESS]
    assert drive(second)[0] == "succeeded"
    provider.answers = [Outcome("succeeded", utr="UTR0000002")]

    assert drive(first)[0] == "failed"
    assert (first.flag, first.due_at) == ("second_success", None)
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert Posting.objects.filter(kind="payment.capture").count() == 1
    assert_ledger_balances()


@pytest.mark.parametrize(("late", "flag"), [
    (Outcome("succeeded", utr="UTR0000002"), "second_success"), (Outcome("succeeded", amount_minor=1), "amount_differs"),
])
def test_late_money_that_a_person_has_dealt_with_is_not_flagged_again(cast, make_order, provider, late, flag):
    provider.answers = [STEP]
    first = pay_order(actor=PAYER, order=make_order(), contract="checkout", method="card", card=card(), alone=True)
    drive(first)
    over(first)
    drive(first)
    second = pay_order(actor=PAYER, order=first.order, contract="checkout", method="card", card=card(), alone=True)
    provider.answers = [SUCCESS]
    drive(second)

    assert told(first, late) == "flagged"
    first.refresh_from_db()
    assert (first.flag, first.due_at) == (flag, None)
    clear_flag(actor=Actor(cast.super_admin, "panel"), record=first, note="Returned to the payer")
    provider.answers = [late]

    assert (drive(first)[0], first.flag) == ("failed", "")


@pytest.fixture
def make_order(manual_order):
    def make():
        order = manual_order(mode="live")
        type(order).objects.update(manual_capture=False)
        return order

    return make


# Coming back ----------------------------------------------------------------------------------------------------
def test_a_return_proves_nothing_and_has_the_provider_asked_at_once(live, provider):
    payment = live(STEP, STEP)
    drive(payment)
    Payment.objects.update(due_at=timezone.now() + timedelta(hours=1), tries=9)

    return_from_step(actor=PAYER, payment=payment)

    payment.refresh_from_db()
    assert (payment.status, payment.step_url, payment.tries) == ("processing", URL, 0)
    assert payment.due_at <= timezone.now()
    work.drive_payments()
    payment.refresh_from_db()
    assert (payment.status, payment.step_url) == ("processing", URL)
    assert [call for call, _ in provider.asked] == ["authorise", "status"]


def test_who_comes_back_at_the_last_moment_is_waited_for_a_little_and_once(live):
    payment = live(STEP)
    drive(payment)
    over(payment)
    return_from_step(actor=PAYER, payment=payment)
    payment.refresh_from_db()
    first = payment.expires_at
    assert timedelta(minutes=4) < first - timezone.now() <= timedelta(minutes=5)
    assert drive(payment) == ("processing", "sent", URL)

    return_from_step(actor=PAYER, payment=payment)
    payment.refresh_from_db()
    assert payment.expires_at == first
    assert trail(payment).count("step_returned") == 1
    over(payment)
    assert drive(payment)[0] == "failed"


@pytest.mark.parametrize("answers", [[PENDING], [SUCCESS], [FAILED], [ProviderTimeout()]], ids=["none", "paid", "failed", "unknown"])
def test_a_return_from_nowhere_changes_nothing(live, answers):
    payment = live(*answers)
    drive(payment)
    before = Payment.objects.filter(pk=payment.pk).values().get()

    return_from_step(actor=PAYER, payment=payment)

    assert Payment.objects.filter(pk=payment.pk).values().get() == before
    assert "step_returned" not in trail(payment)


def test_an_answer_older_than_the_return_does_not_put_the_question_off(live, provider):
    payment = live(STEP)
    drive(payment)

    def meanwhile(reference):
        return_from_step(actor=PAYER, payment=payment)
        return Outcome("pending", ask_after=3600)

    provider.status = meanwhile
    drive(payment)

    assert payment.due_at <= timezone.now()
    assert (payment.lease, payment.tries, payment.status) == ("", 0, "processing")


def test_an_answer_older_than_the_return_does_not_end_it(live, provider):
    payment = live(STEP)
    drive(payment)
    over(payment)

    def meanwhile(reference):
        return_from_step(actor=PAYER, payment=payment)
        return PENDING

    provider.status = meanwhile

    assert drive(payment) == ("processing", "sent", URL)


def told(payment, outcome, event="evt-1"):
    return apply_provider_event(provider="scripted", event=Callback(event, payment.public_id, outcome))


def test_a_callback_before_the_return(cast, live, balances):
    payment = live(STEP)
    drive(payment)

    assert [told(payment, SUCCESS), told(payment, SUCCESS)] == ["succeeded", "duplicate"]
    return_from_step(actor=PAYER, payment=payment)
    work.drive_payments()

    payment.refresh_from_db()
    assert (payment.status, payment.step_url, payment.step_returned_at, payment.due_at) == ("succeeded", "", None, None)
    assert balances(cast.merchant, "live") == (97_640, 0, 0)


def test_a_callback_before_the_step_is_written_down(live, provider):
    payment = live()

    def meanwhile(charge):
        assert told(payment, SUCCESS) == "succeeded"
        return STEP

    provider.authorise = meanwhile
    work.drive_payments()

    payment.refresh_from_db()
    assert (payment.status, payment.provider_state, payment.step_url) == ("succeeded", "answered", "")
    assert "step_asked" not in trail(payment)


def test_a_callback_that_says_pending_sends_nobody_anywhere(live):
    payment = live(STEP)
    drive(payment)

    assert told(payment, Outcome("pending", step_url="https://other.example/")) == "none"

    payment.refresh_from_db()
    assert payment.step_url == URL
