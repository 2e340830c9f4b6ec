"""The way to the payer's bank and back, from both hosted pages: where it leads, and that nothing in a request decides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.pay import limits
from ledger.testing import assert_ledger_balances
from payments.models import Payment, SandboxCharge
from payments.providers.cards import CardDetails
from payments.services import confirm_payment, create_payment, pay_order
from payments.work import drive_payments

pytestmark = pytest.mark.django_db
PAYER = Actor.system("payment page")
EVIL = "https://evil.example/"


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


def card():
    return CardDetails("4000000000003220", 12, timezone.now().year + 2, "123")


@pytest.fixture
def of_link(cast):
    """A payment link's payment whose payer must go to the bank."""
    payment = create_payment(
        actor=PAYER, merchant=cast.merchant, mode="test", contract="portal", amount=Money(50_000, "INR"),
        reference="ORDER-1", method="card", redirect_url="https://shop.example/thanks",
    )
    confirm_payment(actor=PAYER, payment=payment, card=card())
    return at_the_bank(payment)


@pytest.fixture
def of_order(make_order):
    order = make_order(50_000, manual_capture=False)
    return at_the_bank(pay_order(actor=PAYER, order=order, contract="checkout", method="card", card=card()))


def at_the_bank(payment):
    drive_payments()
    payment.refresh_from_db()
    assert payment.awaits_bank_step
    Payment.objects.filter(pk=payment.pk).update(due_at=timezone.now() + timedelta(hours=1))
    return payment


@pytest.fixture(params=["of_link", "of_order"])
def payment(request):
    return request.getfixturevalue(request.param)


def page_of(payment):
    return f"/pay/{payment.order.public_id if payment.contract == 'checkout' else payment.page_token}"


def seen(payment, more=""):
    return Client().get(page_of(payment) + more).content.decode()


def answer(payment, word):
    """The payer presses a button of the bank, in a browser that checks tokens as ours does."""
    path = payment.step_url.removeprefix(payment.step_url.split("/pay/")[0])
    browser = Client(enforce_csrf_checks=True)
    got = browser.get(path)
    assert got.status_code == 200
    token = got.content.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    return browser.post(path, {"answer": word, "csrfmiddlewaretoken": token})


def state(payment):
    payment.refresh_from_db()
    return payment.status, payment.failure_code


def test_the_page_says_what_happens_and_leads_to_the_bank_by_a_plain_link(payment):
    page = seen(payment)

    for text in ("Confirm at your bank", "Do not pay a second time", f'href="{page_of(payment)}/bank"'):
        assert text in page
    assert "Return to Chai Point" not in page
    assert payment.step_url not in page
    assert "data-bank" not in page  # who opens the page goes on by the own hand
    assert "Go to your bank" in seen(payment, "/status?shown=processing.x")
    assert f'data-bank="{payment.public_id}"' in seen(payment, "/status?shown=processing.x")
    got = Client().get(f"{page_of(payment)}/bank")
    assert (got.status_code, got["Location"]) == (302, payment.step_url)
    assert got["Referrer-Policy"] == "same-origin"
    assert got["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("word", "status", "heading"), [
    ("approve", ("succeeded", ""), "Payment received"),
    ("decline", ("failed", "authentication_failed"), "Payment failed"),
])
def test_the_answer_at_the_bank_leads_back_and_the_provider_is_asked(payment, word, status, heading):
    got = answer(payment, word)
    assert got["Location"].endswith(f"{page_of(payment)}/return")
    assert state(payment) == ("processing", "")

    back = Client().get(f"{page_of(payment)}/return")
    assert (back.status_code, back["Location"]) == (302, page_of(payment))
    assert "Confirming your payment" in seen(payment)
    drive_payments()

    assert state(payment) == status
    assert heading in seen(payment)
    assert_ledger_balances()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_forged_return_decides_nothing_and_leads_nowhere_else(payment, method):
    said = {
        "status": "success", "paid": "1", "next": EVIL, "url": EVIL, "redirect": EVIL, "payment_id": payment.public_id,
    }
    browser = Client(enforce_csrf_checks=True)

    got = getattr(browser, method)(f"{page_of(payment)}/return", said, headers={"Referer": EVIL, "Origin": EVIL})

    assert (got.status_code, got["Location"]) == (302, page_of(payment))
    drive_payments()
    assert state(payment) == ("processing", "")
    assert SandboxCharge.objects.get().decision == "step"
    Payment.objects.update(step_returned_at=timezone.now() - timedelta(minutes=1))
    assert "Your bank has not told us yet" in seen(payment)
    assert "data-bank" not in seen(payment, "/status?shown=processing.x")


def test_nobody_is_sent_where_a_request_says(payment):
    for more in (f"?url={EVIL}", f"?next={EVIL}", f"?step_url={EVIL}"):
        assert Client().get(f"{page_of(payment)}/bank{more}")["Location"] == payment.step_url
    for path in ("/pay/nothing/bank", "/pay/nothing/return", "/pay/order_0123456789abcdef/bank", "/pay/%2F%2Fevil.example/bank",
                 "/pay/order_0123456789abcdef/return"):
        assert Client().get(path).status_code == 404
    assert Client().post(f"{page_of(payment)}/bank").status_code == 405


