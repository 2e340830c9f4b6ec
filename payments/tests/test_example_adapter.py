"""The adapter that docs/adapters.md shows, beside an Acme that keeps books: what the document promises is true of it."""

import hashlib
import hmac
import importlib.util
import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.http_testing import answer, receiver
from gateway.lib.money import Money
from ledger.testing import assert_ledger_balances
from payments import work
from payments.models import Payment
from payments.providers import registry
from payments.providers.cards import CardDetails
from payments.services import capture_payment, confirm_payment, create_refund, pay_order

pytestmark = pytest.mark.django_db(transaction=True)
FILE = Path(configured.BASE_DIR) / "docs" / "examples" / "adapters" / "acme.py"
PAYER = Actor.system("payment page")
UTR = "412345678901"
BANK = "https://acs.bank.example/3ds"


def in_words(told, status=200):
    return answer(status, json.dumps(told).encode())


class AcmeBooks:
    """Answers as Acme would. `next_answer` stands in for one answer, after the books were written."""

    def __init__(self):
        self.kept, self.asked, self.next_answer = {}, [], None

    async def __call__(self, exchange):
        request = exchange.request
        self.asked.append(f"{request.method} {request.path}")
        assert request.headers["authorization"] == "Bearer the-key"
        told = self.answer(request.method, request.path, json.loads(request.body or b"null"))
        instead, self.next_answer = self.next_answer, None
        return await (instead or in_words(told))(exchange)

    def answer(self, method, path, sent):
        if path == "/tokens":
            return {"token": f"tok_{sent['number'][-4:]}"}
        if method == "GET":
            return self.kept.get(path.rsplit("/", 1)[1], {"error": "unknown_reference"})
        if path.endswith("/capture"):
            row = self.kept[path.split("/")[2]]
            return row | {"amount": sent["amount"], "state": "paid"}
        state = "sent" if sent.get("vpa") else "at_the_bank" if sent.get("token") == "tok_3220" else "authorised"
        row = {"id": "acme-1", "reference": sent["reference"], "state": state, "amount": sent["amount"], "currency": "INR"}
        more = {"redirect": f"{BANK}?back={sent['return_url']}"} if state == "at_the_bank" else {}
        return self.kept.setdefault(sent["reference"], row | more)


@pytest.fixture
def acme(settings, monkeypatch):
    """Live payments go to Acme, loaded as PAYMENT_ADAPTERS loads it."""
    spec = importlib.util.spec_from_file_location("acme", FILE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "acme", module)
    spec.loader.exec_module(module)
    settings.PAYMENT_ADAPTERS, settings.LIVE_PAYMENT_PROVIDER = ["acme.ACME"], "acme"
    books = AcmeBooks()
    with receiver(books) as server:
        for name, value in {"URL": server.url.removesuffix("/hook"), "KEY": "the-key", "SECRET": "the-secret"}.items():
            monkeypatch.setenv(f"ACME_{name}", value)
        registry.load()
        yield books
    registry._providers.pop("acme")


@pytest.fixture
def live(make):
    def live(**more):
        return confirm_payment(actor=PAYER, payment=make(100_000, mode="live"), vpa="payer@okbank", **more)

    return live


def told(payment, event, state="paid", **more):
    charge = {"id": "acme-1", "reference": payment.public_id, "state": state, "utr": UTR, "amount": 100_000, "currency": "INR"}
    body = json.dumps({"id": event, "charge": charge | more}).encode()
    return body, hmac.new(b"the-secret", body, hashlib.sha256).hexdigest()


def call_back(body, signature):
    return Client().post(
        "/callbacks/payments/acme", data=body, content_type="application/json", headers={"X-Acme-Signature": signature}
    ).status_code


def state_of(payment):
    payment.refresh_from_db()
    return payment.status, payment.provider_state, payment.utr


def test_it_has_what_is_asked_of_an_adapter(acme):
    assert (registry.get("acme").name, registry.live_names()) == ("acme", ["acme", "manual_upi"])
    assert registry.takes_callbacks("acme")


def test_a_payment_is_asked_for_and_called_back(acme, cast, live, balances):
    payment = live()
    work.drive_payments()
    assert state_of(payment) == ("processing", "sent", "")
    body, signature = told(payment, "evt-1")

    assert [call_back(body, "0" * 64), call_back(body, ""), call_back(body + b" ", signature)] == [400, 400, 400]
    assert state_of(payment) == ("processing", "sent", "")
    assert [call_back(body, signature), call_back(body, signature)] == [200, 200]
    work.drive_payments()

    assert state_of(payment) == ("succeeded", "answered", UTR)
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert acme.asked == ["POST /charges", f"POST /charges/{payment.public_id}/capture"]
    assert_ledger_balances()


