"""A payer who has the page, ours or the shop's own, open in many windows and presses everywhere at once pays once."""

import pytest

from accounts.models import Merchant
from gateway.contracts.checkout.testing import CARD, Checkout, call, good
from gateway.lib.racing import together
from ledger.testing import assert_ledger_balances
from payments.models import Payment, SandboxCharge
from payments.page_pass import issue_pass
from payments.work import drive_payments

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture
def order(cast, settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0
    settings.PUBLIC_CHECKOUT_RATE_LIMIT = 1000
    return Checkout(cast.merchant).order(manual_capture=False)


def pay(order, key):
    sent = {"Idempotency-Key": key, "X-Checkout-Token": issue_pass(order["id"])}
    body = {"order_id": order["id"], "method": "upi", "vpa": "success@upi"}
    return call("POST", "/payments/public", body, headers=sent, documented=False).status_code


def test_twelve_windows_one_payment(order, cast, balances):
    codes = together(12, lambda index: pay(order, f"window-{index}"))
    drive_payments()

    assert sorted(codes) == [201] + [409] * 11
    assert Payment.objects.count() == SandboxCharge.objects.count() == 1
    assert balances(cast.merchant) == (48_820, 0, 0)
    assert_ledger_balances()


def test_twelve_presses_on_the_shops_own_page_one_payment(order, cast, balances):
    """Each press with a key of its own, as a page makes them that knows no better."""
    Merchant.objects.update(public_checkout=True)
    public = good(call("POST", "/orders/public", {"amount": 50_000, "merchant_id": cast.merchant.public_id}))
    body = {"order_id": public["id"]} | CARD

    answers = together(12, lambda index: call("POST", "/payments/public", body, headers={"Idempotency-Key": f"{index}"}))
    drive_payments()

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    assert Payment.objects.count() == SandboxCharge.objects.count() == 1
    assert balances(cast.merchant) == (48_820, 0, 0)
    assert_ledger_balances()


def test_one_try_sent_twelve_times_is_one_payment(order, cast, balances):
    codes = together(12, lambda index: pay(order, "the same try"))
    drive_payments()

    assert set(codes) <= {201, 409}
    assert 201 in codes
    assert pay(order, "the same try") == 201
    assert Payment.objects.count() == 1
    assert balances(cast.merchant) == (48_820, 0, 0)
    assert_ledger_balances()
