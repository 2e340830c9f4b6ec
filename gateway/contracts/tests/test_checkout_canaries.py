"""A card's number and CVV: sent through every flow, failures and forced errors included, and found nowhere after.

Searched: every table, every log line, every task message (as sent, and as it lies in the broker's folder), and every
answer.
"""

import re

import pytest
from django.apps import apps
from django.db import OperationalError, connection
from django.test import Client

from accounts.models import Merchant
from gateway.celery import app
from gateway.contracts.checkout.testing import Checkout, call, good
from gateway.contracts.models import IdempotencyRecord
from payments.models import Payment
from payments.work import drive_payments, drive_refunds

# Valid numbers whose digits stand nowhere else.
PANS = ["4929939187355598", "4000000000000002", "4000000000000069", "4000000000000119"]
CVV = "907"


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


@pytest.fixture
def checkout(cast, fund):
    Merchant.objects.update(public_checkout=True)
    fund(cast.merchant, 1_000_000)
    return Checkout(cast.merchant)


@pytest.fixture
def messages(monkeypatch, tmp_path):
    """What really goes to a broker of this edition: files in a folder of our own."""
    from celery import Celery

    for name in ("in", "done", "control"):
        (tmp_path / name).mkdir()
    broker = Celery("canaries", broker="filesystem://")
    broker.conf.broker_transport_options = {
        "data_folder_in": str(tmp_path / "in"), "data_folder_out": str(tmp_path / "in"),
        "processed_folder": str(tmp_path / "done"), "control_folder": str(tmp_path / "control"),
    }
    sent = []

    def send_task(name, **more):
        sent.append((name, more))
        broker.send_task(name, kwargs=more.get("kwargs"), retry=False)

    monkeypatch.setattr(app, "send_task", send_task)
    monkeypatch.setattr("gateway.lib.jobs._resting_until", 0.0)
    monkeypatch.setattr("django.db.transaction.on_commit", lambda act, **_: act())

    def texts():
        return repr(sent) + "".join(file.read_text("latin-1") for file in (tmp_path / "in").iterdir())

    return texts


def everything_stored():
    text = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
            text += [repr([bytes(v) if isinstance(v, memoryview) else v for v in row]) for row in cursor.fetchall()]
    return "\n".join(text)


def assert_nowhere(pan, *texts):
    for text in texts:
        assert pan not in text
        assert f"{pan[:4]} {pan[4:8]}" not in text
        assert f"'{CVV}'" not in text
        assert f'"{CVV}"' not in text


def card(pan, **more):
    return {"method": "card", "card_number": pan, "expiry_month": 12, "expiry_year": 2030, "cvv": CVV} | more


@pytest.mark.parametrize("pan", PANS)
@pytest.mark.parametrize("body", ["flat", "nested", "integers"])
def test_every_flow(checkout, logged, messages, pan, body, cast):
    nested = {"method": "card", "card": {"number": pan, "expiry_month": "12", "expiry_year": "2030", "cvv": CVV}}
    sent = {"flat": card(pan), "nested": nested, "integers": card(int(pan), cvv=int(CVV))}[body]
    good(checkout("POST", "/webhooks", {"url": "https://a.example/"}))
    public = good(call("POST", "/orders/public", {"amount": 50000, "merchant_id": cast.merchant.public_id}))
    key = {"Idempotency-Key": "canary"}
    order = checkout.order()
    answers = [
        checkout("POST", "/payments", {"order_id": order["id"]} | sent, headers=key),
        checkout("POST", "/payments", {"order_id": order["id"]} | sent, headers=key),
        call("POST", "/payments/public", {"order_id": public["id"]} | sent, headers=key),
        call("POST", "/payments/public", {"order_id": public["id"]} | sent | {"amount": 50000}, headers=key),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 422]
    drive_payments()
    for row in Payment.objects.all():
        answers.append(checkout("POST", f"/payments/{row.public_id}/capture"))
        answers.append(checkout("POST", "/refunds", {"payment_id": row.public_id}))
        answers.append(checkout("GET", f"/payments/{row.public_id}", basic=True))
    drive_refunds()
    answers.append(checkout("GET", "/webhook-logs"))

    assert "payments.drive" in messages()
    assert "webhooks.deliver" in messages()
    assert_nowhere(pan, everything_stored(), logged(), messages(), *(answer.content.decode() for answer in answers))
    assert Payment.objects.filter(card_last_four=pan[-4:]).count() == 2


