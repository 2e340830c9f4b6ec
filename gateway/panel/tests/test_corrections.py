"""Corrections in the panel: proposed, confirmed by another, found in the queue, the ledger and the statement."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.lib.providers import Outcome
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments.corrections.services import confirm_correction, propose_correction
from payments.models import Correction
from payments.providers.base import Callback, Chargeback
from payments.services import apply_provider_event, create_payment

pytestmark = pytest.mark.django_db
NEW = "/panel/corrections/new"


@pytest.fixture
def waiting(cast):
    return propose_correction(
        actor=Actor(cast.admin, "panel"), merchant=cast.merchant, mode="live", kind="top_up",
        amount=Money(250_000_00, "INR"), reason="Transfer of 20 November", bank_reference="AXISN26112000417",
    )


def at(name, row):
    return reverse(f"panel:{name}", args=[row.public_id])


def live(client):
    session = client.session
    session["mode"] = "live"
    session.save()
    return client


def sent(client, cast, **more):
    once = re.search(r'name="once" value="(\w+)"', client.get(NEW).content.decode())[1]
    return {
        "once": once, "merchant": cast.merchant.public_id, "kind": "top_up", "amount": "2500.50",
        "bank_reference": "axisn26112000417", "payment": "", "reason": "Transfer of 20 November",
    } | more


def test_one_proposes_another_confirms_and_the_form_works_once(cast, signed_in, balances):
    first, second = live(signed_in(cast.admin)), live(signed_in(cast.super_admin))
    data = sent(first, cast)

    answer = first.post(NEW, data)

    row = Correction.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, at("correction", row))
    assert (row.mode, row.amount_minor, row.bank_reference) == ("live", 2_500_50, "AXISN26112000417")
    assert first.post(NEW, data).status_code == 422
    assert Correction.objects.count() == 1
    own = first.get(at("correction", row)).content.decode()
    assert at("correction-confirm", row) not in own
    assert "You proposed it, so another operator must confirm it." in own
    refused = first.post(at("correction-confirm", row))
    assert (refused.status_code, balances(cast.merchant, "live")) == (422, (0, 0, 0))
    assert "Nobody decides about a record they created themselves." in refused.content.decode()
    assert at("correction-confirm", row) in second.get(at("correction", row)).content.decode()
    assert second.post(at("correction-confirm", row)).status_code == 302
    assert balances(cast.merchant, "live") == (2_500_50, 0, 0)
    assert_ledger_balances()


def test_a_lone_operator_is_told_that_it_takes_a_second(cast, signed_in, waiting):
    from accounts.models import User

    Correction.objects.update(created_by=cast.super_admin)
    User.objects.filter(role="admin").update(status="suspended")

    page = live(signed_in(cast.super_admin)).get(at("correction", waiting)).content.decode()

    assert "Nobody else can confirm it." in page
    assert at("correction-confirm", waiting) not in page


@pytest.mark.parametrize(("changes", "said"), [
    ({"reason": ""}, "This field is required."), ({"amount": "0"}, "amount"), ({"payment": "pay_nothing"}, "no such payment"),
    ({"bank_reference": ""}, "UTR"), ({"kind": "chargeback", "bank_reference": "?"}, "4 to 40"),
])
def test_what_is_wrong_is_shown_and_nothing_is_written(cast, signed_in, changes, said):
    client = live(signed_in(cast.admin))
    answer = client.post(NEW, sent(client, cast, **changes))
    assert (answer.status_code, Correction.objects.count()) == (422, 0)
    assert said.lower() in answer.content.decode().lower()


def test_a_debit_below_zero_says_so_in_the_dialog(cast, signed_in, waiting):
    Correction.objects.update(kind="debit")
    answer = live(signed_in(cast.super_admin)).post(at("correction-confirm", waiting))
    assert answer.status_code == 422
    assert "Not enough wallet balance." in answer.content.decode()
    waiting.refresh_from_db()
    assert (waiting.status, Posting.objects.count()) == ("open", 0)


def test_it_waits_in_the_queue_of_those_in_reach_and_only_there(cast, signed_in, waiting):
    def queue(user):
        return live(signed_in(user)).get("/panel/queue").content.decode()

    assert at("correction-confirm", waiting) in queue(cast.super_admin)
    own = queue(cast.admin)
    assert "Proposed by you" in own
    assert at("correction-confirm", waiting) not in own
    assert at("correction-withdraw", waiting) in own
    assert at("correction", waiting) not in queue(cast.other_admin)
    assert live(signed_in(cast.other_admin)).get(at("correction", waiting)).status_code == 404


def test_the_proposer_withdraws_and_another_rejects(cast, signed_in, waiting):
    first, second = live(signed_in(cast.admin)), live(signed_in(cast.super_admin))
    assert second.post(at("correction-withdraw", waiting), {"note": "x"}).status_code == 422
    assert first.post(at("correction-reject", waiting), {"note": "x"}).status_code == 422
    assert first.post(at("correction-withdraw", waiting), {"note": ""}).status_code == 422
    waiting.refresh_from_db()
    assert (waiting.status, waiting.note) == ("open", "")
    assert first.post(at("correction-withdraw", waiting), {"note": "Wrong merchant"}).status_code == 302
    waiting.refresh_from_db()
    assert (waiting.status, waiting.note) == ("withdrawn", "Wrong merchant")
    assert "Wrong merchant" in second.get(at("correction", waiting)).content.decode()


def test_the_list_narrows_by_state_kind_and_words(cast, signed_in, waiting):
    client = live(signed_in(cast.admin))
    for query, found in (
        ({}, True), ({"status": "open"}, True), ({"status": "confirmed"}, False), ({"method": "top_up"}, True),
        ({"method": "debit"}, False), ({"q": "axisn26112000417"}, True), ({"q": "chai"}, True), ({"q": "nothing"}, False),
    ):
        page = client.get("/panel/corrections", query).content.decode()
        assert (at("correction", waiting) in page) is found, query


def test_the_merchant_finds_it_in_ledger_and_statement_once_it_is_booked(cast, signed_in, waiting):
    client = live(signed_in(cast.merchant_user))
    assert client.get(at("correction", waiting)).status_code == 404
    assert client.get("/panel/corrections").status_code == 404
    assert client.get(NEW).status_code == 404

    confirm_correction(actor=Actor(cast.super_admin, "panel"), correction=waiting)

    page = client.get(at("correction", waiting)).content.decode()
    assert "₹2,50,000.00" in page
    assert "Transfer of 20 November" in page
    posting = Posting.objects.get()
    shown = client.get(reverse("panel:posting", args=[posting.pk])).content.decode()
    assert f'href="{at("correction", waiting)}"' in shown
    assert "Top-up" in shown
    assert "AXISN26112000417" in shown
    assert "Top-up" in client.get(reverse("panel:ledger")).content.decode()
    statement = client.get(reverse("panel:account-statement")).content.decode()
    assert "Top-up" in statement
    assert "AXISN26112000417" in statement
    assert live(signed_in(cast.api_user)).get(at("correction", waiting)).status_code == 404


# What a provider told ---------------------------------------------------------------------------------------
@pytest.fixture
def payment(cast):
    row = create_payment(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", amount=Money(100_000, "INR"),
        contract="portal", reference="ORDER-1", created_by=cast.merchant_user,
    )
    told = Outcome("succeeded", utr="UTR0000001", amount_minor=100_000)
    apply_provider_event(provider="sandbox", event=Callback("paid", row.public_id, told))
    row.refresh_from_db()
    return row


def charge_back(payment, event="evt-1", minor=40_000, **more):
    told = Chargeback(event, payment.public_id, "dp_1", minor, "INR", "10.4", **more)
    return apply_provider_event(provider="sandbox", event=told)


def test_a_providers_chargeback_is_in_to_do_and_on_the_payments_page_and_one_operator_books_it(
    cast, signed_in, payment, balances
):
    assert charge_back(payment) == "proposed"
    row, page = Correction.objects.get(), reverse("panel:payment", args=[payment.public_id])
    client, merchant = signed_in(cast.admin), signed_in(cast.merchant_user)

    queue = client.get("/panel/queue").content.decode()
    assert at("correction-confirm", row) in queue
    assert at("correction-reject", row) in queue
    assert "proposed by the payment&#x27;s provider" in queue
    assert at("correction", row) in client.get(page).content.decode()
    shown = client.get(at("correction", row)).content.decode()
    assert "One operator who finds it in the provider’s own records confirms it" in shown
    assert at("correction-withdraw", row) not in shown
    assert "hargeback" not in merchant.get(page).content.decode()
    assert merchant.get(at("correction", row)).status_code == 404
    assert (client.get("/panel/corrections").status_code, balances(cast.merchant)) == (200, (97_640, 0, 0))

    assert client.post(at("correction-confirm", row)).status_code == 302

    assert balances(cast.merchant) == (57_640, 0, 0)
    assert at("correction", row) in merchant.get(page).content.decode()
    assert merchant.get(at("correction", row)).status_code == 200
    assert_ledger_balances()


def test_what_could_not_be_proposed_is_shown_to_operators_alone(cast, signed_in, payment):
    assert charge_back(payment, minor=100_001) == "flagged"
    page = reverse("panel:payment", args=[payment.public_id])

    assert "Took back 100001 INR (minor units)" in signed_in(cast.admin).get(page).content.decode()
    assert "ook back" not in signed_in(cast.merchant_user).get(page).content.decode()
    assert not Correction.objects.exists()


def test_one_withdrawn_by_the_provider_has_no_decider(cast, signed_in, payment):
    assert [charge_back(payment), charge_back(payment, "evt-2", returned=True)] == ["proposed", "withdrawn"]

    page = signed_in(cast.admin).get(at("correction", Correction.objects.get()))
    assert "The provider gave it back before it was booked." in page.content.decode()
