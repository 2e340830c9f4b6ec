"""`POST /callbacks/payments/{provider}` over HTTP: what is authentic counts once, everything else has no effect."""

import json

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.money import Money
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments.models import ProviderEvent
from payments.providers.sandbox import SANDBOX, sign
from payments.services import confirm_payment, create_payment

pytestmark = pytest.mark.django_db
ADDRESS = "/callbacks/payments/sandbox"


@pytest.fixture
def payment(cast):
    """₹1,000.00 that its payer confirmed, and that the provider has not spoken of yet."""
    made = create_payment(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", amount=Money(100_000, "INR"),
        contract="portal", reference="ORDER-1", created_by=cast.merchant_user,
    )
    return confirm_payment(actor=Actor.system("payment page"), payment=made)


def told(payment, event="evt-1", **more):
    values = {"id": event, "reference": payment.public_id, "status": "succeeded", "amount": 100_000, "currency": "INR"}
    return json.dumps(values | {"utr": "412345678901"} | more).encode()


def send(body, *, signature=None, address=ADDRESS, content_type="application/json", **more):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    headers = {"X-Sandbox-Signature": sign(body) if signature is None else signature}
    response = client.post(address, data=body, content_type=content_type, headers=headers, **more)
    return response.status_code, json.loads(response.content)


def assert_refused(answer, message):
    status, body = answer
    assert (status, body["success"], body["error"]["code"], body["error"]["message"]) == (400, False, "bad_callback", message)


def test_a_callback_counts_once_however_often_it_comes(payment, cast, balances):
    answers = [send(told(payment)) for _ in range(3)]

    assert answers == [(200, {"received": True})] * 3
    payment.refresh_from_db()
    assert (payment.status, payment.utr) == ("succeeded", "412345678901")
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert [(row.event_id, row.effect) for row in ProviderEvent.objects.all()] == [("evt-1", "succeeded")]
    assert_ledger_balances()


@pytest.mark.parametrize("signature", ["", "0" * 64, "é"])
def test_a_forged_one_has_no_effect(payment, signature):
    before = AuditRecord.objects.count()

    assert_refused(send(told(payment), signature=signature), "This callback is not authentic.")

    payment.refresh_from_db()
    assert payment.status == "processing"
    assert (AuditRecord.objects.count() - before, ProviderEvent.objects.count(), Posting.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize("body", [
    b"", b"{", b"\xff\xfe", b"[]", b"[" * 100_000, b'{"id":"","reference":"r","status":"succeeded"}',
    b'{"id":"e","reference":"\\u0000","status":"succeeded"}', b'{"id":"\\ud800","reference":"r","status":"succeeded"}',
])
def test_one_that_cannot_be_read_has_no_effect(payment, body):
    assert_refused(send(body), "This callback is not readable.")

    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize("reference", ["pay_0000000000000000", "x" * 100_000, "\u202e"])
def test_one_about_something_else_is_taken_and_has_no_effect(payment, reference):
    assert send(told(payment, reference=reference)) == (200, {"received": True})

    assert [row.effect for row in ProviderEvent.objects.all()] == ["unknown_subject"]
    assert not Posting.objects.exists()


def test_ids_that_no_column_holds_are_told_apart(payment):
    ids = ["e" * 81 + "1", "e" * 81 + "2", "\u202e", "\t"]

    for event in (*ids, *ids):
        assert send(told(payment, event, status="pending")) == (200, {"received": True})

    kept = list(ProviderEvent.objects.order_by("pk").values_list("event_id", flat=True))
    assert len(kept) == len(set(kept)) == 4
    assert {(event[:7], len(event)) for event in kept} == {("sha256:", 71)}


def test_another_amount_is_flagged_and_not_booked(payment, cast, balances):
    assert send(told(payment, amount=99_999)) == (200, {"received": True})

    payment.refresh_from_db()
    assert (payment.status, payment.flag) == ("processing", "amount_differs")
    assert balances(cast.merchant) == (0, 0, 0)


@pytest.mark.parametrize("provider", ["manual_upi", "nobody", "Sandbox", "sandbox%0A", "%00"])
def test_a_provider_that_sends_none_has_no_address(payment, provider):
    status, body = send(told(payment), address=f"/callbacks/payments/{provider}")

    assert (status, body["error"]["code"]) == (404, "not_found")


def test_only_a_post_is_a_callback(payment):
    response = Client().get(ADDRESS)

    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert response.json()["error"]["code"] == "method_not_allowed"


def test_one_of_more_than_a_mebibyte_is_refused(payment):
    status, body = send(told(payment, note="x" * 1024 * 1024))

    assert (status, body["error"]["code"]) == (413, "payload_too_large")
    assert not ProviderEvent.objects.exists()


def test_while_the_database_is_away_it_is_asked_for_again(payment, monkeypatch):
    monkeypatch.setattr(ProviderEvent.objects, "create", lambda **_: (_ for _ in ()).throw(OperationalError("gone")))

    status, body = send(told(payment))

    assert (status, body["error"]["code"]) == (503, "database_error")


def test_an_adapter_that_fails_over_a_message_has_not_read_it(payment, monkeypatch):
    def fail(*_):
        raise RuntimeError("no such state: settled")

    monkeypatch.setattr(type(SANDBOX), "read_callback", fail)

    assert_refused(send(told(payment)), "This callback is not readable.")
    payment.refresh_from_db()
    assert payment.status == "processing"