def test_another_amount_than_was_asked_is_a_persons_matter(acme, cast, live, balances):
    payment = live()
    work.drive_payments()

    assert call_back(*told(payment, "evt-1", amount=1)) == 200

    payment.refresh_from_db()
    assert (payment.status, payment.flag) == ("processing", "amount_differs")
    assert balances(cast.merchant, "live") == (0, 0, 0)


@pytest.mark.parametrize("instead", [
    answer(500, b"{}"), answer(200, b"<html>"), answer(200, b'{"state":'), in_words({"state": "settled"}), answer(429),
], ids=["500", "html", "cut", "a-word-nobody-knows", "429"])
def test_an_answer_that_says_nothing_is_asked_for_and_the_charge_never_made_twice(acme, live, instead):
    payment = live()
    acme.next_answer = instead
    work.drive_payments()
    assert state_of(payment)[:2] == ("processing", "unknown")

    acme.kept[payment.public_id] |= {"state": "paid", "utr": UTR}
    Payment.objects.update(due_at=timezone.now())
    work.drive_payments()

    assert state_of(payment) == ("succeeded", "answered", UTR)
    assert acme.asked == ["POST /charges", f"GET /by-reference/{payment.public_id}"]


def test_only_acmes_own_word_that_it_never_heard_of_it_lets_the_charge_be_sent_again(acme, live):
    payment = live()
    acme.next_answer = answer(500, b"{}")
    work.drive_payments()
    acme.kept.clear()
    long_ago = timezone.now() - timedelta(seconds=10 * configured.PROVIDER_TIMEOUT_SECONDS)
    for instead in (answer(404, b"{}"), None):
        Payment.objects.update(due_at=timezone.now(), sent_at=long_ago)
        acme.next_answer = instead
        work.drive_payments()

    asked = f"GET /by-reference/{payment.public_id}"
    assert acme.asked == ["POST /charges", asked, asked, "POST /charges"]
    assert state_of(payment)[:2] == ("processing", "sent")


def test_nothing_is_sent_to_an_acme_that_is_not_there(acme, live, monkeypatch):
    monkeypatch.setenv("ACME_URL", "http://127.0.0.1:9")
    payment = live()

    work.drive_payments()

    assert state_of(payment) == ("processing", "none", "")


def test_a_card_is_authorised_captured_and_refunded(acme, cast, manual_order, balances):
    order, year = manual_order(mode="live"), timezone.now().year + 2
    card = CardDetails("4111111111111111", 12, year, "123", "A Payer")
    payment = pay_order(actor=PAYER, order=order, contract="checkout", method="card", card=card)
    work.drive_payments()
    payment.refresh_from_db()
    assert (payment.status, payment.captured_at, payment.provider_token) == ("succeeded", None, "tok_1111")

    capture_payment(actor=PAYER, payment=payment)
    work.drive_payments()
    payment.refresh_from_db()
    assert payment.captured_at is not None
    refund = create_refund(actor=Actor(cast.merchant_user, "tests"), payment=payment, amount=Money(40_000, "INR"))
    work.drive_refunds()

    refund.refresh_from_db()
    assert refund.status == "processed"
    assert acme.asked == ["POST /tokens", "POST /charges", f"POST /charges/{payment.public_id}/capture", "POST /refunds"]
    assert_ledger_balances()


def disputed(payment, event, state="taken", **more):
    dispute = {"id": "dsp-77", "charge": payment.public_id, "state": state, "amount": 40_000, "currency": "INR"}
    body = json.dumps({"id": event, "dispute": dispute | {"reason": "10.4"} | more}).encode()
    return body, hmac.new(b"the-secret", body, hashlib.sha256).hexdigest()