@pytest.mark.parametrize("change", [
    {"cvv": "90755"}, {"expiry_year": 2001}, {"expiry_month": 99}, {"name": "x" * 121}, {"order_id": "order_x"},
    {"amount": 1}, {"method": "upi"}, {"method": "upi", "vpa": "no bank"}, {"method": "4929939187355598"},
    {"card": "4929939187355598"}, {"card": {"number": "49299391873555980"}}, {"order_id": "4929939187355598"},
    {"vpa": "4929939187355598", "method": "upi"}, {"currency": "4929939187355598"}, {"expiry_month": "4929939187355598"},
])
def test_refusals(checkout, logged, messages, change):
    answer = checkout("POST", "/payments", {"order_id": checkout.order()["id"]} | card(PANS[0]) | change, headers={"Idempotency-Key": "k"})

    assert answer.status_code in (400, 404)
    assert_nowhere(PANS[0], everything_stored(), logged(), messages(), answer.content.decode())
    assert not IdempotencyRecord.objects.exists()


def test_bodies_that_are_broken(checkout, logged, messages):
    for raw in (
        b'{"card_number": "4929939187355598", "cvv": "907"', b'{"card_number": 4929939187355598, "card_number": 1}',
        b'["4929939187355598", "907"]', b'"4929939187355598"', b'{"card_number": "4929939187355598\\u0000"}',
    ):
        answer = checkout("POST", "/payments", raw=raw)
        assert answer.status_code == 400
        assert_nowhere(PANS[0], everything_stored(), logged(), messages(), answer.content.decode())


@pytest.mark.parametrize("error", [
    RuntimeError("card 4929939187355598 cvv 907"), OperationalError("row (4929939187355598) 907"),
    ValueError({"number": "4929939187355598"}),
])
@pytest.mark.parametrize("where", [
    "payments.services.instruments.check", "gateway.contracts.checkout.views.payments.pay_order",
    "payments.providers.sandbox.Sandbox.tokenise", "payments.services.orders.quote_fee",
])
def test_forced_errors(checkout, logged, messages, monkeypatch, where, error):
    def broken(*_, **__):
        raise error

    order = checkout.order()
    monkeypatch.setattr(where, broken)
    answer = checkout("POST", "/payments", {"order_id": order["id"]} | card(PANS[0]), headers={"Idempotency-Key": "k"})

    assert answer.status_code in (500, 503)
    assert_nowhere(PANS[0], everything_stored(), logged(), messages(), answer.content.decode())
    assert not Payment.objects.exists()


# By the hosted page ---------------------------------------------------------------------------------------------


def pass_of(order_id):
    return re.search(r'data-pass="([^"]+)"', Client().get(f"/pay/{order_id}").content.decode())[1]


def page_pays(order_id, pan, text=None, key="canary", **change):
    """What the page's script does: sends the card with the pass that the page carries."""
    text = text or pass_of(order_id)
    details = {"number": pan, "expiry_month": "12", "expiry_year": "30", "cvv": CVV, "name": "Jane Smith"} | change
    body = {"order_id": order_id, "amount": 50000, "currency": "INR", "method": "card", "card": details}
    return call("POST", "/payments/public", body, headers={"X-Checkout-Token": text, "Idempotency-Key": key})


