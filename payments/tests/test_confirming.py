"""What a payer may send from the hosted page, and what is kept of it."""

from __future__ import annotations

import json
import logging
import pickle
from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.errors import IllegalTransition, InvalidFields, ProviderUnavailable
from gateway.lib.providers import ProviderDown
from ledger.testing import assert_ledger_balances
from payments import work
from payments.errors import OrderAlreadyPaid, PaymentExpired, UtrUsed
from payments.models import Payment, SandboxCharge
from payments.providers import cards
from payments.providers.cards import CardDetails
from payments.services import confirm_payment, mark_succeeded
from webhooks.models import Event

pytestmark = pytest.mark.django_db
PAYER = Actor.system("payment page")
NEXT_YEAR = timezone.now().year + 1
PAN = "4111111111111111"


def card(number=PAN, month="12", year=NEXT_YEAR, cvv="123", name="Asha Rao"):
    return CardDetails(number, month, year, cvv, name)


def confirm(payment, **more):
    return confirm_payment(actor=PAYER, payment=payment, **more)


def test_confirming_moves_to_processing_and_tells_the_merchant(make):
    payment = confirm(make(), vpa="asha.rao-1@okbank")

    payment.refresh_from_db()
    assert (payment.status, payment.vpa, payment.provider_state) == ("processing", "asha.rao-1@okbank", "none")
    assert payment.due_at <= timezone.now()
    assert list(Event.objects.values_list("type", flat=True)) == ["payment.initiated"]


def test_a_payer_may_name_the_utr_or_nothing(make):
    assert confirm(make(), utr=" abc1234567 ").claimed_utr == "ABC1234567"
    assert confirm(make()).status == "processing"


@pytest.mark.parametrize(
    "vpa",
    ["nobody", "@upi", "a@", "a b@upi", "a@up i", "a@@upi", "a@upi\n", "ａ@upi", "a@1upi", "a" * 101 + "@upi"],
)
def test_a_bad_vpa_is_refused(make, vpa):
    payment = make()

    with pytest.raises(InvalidFields) as refusal:
        confirm(payment, vpa=vpa)

    assert list(refusal.value.details["fields"]) == ["vpa"]
    payment.refresh_from_db()
    assert payment.status == "created"
    assert not Event.objects.exists()


@pytest.mark.parametrize("utr", ["12345", "1" * 41, "ABC-12345", "１２３４５６"])
def test_a_bad_utr_is_refused(make, utr):
    with pytest.raises(InvalidFields) as refusal:
        confirm(make(), utr=utr)

    assert list(refusal.value.details["fields"]) == ["utr"]


def test_a_utr_that_paid_for_something_else_is_refused(cast, make):
    mark_succeeded(actor=Actor(cast.admin, "tests"), payment=make(), utr="UTR0000001")
    second = make()

    with pytest.raises(UtrUsed) as refusal:
        confirm(second, utr="utr0000001")

    assert "utr" in refusal.value.details["fields"]
    second.refresh_from_db()
    assert second.status == "created"


def test_a_payer_cannot_block_the_utr_of_somebody_else(make):
    confirm(make(), utr="UTR0000001")

    assert confirm(make(), utr="UTR0000001").status == "processing"


def test_confirming_twice_is_refused(make):
    payment = make()
    stale = Payment.objects.get(pk=payment.pk)
    confirm(payment)

    for copy in (payment, stale):
        with pytest.raises(IllegalTransition):
            confirm(copy)

    assert Event.objects.count() == 1


def test_a_link_past_its_time_is_refused_before_any_sweep(make):
    payment = make()
    assert timedelta(minutes=29) < payment.expires_at - timezone.now() <= timedelta(minutes=30)
    payment.expires_at = timezone.now()
    payment.save()

    with pytest.raises(PaymentExpired):
        confirm(payment)

    payment.refresh_from_db()
    assert payment.status == "created"


def test_an_order_paid_meanwhile_takes_no_more(manual_order, pay, make):
    payment = make()
    other = pay(payment.order)
    work.drive_payments()
    other.refresh_from_db()
    assert other.status == "succeeded"

    with pytest.raises(OrderAlreadyPaid):
        confirm(payment)


@pytest.mark.parametrize(
    ("number", "brand"),
    [("4111 1111 1111 1111", "visa"), ("5555-5555-5555-4444", "mastercard"), ("2223003122003222", "mastercard"),
     ("6011111111111117", "discover"), ("6521111111111110", "rupay"),
     ("3530111333300000", "jcb"), ("30569309025904", "diners"),
     (4111111111111111, "visa")],
)
def test_brands(number, brand):
    facts = cards.check(card(number=number), today=date(2026, 11, 20))

    assert (facts.brand, facts.expiry) == (brand, f"{NEXT_YEAR}-12")
    assert facts.last_four == str(number)[-4:]
    assert len(facts.fingerprint) == 64