def test_a_chargeback_is_told_proposed_and_given_back(acme, cast, live, balances):
    payment = live()
    work.drive_payments()
    call_back(*told(payment, "evt-1"))
    work.drive_payments()  # captures it
    body, signature = disputed(payment, "evt-2")

    assert [call_back(body, "0" * 64), call_back(*disputed(payment, "evt-3", "reviewed"))] == [400, 400]
    assert call_back(*disputed(payment, "evt-4", amount=-1)) == 400
    assert not payment.corrections.exists()
    assert [call_back(body, signature), call_back(body, signature)] == [200, 200]
    (row,) = payment.corrections.all()
    assert (row.kind, row.status, row.amount_minor, row.bank_reference) == ("chargeback", "open", 40_000, "DSP-77")
    assert call_back(*disputed(payment, "evt-5", "won")) == 200

    row.refresh_from_db()
    assert (row.status, balances(cast.merchant, "live")) == ("withdrawn", (97_640, 0, 0))
    assert_ledger_balances()


def by_card_that_asks(order):
    card = CardDetails("4000000000003220", 12, timezone.now().year + 2, "123")
    payment = pay_order(actor=PAYER, order=order, contract="checkout", method="card", card=card)
    work.drive_payments()
    payment.refresh_from_db()
    return payment


def come_back(payment):
    got = Client().post(f"/pay/{payment.order.public_id}/return", {"state": "paid", "reference": payment.public_id})
    assert (got.status_code, got["Location"]) == (302, f"/pay/{payment.order.public_id}")
    work.drive_payments()
    return state_of(payment)


def test_a_card_is_confirmed_at_the_payers_bank(acme, cast, manual_order, balances):
    order = manual_order(mode="live")
    payment = by_card_that_asks(order)
    back = f"{configured.PUBLIC_URL}/pay/{order.public_id}/return"
    assert (*state_of(payment), payment.step_url) == ("processing", "sent", "", f"{BANK}?back={back}")
    assert Client().get(f"/pay/{order.public_id}/bank")["Location"] == payment.step_url

    assert come_back(payment) == ("processing", "sent", "")
    acme.kept[payment.public_id] |= {"state": "authorised", "utr": UTR}

    assert come_back(payment) == ("succeeded", "answered", UTR)
    assert payment.captured_at is None
    asked = f"GET /by-reference/{payment.public_id}"
    assert acme.asked == ["POST /tokens", "POST /charges", asked, asked]
    capture_payment(actor=PAYER, payment=payment)
    work.drive_payments()
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert_ledger_balances()


def test_a_card_is_declined_at_the_payers_bank(acme, cast, manual_order, balances):
    payment = by_card_that_asks(manual_order(mode="live"))
    acme.kept[payment.public_id] |= {"state": "declined", "code": "authentication_failed", "message": "Not confirmed."}

    assert come_back(payment) == ("failed", "answered", "")

    assert (payment.failure_code, payment.failure_reason) == ("authentication_failed", "Not confirmed.")
    assert balances(cast.merchant, "live") == (0, 0, 0)


def test_a_callback_tells_before_the_payer_is_back(acme, manual_order):
    payment = by_card_that_asks(manual_order(mode="live"))

    assert call_back(*told(payment, "evt-1", state="authorised")) == 200

    assert state_of(payment) == ("succeeded", "answered", UTR)
    assert come_back(payment) == ("succeeded", "answered", UTR)
    assert acme.asked == ["POST /tokens", "POST /charges"]


def test_where_the_payer_must_go_is_asked_for_when_the_answer_was_lost(acme, manual_order):
    order, first = manual_order(mode="live"), acme.answer

    def lost_once(method, path, sent):
        told = first(method, path, sent)
        acme.next_answer = answer(500, b"{}") if path == "/charges" else None
        return told

    acme.answer = lost_once
    payment = by_card_that_asks(order)
    assert (*state_of(payment), payment.step_url) == ("processing", "unknown", "", "")
    Payment.objects.update(due_at=timezone.now())
    work.drive_payments()

    assert state_of(payment)[:2] == ("processing", "sent")
    assert payment.step_url.startswith(BANK)
    assert acme.asked == ["POST /tokens", "POST /charges", f"GET /by-reference/{payment.public_id}"]


def test_acme_cannot_send_a_live_payer_to_plain_http(acme, manual_order):
    first = acme.answer
    acme.answer = lambda *asked: {
        name: value.replace("https", "http") if name == "redirect" else value for name, value in first(*asked).items()
    }
    payment = by_card_that_asks(manual_order(mode="live"))

    assert (*state_of(payment), payment.step_url) == ("processing", "unknown", "", "")
    page = Client().get(f"/pay/{payment.order.public_id}/bank")
    assert page["Location"] == f"/pay/{payment.order.public_id}"