def pages_of(order_id):
    """The page, what its script asks for, and a press of each button."""
    browser, address = Client(raise_request_exception=False), f"/pay/{order_id}"
    asked = [browser.get(address), browser.get(f"{address}/status"), browser.post(address, {"vpa": "no bank"})]
    return [*asked, browser.post(f"{address}/simulate", {"outcome": "success"}), browser.get(address)]


@pytest.mark.parametrize("pan", PANS)
def test_the_pages_flow(checkout, logged, messages, pan):
    order = checkout.order(redirect_url="https://shop.example/thanks")["id"]

    text = pass_of(order)
    answers = [page_pays(order, pan, text), page_pays(order, pan, text, key="beside it")]
    answers += pages_of(order)
    drive_payments()
    answers += pages_of(order)

    assert [answer.status_code for answer in answers[:2]] == [201, 409]
    assert Payment.objects.get().card_last_four == pan[-4:]
    assert_nowhere(pan, everything_stored(), logged(), messages(), *(_said(answer) for answer in answers))


def _said(answer):
    """An answer and its headers; the page's own list of test numbers is no leak."""
    text = answer.content.decode().split('class="pay-test"')[0]
    return text + str(dict(answer.headers))


@pytest.mark.parametrize("change", [
    {"cvv": "90755"}, {"expiry_year": "2001"}, {"expiry_month": "99"}, {"name": "x" * 121}, {"number": "49299391873555980"},
    {"expiry_month": "4929939187355598"}, {"name": "4929939187355598 907\u0000"},
])
def test_the_pages_refusals(checkout, logged, messages, change):
    order = checkout.order()["id"]

    answers = [page_pays(order, PANS[0], **change), *pages_of(order)]

    assert answers[0].status_code == 400
    assert not Payment.objects.exists()
    assert_nowhere(PANS[0], everything_stored(), logged(), messages(), *(_said(answer) for answer in answers))


@pytest.mark.parametrize("where", [
    "payments.services.instruments.check", "gateway.contracts.checkout.views.payments.pay_order",
    "payments.providers.sandbox.Sandbox.tokenise", "payments.services.orders.quote_fee",
])
def test_the_pages_forced_errors(checkout, logged, messages, monkeypatch, where):
    def broken(*_, **__):
        raise RuntimeError("card 4929939187355598 cvv 907")

    order = checkout.order()["id"]
    with monkeypatch.context() as patch:
        patch.setattr(where, broken)
        answers = [page_pays(order, PANS[0])]
    answers += pages_of(order)

    assert answers[0].status_code == 500
    assert not Payment.objects.filter(card_last_four="5598").exists()
    assert not IdempotencyRecord.objects.exists()
    assert_nowhere(PANS[0], everything_stored(), logged(), messages(), *(_said(answer) for answer in answers))


def test_a_card_posted_to_the_page_by_mistake(checkout, logged, messages):
    """No form of the page does that; an error page and its log must not tell either."""
    order = checkout.order()["id"]
    browser = Client(raise_request_exception=False)

    answers = [browser.post(f"/pay/{order}", {"number": PANS[0], "cvv": CVV}), browser.get(f"/pay/{order}")]

    assert answers[0].status_code == 422
    assert_nowhere(PANS[0], everything_stored(), logged(), messages(), *(_said(answer) for answer in answers))


def test_a_fingerprint_cannot_be_guessed_from_the_number(checkout):
    """All numbers of a brand can be tried against a plain digest; ours is keyed."""
    import hashlib
    import json

    body = {"order_id": checkout.order()["id"]} | card(PANS[0])
    good(checkout("POST", "/payments", body, headers={"Idempotency-Key": "k"}))

    plain = hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    record = IdempotencyRecord.objects.get()
    assert record.fingerprint != plain
    assert len(record.fingerprint) == 64
    row = Payment.objects.get()
    assert row.card_fingerprint not in (hashlib.sha256(PANS[0].encode()).hexdigest(), "")
    assert (row.card_last_four, row.card_brand, row.card_expiry) == ("5598", "visa", "2030-12")
