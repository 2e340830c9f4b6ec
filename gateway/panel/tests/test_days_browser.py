"""Two people's days in a real Chromium, from signing in to the last figure: an operator's morning, and the first hour of
a merchant; and where a merchant's money may go."""

from __future__ import annotations

import json
import re

import pyotp
import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts import second_factor
from accounts.actors import Actor
from accounts.invitations import password_link
from accounts.models import SecondFactor, SettlementAccount
from accounts.services import create_user
from crypto.models import Withdrawal, WithdrawalAddress
from gateway.lib.http_testing import answer, receiver
from gateway.lib.money import Money
from ledger.testing import assert_ledger_balances, fund
from payments import work
from payments.receiving import add_account
from payments.receiving.queries import INDIA
from payments.services import confirm_payment, create_payment
from payments.statements.importing import drive_statements
from payouts.services import create_payout
from webhooks.models import Delivery
from webhooks.sending import drain
from webhooks.services import create_endpoint

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct-horse-battery"
UTR = "412345678901"
COLD = "0x52908400098527886E0F7030069857D2E4169EE7"


def sign_in(page, email, password=PASSWORD):
    page.goto("/panel/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def go(page, name):
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=False).first.click()


def go_live(page):
    page.get_by_role("group", name="Mode").get_by_text("Live").click()
    page.get_by_role("dialog").get_by_role("button", name="Switch to live").click()
    page.get_by_text("Live mode.", exact=True).wait_for()


# The operator -------------------------------------------------------------------------------------------------
@pytest.fixture
def authenticator(cast):
    """`authenticator()` is the code of now, as often as it is asked for."""
    secret = second_factor.begin_enrolment(user=cast.admin)
    second_factor.confirm_enrolment(actor=Actor(cast.admin, "tests"), user=cast.admin, code=pyotp.TOTP(secret).now())

    def code():
        SecondFactor.objects.filter(user=cast.admin).update(last_step=0)
        return pyotp.TOTP(secret).now()

    return code


@pytest.fixture
def overnight(cast, settings):
    """What came in while nobody was there: a payer's claim, and a vendor's payout."""
    settings.LIVE_PAYMENT_PROVIDER, settings.LIVE_PAYOUT_PROVIDER = "manual_upi", "bank_file"
    add_account(actor=Actor(cast.super_admin, "tests"), mode="live", vpa="shop@okbank", bank_name="OK Bank",
                holder="Chai Point", daily_limit=None)
    usual = {"merchant": cast.merchant, "mode": "live", "contract": "portal", "created_by": cast.merchant_user}
    actor = Actor(cast.merchant_user, "tests")
    payment = create_payment(actor=actor, amount=Money(1_000_00, "INR"), reference="ORDER-1", **usual)
    confirm_payment(actor=Actor.system("payment page"), payment=payment, utr=UTR)
    work.drive_payments()
    fund(cast.merchant, 5_000_000, mode="live")
    payouts = [
        create_payout(actor=actor, amount=Money(minor, "INR"), reference=f"VENDOR-{minor}", account_number=f"{minor:012d}",
                      beneficiary_name=name, ifsc="HDFC0001234", **usual)
        for name, minor in (("Ravi Kumar", 45_000_00), ("Asha Rao", 1_500_00))
    ]
    return payment, payouts


def test_an_operator_s_morning(cast, browse, overnight, authenticator, settings):
    payment, payouts = overnight
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    page = browse()
    sign_in(page, "admin@example.com")
    page.get_by_role("textbox", name="Code").fill(authenticator())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/panel/")
    go_live(page)

    with receiver(answer(200, b"ok")) as there:
        create_endpoint(actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="live", url=there.url)
        import_statement(page)
        payment.refresh_from_db()
        assert (payment.status, payment.utr, payment.received_minor) == ("succeeded", UTR, 100_000)
        approve_from_the_queue(page, authenticator, settings)
        replay(page)
        [heard] = there.requests
    assert json.loads(heard.body)["transaction_id"] == payment.public_id

    for payout in payouts:
        payout.refresh_from_db()
        assert (payout.status, payout.approved_by) == ("approved", cast.admin)
    assert_ledger_balances()