def test_returned_twice_and_after_the_end(payment):
    for _ in range(2):
        answer(payment, "approve")
        assert Client().get(f"{page_of(payment)}/return").status_code == 302
        drive_payments()
        assert state(payment) == ("succeeded", "")
        Payment.objects.update(step_returned_at=None)
        payment.refresh_from_db()
        if not payment.step_url:
            break
    before = Payment.objects.values().get()

    again = Client().post(f"{page_of(payment)}/return")

    assert (again.status_code, again["Location"]) == (302, page_of(payment))
    assert Payment.objects.values().get() == before
    assert SandboxCharge.objects.get().times_asked == 1


def test_a_page_that_was_left_open_leads_to_its_end_and_not_to_the_bank(payment):
    answer(payment, "decline")
    Client().get(f"{page_of(payment)}/return")
    drive_payments()

    got = Client().get(f"{page_of(payment)}/bank")

    assert (got.status_code, got["Location"]) == (302, page_of(payment))


def test_an_order_takes_no_other_card_meanwhile_and_another_after_it(of_order):
    order, page = of_order.order, seen(of_order)
    assert "data-checkout" not in page
    assert 'name="vpa"' not in page
    Client().post(page_of(of_order), {"vpa": "success@upi"})
    assert Payment.objects.count() == 1

    Payment.objects.update(expires_at=timezone.now(), due_at=timezone.now())
    drive_payments()

    assert state(of_order) == ("failed", "expired")
    page = seen(of_order)
    for text in ("The payer did not confirm the payment at the bank in time.", "data-checkout", 'name="vpa"'):
        assert text in page
    Client().post(page_of(of_order), {"vpa": "success@upi"})
    assert sorted(order.payments.values_list("status", flat=True)) == ["created", "failed"]


def test_whose_order_is_paid_otherwise_is_not_led_to_the_bank(of_order):
    link = f"/pay/{of_order.page_token}"
    assert Client().get(f"{link}/bank")["Location"] == of_order.step_url
    pay_order(actor=PAYER, order=of_order.order, contract="checkout", method="upi", vpa="success@upi")
    for _ in range(2):
        Payment.objects.filter(method="upi").update(due_at=timezone.now())
        drive_payments()

    assert (state(of_order), of_order.awaits_bank_step) == (("processing", ""), True)
    for path in (link, page_of(of_order)):
        got = Client().get(f"{path}/bank")
        assert (got.status_code, got["Location"]) == (302, path)
        assert "Go to your bank" not in Client().get(path).content.decode()
    assert "This has been paid already" in Client().get(link).content.decode()


def test_a_link_that_expired_at_the_bank_says_so(of_link):
    Payment.objects.update(expires_at=timezone.now(), due_at=timezone.now())
    drive_payments()

    assert state(of_link) == ("failed", "expired")
    page = seen(of_link)
    assert "This payment link has expired" in page
    assert "If you have already paid, do not pay again" in page


def test_a_return_many_times_a_minute_is_slowed_down(payment, monkeypatch):
    monkeypatch.setattr(limits, "PER_PAGE", 2)

    statuses = [Client().get(f"{page_of(payment)}/return").status_code for _ in range(3)]

    assert statuses == [302, 302, 429]


def test_asking_for_the_headers_alone_does_nothing(payment):
    before = Payment.objects.values().get()

    assert Client().head(f"{page_of(payment)}/return").status_code == 302
    assert Client().put(f"{page_of(payment)}/return").status_code == 405

    assert Payment.objects.values().get() == before


# The sandbox's bank ---------------------------------------------------------------------------------------------
def test_the_test_bank_answers_once_with_its_key_alone(payment):
    path = "/pay/" + payment.step_url.split("/pay/")[1]
    page = Client().get(path).content.decode()
    for text in ("Is this you?", "₹500.00", "Approve", "Decline", "Test payment."):
        assert text in page
    assert [Client().post(f"{path}x", {"answer": "approve"}).status_code, Client().get("/pay/test-bank/x").status_code] == [404] * 2
    assert Client(enforce_csrf_checks=True).post(path, {"answer": "approve"}).status_code == 403
    assert SandboxCharge.objects.get().decision == "step"

    answer(payment, "decline")

    after = Client().get(path).content.decode()
    assert "This has been answered" in after
    assert f'href="{SandboxCharge.objects.get().return_url}"' in after
    assert Client().post(path, {"answer": "approve"}).status_code == 302
    assert SandboxCharge.objects.get().decision == "fail"


def test_the_test_bank_leads_back_to_us_alone(payment):
    path = "/pay/" + payment.step_url.split("/pay/")[1]
    SandboxCharge.objects.update(return_url=EVIL)

    got = Client().post(path, {"answer": "approve"})

    assert got.status_code == 200
    assert "evil" not in got.content.decode()
