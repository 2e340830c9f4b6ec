"""The hosted page of a crypto session: what it shows in each state, and what its forms do and refuse."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import unquote
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Merchant
from crypto import testing
from crypto.chains.simulated import control
from crypto.chains.simulated.blocks import find_chain
from crypto.models import ChainTransaction, Session, TransactionClaim
from gateway.pay import limits
from ledger.models import Posting

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def by_hand(settings):
    settings.SIMULATED_BLOCK_SECONDS = 0


@pytest.fixture
def session(cast):
    return testing.open_session(cast.merchant, "100", description="Two pots of tea", customer_email="payer@example.com")


def address(session, more=""):
    return f"/pay/{session.pk}{more}"


def page(session):
    return Client().get(address(session)).content.decode()


def waiting_on_chain(session):
    return find_chain(session.network, "test").transactions.count()


def test_it_shows_what_to_send_and_where(session):
    shown = page(session)

    for text in ("Send 100.00 USDT", "Chai Point", "BNB Smart Chain", session.address.address, session.reference,
                 "Two pots of tea", "Only <strong>USDT</strong>, and only on <strong>BNB Smart Chain</strong>", 'class="qr"'):
        assert text in shown
    assert 'data-copy="100"' in shown
    assert f'data-copy="{session.address.address}"' in shown
    assert f"transfer?address={session.address.address}&amp;uint256=100000000000000000000" in shown
    assert re.search(r'data-countdown="(89\d|900)"', shown)
    assert "payer@example.com" not in shown
    assert "Test payment." in shown


def test_confirmations_are_counted(session):
    testing.pay(session)
    testing.confirm(session, 5)

    shown = page(session)

    assert "Payment seen" in shown
    assert "<strong>5 of 12</strong> confirmations" in shown
    assert '<noscript><meta http-equiv="refresh"' in shown
    assert 'class="qr"' not in shown


def test_paid_more_than_asked(session):
    testing.pay(session, "130")
    testing.confirm(session)

    shown = page(session)

    assert "Chai Point has your 130.00 USDT." in shown
    assert "30.00 USDT more than was asked" in shown
    assert "hx-get" not in shown
    assert "Pay exactly" not in shown


def test_a_part_asks_for_its_rest(session):
    testing.pay(session, "60")
    testing.confirm(session, 1)

    shown = page(session)

    assert "40.00 USDT is still missing" in shown
    assert "60.00 USDT has arrived" in shown
    assert 'data-copy="40"' in shown
    assert "uint256=40000000000000000000" in shown
    assert "1 of 12" in shown


def test_another_token_is_told(session):
    testing.pay(session, "100", currency="USDC")
    testing.confirm(session, 1)

    assert "100.00 USDC is not what was asked for." in page(session)


@pytest.mark.parametrize(("amount", "heading", "text"), [
    (None, "The time is over", "Ask Chai Point for a new payment"),
    ("60", "Not all of it arrived", "60.00 USDT of 100.00 USDT arrived in time"),
])
def test_how_it_ended(session, amount, heading, text):
    if amount:
        testing.pay(session, amount)
        testing.confirm(session)
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "The network is being read to its end" in page(session)
    testing.confirm(session, 1)

    assert heading in page(session)
    assert text in page(session)


def test_late_and_confirming_again(session):
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    testing.confirm(session, 1)
    testing.pay(session)
    testing.confirm(session, 3)
    assert "<strong>3 of 12</strong>" in page(session)

    testing.confirm(session)

    assert "It came after the time was over, and counts." in page(session)


@pytest.mark.parametrize("in_time", [None, "20"], ids=["expired", "failed"])
def test_an_ended_page_goes_on_asking_for_what_comes_late(session, in_time):
    if in_time:
        testing.pay(session, in_time)
        testing.confirm(session)
    Session.objects.update(expires_at=timezone.now() - timedelta(minutes=59))
    testing.confirm(session, 1)
    shown = page(session)
    assert 'hx-trigger="every 5s"' in shown
    mark = html.unescape(unquote(re.search(r"status\?shown=([^\"]*)", shown)[1]))
    assert Client().get(address(session, "/status"), {"shown": mark}).status_code == 204

    testing.pay(session)
    testing.confirm(session)

    answer = Client().get(address(session, "/status"), {"shown": mark})
    assert (answer.status_code, "Payment received" in answer.content.decode()) == (200, True)


def test_an_hour_after_its_end_a_page_asks_no_more(session):
    Session.objects.update(expires_at=timezone.now() - timedelta(minutes=61))
    testing.confirm(session, 1)

    assert "hx-get" not in page(session)


@pytest.mark.parametrize(("in_time", "text"), [(None, "60.00 USDT of 100.00 USDT arrived."),
                                               ("20", "80.00 USDT of 100.00 USDT arrived.")])
def test_a_part_that_came_late_is_not_said_to_have_come_in_time(session, in_time, text):
    if in_time:
        testing.pay(session, in_time)
        testing.confirm(session)
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    testing.confirm(session, 1)
    testing.pay(session, "60")
    testing.confirm(session, 1)
    assert text in page(session)

    testing.confirm(session)

    assert text in page(session)


def test_an_explorer_is_linked_for_what_is_real_only(session):
    testing.pay(session)
    testing.confirm(session, 1)
    assert "bscscan.com" not in page(session)

    Session.objects.update(mode="live")
    ChainTransaction.objects.update(mode="live")

    assert f'href="https://bscscan.com/tx/{session.transaction_hash}"' in page(session)


def test_polling_says_nothing_while_nothing_has_changed(session):
    mark = re.search(r"shown=([^\"]+)\"", page(session))[1]
    poll = address(session, f"/status?shown={mark}")
    assert Client().get(poll).status_code == 204

    testing.pay(session)
    testing.confirm(session, 1)
    answer = Client().get(poll)

    assert answer.status_code == 200
    assert "data-moved" in answer.content.decode()
    assert "<!doctype" not in answer.content.decode().lower()


# Test mode ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("outcome", "received", "status", "flags"), [
    ("exact", 100, "paid", []), ("less", 60, "pending", []), ("more", 125, "paid", ["overpaid"]),
    ("wrong", 0, "pending", ["wrong_token"]),
])
def test_the_buttons_pay_on_the_simulated_chain(session, outcome, received, status, flags):
    answer = Client().post(address(session, "/simulate"), {"outcome": outcome})
    testing.confirm(session)

    assert (answer.status_code, answer["Location"]) == (302, address(session))
    assert (session.status, session.received_minor, session.flags) == (status, received * 10**8, flags)


def test_after_a_part_exactly_is_the_rest(session):
    for outcome in ("less", "exact"):
        Client().post(address(session, "/simulate"), {"outcome": outcome})
        testing.confirm(session)

    assert (session.status, session.received_minor) == ("paid", 100 * 10**8)


@pytest.mark.parametrize("outcome", ["", "all", "exact\0"])
def test_an_unknown_button_pays_nothing(session, outcome):
    assert Client().post(address(session, "/simulate"), {"outcome": outcome}).status_code == 422
    assert waiting_on_chain(session) == 0


def test_live_sessions_have_no_buttons(session):
    Session.objects.update(mode="live")

    assert "Pay exactly" not in page(session)
    assert Client().post(address(session, "/simulate"), {"outcome": "exact"}).status_code == 404
    assert waiting_on_chain(session) == 0


# Claims -------------------------------------------------------------------------------------------------------
def test_a_payer_names_a_transaction_that_is_then_told_about(session):
    answer = Client().post(address(session, "/claim"), {"transaction_hash": " 0x" + "AB" * 32})

    assert answer.status_code == 302
    claim = TransactionClaim.objects.get()
    assert (claim.transaction_hash, claim.claimed_by) == ("0x" + "ab" * 32, None)
    assert "It is being looked up." in page(session)
    testing.confirm(session, 1)
    assert "The network does not know this transaction." in page(session)


def test_an_ended_page_follows_a_claim_to_its_answer(session):
    Session.objects.update(expires_at=timezone.now() - timedelta(hours=2))
    testing.confirm(session, 1)
    assert "hx-get" not in page(session)

    Client().post(address(session, "/claim"), {"transaction_hash": "0x" + "ab" * 32})
    assert "hx-get" in page(session)
    TransactionClaim.objects.update(due_at=None, result="It pays nothing to this payment's address.")

    assert "hx-get" not in page(session)


@pytest.mark.parametrize("text", ["", "hello", "0x" + "a" * 63, "0x" + "g" * 64, "a\0" * 32])
def test_what_is_no_hash_is_refused_beside_its_field(session, text):
    answer = Client().post(address(session, "/claim"), {"transaction_hash": text})

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert TransactionClaim.objects.count() == 0


# Doors --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("more", ["", "/status"])
def test_unknown_sessions_are_not_found(db, more):
    assert Client().get(f"/pay/{uuid4()}{more}").status_code == 404


def test_forms_need_their_token_and_are_counted(session, monkeypatch):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(address(session, "/simulate"), {"outcome": "exact"}).status_code == 403
    monkeypatch.setattr(limits, "PER_PAGE", 1)
    monkeypatch.setattr(limits, "WINDOW_SECONDS", 10**6)

    first, second = (Client().post(address(session, "/simulate"), {"outcome": "less"}) for _ in range(2))

    assert (first.status_code, second.status_code, second["Retry-After"]) == (302, 429, "1000000")
    assert waiting_on_chain(session) == 1


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_what_a_merchant_wrote_is_text(cast, name):
    session = testing.open_session(cast.merchant, "1", description=name, reference=name)

    assert name not in page(session)


def test_looking_changes_nothing(session):
    before = Session.objects.values().get()
    for more in ("", "/status"):
        Client().get(address(session, more))

    assert Session.objects.values().get() == before
    assert Posting.objects.count() == 0
    assert control.mine("BSC") > 0


def test_a_suspended_merchants_page_shows_no_address_until_it_is_active_again(cast, session):
    Merchant.objects.filter(pk=cast.merchant.pk).update(status="suspended")

    shown = page(session)

    assert "takes no payments here at the moment" in shown
    assert session.address.address not in shown
    assert 'class="qr"' not in shown
    Merchant.objects.filter(pk=cast.merchant.pk).update(status="active")
    assert session.address.address in page(session)