def import_statement(page):
    """The bank's statement of the night: the payer's claim is proved by it."""
    go(page, "Statements")
    page.get_by_role("link", name="New statement").first.click()
    row = f"{timezone.localdate(timezone=INDIA):%d/%m/%Y},UPI/{UTR}/ASHA,{UTR},,1000.00"
    content = f"Txn Date,Description,Ref No,Withdrawal,Deposit\n{row}".encode()
    page.get_by_label("File").set_input_files(files=[{"name": "night.csv", "mimeType": "text/csv", "buffer": content}])
    page.get_by_role("button", name="Read the file").click()
    page.get_by_role("heading", name="night.csv").wait_for()
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Import").click()
    page.get_by_role("heading", name="Being imported").wait_for()
    drive_statements()
    expect(page.get_by_role("row").filter(has_text=UTR)).to_contain_text("Matched")


def approve_from_the_queue(page, authenticator, settings):
    """Both payouts at once; the sign-in has grown old meanwhile, so that it is asked who is there."""
    go(page, "To do")
    page.get_by_label("Select Payout to Ravi Kumar, ₹45,000.00").check()
    page.get_by_label("Select Payout to Asha Rao, ₹1,500.00").check()
    settings.STEP_UP_MINUTES = 0
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_role("heading", name="Is it you?").wait_for()
    page.get_by_role("textbox", name="Code").fill(authenticator())
    settings.STEP_UP_MINUTES = 15
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Approve: 2 records, ₹46,500.00?").wait_for()
    page.get_by_role("button", name="Approve all 2").click()
    page.get_by_role("heading", name="2 of 2 approved").wait_for()
    page.get_by_role("link", name="Back to what waits").click()
    page.wait_for_url("**/panel/queue*")


def replay(page):
    """A delivery that was given up, because nobody answered all night, is sent once more."""
    delivery = Delivery.objects.get(event_name="payment.completed")
    Delivery.objects.filter(pk=delivery.pk).update(status="failed", due_at=None)
    go(page, "Webhooks")
    page.get_by_role("link", name="Deliveries", exact=True).click()
    page.get_by_role("link", name="payment.completed").first.click()
    page.get_by_role("button", name="Retry now").click()
    page.get_by_text("It is being sent again.").wait_for()
    drain(seconds=10)
    page.locator(".page-kicker").get_by_text("Delivered").wait_for()


# The merchant -------------------------------------------------------------------------------------------------
def test_a_merchant_s_first_hour(cast, browse, settings):
    settings.WEBHOOK_ALLOW_LOOPBACK, settings.SANDBOX_PAYMENT_DELAY_SECONDS = True, 0
    invited, _ = create_user(actor=Actor(cast.admin, "tests"), email="leela@example.com", name="Leela Nair",
                             role="merchant", parent=cast.admin, business_name="Nair Spices")
    page = browse(accept_downloads=True)

    page.goto(password_link(invited))
    page.get_by_label("New password").fill("cardamom-and-clove-9")
    page.get_by_label("The same again").fill("cardamom-and-clove-9")
    page.get_by_role("button", name="Set password").click()
    page.get_by_text("Your password is set.").wait_for()
    sign_in(page, "leela@example.com", "cardamom-and-clove-9")
    page.wait_for_url("**/panel/")

    key, secret = make_key(page)
    with receiver(answer(200, b"ok")) as there:
        add_endpoint(page, there.url)
        order = order_by_api(page, key, secret)
        pay(page, order)
        drain(seconds=10)
        heard = [request.body for request in there.requests]

    test, *real = [json.loads(body)["event"] for body in heard]
    assert (test, sorted(real)) == ("payment.success", ["payment.captured", "payment.success"])
    # ₹850.00 less 2 % and 18 % GST on that.
    page.goto("/panel/ledger/statement")
    expect(page.get_by_role("main")).to_contain_text("₹829.94")
    with page.expect_download() as pdf:
        page.get_by_role("link", name="PDF").click()
    assert pdf.value.suggested_filename.endswith(".pdf")
    assert set(Delivery.objects.filter(merchant=invited.merchant).values_list("status", flat=True)) == {"succeeded"}
    assert_ledger_balances()