def test_amex_has_fifteen_digits_and_a_cvv_of_four():
    assert cards.check(card(number="378282246310005", cvv="1234"), today=date(2026, 11, 20)).brand == "amex"

    with pytest.raises(InvalidFields) as refusal:
        cards.check(card(number="378282246310005", cvv="123"), today=date(2026, 11, 20))

    assert refusal.value.details["fields"] == {"cvv": "must have 4 digits"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "4111111111111112"}, "number"),
        ({"number": "411111111111111"}, "number"),
        ({"number": ""}, "number"),
        ({"number": "9999999999999995"}, "number"),
        ({"number": "４１１１１１１１１１１１１１１１"}, "number"),
        ({"number": "4" * 5000}, "number"),
        ({"month": "13"}, "month"),
        ({"month": "0"}, "month"),
        ({"month": "x"}, "month"),
        ({"month": "10", "year": 2026}, "month"),
        ({"year": 2025}, "year"),
        ({"year": "125"}, "year"),
        ({"year": 2060}, "year"),
        ({"cvv": "12"}, "cvv"),
        ({"cvv": "1234"}, "cvv"),
        ({"cvv": "12a"}, "cvv"),
        ({"cvv": True}, "cvv"),
        ({"name": "x" * 121}, "name"),
    ],
)
def test_a_bad_card_names_its_field(change, field):
    with pytest.raises(InvalidFields) as refusal:
        cards.check(card(**{"year": 2027} | change), today=date(2026, 11, 20))

    assert list(refusal.value.details["fields"]) == [field]
    assert PAN not in str(refusal.value)


def test_a_card_is_good_to_the_end_of_its_month():
    assert cards.check(card(month="11", year="26"), today=date(2026, 11, 30)).expiry == "2026-11"


def test_card_details_can_neither_be_printed_nor_stored():
    details = card(cvv="737")

    with pytest.raises(TypeError):
        pickle.dumps(details)
    with pytest.raises(TypeError):
        json.dumps(details)
    assert repr(details) == str(details) == f"{details}" == "CardDetails(hidden)"
    assert not hasattr(details, "__dict__")


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("4111111111111111", "succeeded", ""),
        ("5555555555554444", "succeeded", ""),
        ("4000000000000002", "failed", "card_declined"),
        ("4000000000000069", "failed", "expired_card"),
        ("4000000000000119", "failed", "processor_error"),
    ],
)
def test_the_sandbox_cards(confirmed, number, status, code):
    payment = confirmed(method="card", card=card(number=number))

    work.drive_payments()

    payment.refresh_from_db()
    assert (payment.status, payment.failure_code) == (status, code)
    assert (payment.card_last_four, payment.card_expiry) == (number[-4:], f"{NEXT_YEAR}-12")
    assert payment.receiving_account == ""
    assert_ledger_balances()


def test_the_card_and_its_cvv_are_nowhere(confirmed, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    payment = confirmed(method="card", card=card(cvv="737"))
    work.drive_payments()

    payment.refresh_from_db()
    assert PAN not in payment.provider_token
    assert "737" not in payment.provider_token.split("_")
    said = caplog.text + "".join(capsys.readouterr())
    assert PAN not in said
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            assert PAN not in repr(cursor.fetchall()), table


def test_the_same_card_has_the_same_fingerprint_and_each_time_another_token(confirmed):
    first, second = confirmed(method="card", card=card()), confirmed(method="card", card=card(cvv="999"))

    assert first.card_fingerprint == second.card_fingerprint
    assert first.provider_token != second.provider_token


def test_method_and_instrument_must_fit(make):
    with pytest.raises(InvalidFields) as by_card:
        confirm(make(), card=card())
    with pytest.raises(InvalidFields) as by_vpa:
        confirm(make(method="card"), vpa="success@upi")

    assert list(by_card.value.details["fields"]) == ["method"]
    assert list(by_vpa.value.details["fields"]) == ["number"]
    assert not Payment.objects.exclude(status="created").exists()


def test_a_provider_that_cannot_take_the_card_right_now(make, provider):
    def refuse(card):
        raise ProviderDown

    provider.tokenise = refuse
    payment = make(method="card", mode="live")

    with pytest.raises(ProviderUnavailable):
        confirm(payment, card=card())

    payment.refresh_from_db()
    assert (payment.status, payment.card_last_four) == ("created", "")
    assert not SandboxCharge.objects.exists()