def make_key(page):
    go(page, "API keys")
    page.get_by_role("region", name="Checkout API").get_by_role("link", name="New key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Shop server")
    dialog.get_by_role("button", name="Make the key").click()
    page.get_by_role("heading", name="Your new test key").wait_for()
    key, secret = page.locator(".secret code").all_inner_texts()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("heading", name="Shop server").wait_for()
    return key, secret


def add_endpoint(page, url):
    go(page, "Webhooks")
    page.get_by_role("link", name="Add endpoint").first.click()
    page.get_by_label("Address (URL)").fill(url)
    page.get_by_label("Speaks").select_option("checkout")
    page.get_by_role("button", name="Add endpoint").click()
    page.get_by_role("button", name="Send a test").click()
    page.get_by_role("dialog").get_by_text("It was accepted.").wait_for()


def order_by_api(page, key, secret):
    """What the shop's server does with the key of a minute ago."""
    made = page.request.post("/api/v1/orders", headers={"X-Api-Key": key, "X-Api-Secret": secret},
                             data={"amount": 85_000, "currency": "INR", "receipt": "first", "manual_capture": False})
    assert made.status in (200, 201), made.text()
    return made.json()["id"]


def pay(page, order):
    page.goto(f"/pay/{order}")
    page.get_by_label("Your UPI ID").fill("success@upi")
    page.get_by_role("button", name="by UPI").click()
    page.get_by_role("heading", name=re.compile("Confirming|received")).wait_for()
    while work.drive_payments(10):
        pass
    page.get_by_role("heading", name="Payment received").wait_for()


# Where the money goes ---------------------------------------------------------------------------------------------
def test_a_wallet_and_an_account_are_listed_after_a_proof_and_a_withdrawal_goes_there(cast, browse, settings):
    fund(cast.merchant, 500 * 10**8, currency="USDT", network="BSC")
    page = browse(cast.merchant_user)
    page.goto("/panel/withdrawals/destinations")

    settings.STEP_UP_MINUTES = 0
    page.get_by_role("link", name="Add a wallet").first.click()
    page.get_by_role("heading", name="Is it you?").wait_for()
    settings.STEP_UP_MINUTES = 15
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/withdrawals/destinations")
    page.get_by_role("link", name="Add a wallet").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Network").select_option("BSC")
    dialog.get_by_label("Address").fill("0x12")
    dialog.get_by_role("button", name="Add wallet").click()
    dialog.get_by_text("0x and 40 hexadecimal digits").wait_for()
    assert not WithdrawalAddress.objects.exists()
    dialog.get_by_label("Address").fill(COLD.lower())
    dialog.get_by_label("Label").fill("Cold wallet")
    dialog.get_by_role("button", name="Add wallet").click()
    page.get_by_text("The wallet is on the list.").wait_for()
    page.get_by_role("link", name="Set", exact=True).click()
    dialog.get_by_label("Account holder").fill("Chai Point")
    dialog.get_by_label("Account number").fill("501001234567")
    dialog.get_by_label("IFSC").fill("hdfc0001234")
    dialog.get_by_role("button", name="Save account").click()
    page.get_by_text("The settlement account is saved.").wait_for()

    page.goto("/panel/withdrawals/new")
    page.get_by_label("Amount").fill("25.5")
    page.get_by_label("Network").select_option("BSC")
    page.get_by_label("Address").fill(COLD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Withdraw 25.50 USDT?").wait_for()
    page.get_by_text(COLD).wait_for()
    page.get_by_role("button", name="Withdraw 25.50 USDT").click()
    page.wait_for_url(re.compile(r"/withdrawals/\d+$"))

    row = Withdrawal.objects.get()
    assert (row.amount_minor, row.address, row.fee_minor) == (2_550_000_000, COLD, 2_550_000)
    assert WithdrawalAddress.objects.get().label == "Cold wallet"
    assert SettlementAccount.objects.get().ifsc == "HDFC0001234"
    assert_ledger_balances()
