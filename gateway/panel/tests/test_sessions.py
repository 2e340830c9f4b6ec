"""Crypto payments and networks in the panel: who sees which, what may be done, and what nobody else may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crypto import testing
from crypto.models import ChainState, ScanGap, Session, TransactionClaim
from webhooks.models import CallbackSecret

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def by_hand(settings):
    settings.SIMULATED_BLOCK_SECONDS = 0


@pytest.fixture
def session(cast):
    return testing.open_session(
        cast.merchant, "100", reference="ORDER-77", customer_email="asha@example.com", metadata={"Table": "7"}
    )


def address(name, *args):
    return reverse(f"panel:{name}", args=args)


def text(answer):
    return answer.content.decode()


@pytest.mark.parametrize("who", ["super_admin", "admin", "merchant_user"])
def test_a_session_with_everything_about_it(cast, signed_in, session, who):
    testing.pay(session)
    testing.confirm(session)
    client = signed_in(getattr(cast, who))

    assert "ORDER-77" in text(client.get(address("sessions")))
    shown = text(client.get(address("session", session.pk)))

    for part in (session.address.address, session.transaction_hash, "100.00 USDT", "asha@example.com", "Table",
                 "Payment confirmed on blockchain", "99.00 USDT"):
        assert part in shown


@pytest.mark.parametrize("who", ["other_user", "other_admin", "api_user"])
def test_nobody_elses(cast, signed_in, session, who):
    client = signed_in(getattr(cast, who))

    assert "ORDER-77" not in text(client.get(address("sessions")))
    for name in ("session", "session-claim", "session-flag"):
        assert client.get(address(name, session.pk)).status_code == 404


@pytest.mark.parametrize(("query", "found"), [
    ("q=ORDER-77", True), ("q=asha", True), ("q=nothing", False), ("status=pending", True), ("status=paid", False),
    ("network=BSC", True), ("network=TRX", False), ("currency=USDC", False), ("attention=yes", False), ("q=%00", False),
    ("status=odd", False),
])
def test_filters(cast, signed_in, session, query, found):
    assert (f'href="{address("session", session.pk)}"' in text(signed_in(cast.merchant_user).get(f"{address('sessions')}?{query}"))) == found


def test_a_transaction_is_named(cast, signed_in, session):
    answer = signed_in(cast.merchant_user).post(address("session-claim", session.pk), {"transaction_hash": "0x" + "ab" * 32})

    assert answer.status_code == 302
    assert TransactionClaim.objects.get().claimed_by == cast.merchant_user
    refused = signed_in(cast.merchant_user).post(address("session-claim", session.pk), {"transaction_hash": "nonsense"})
    assert (refused.status_code, TransactionClaim.objects.count()) == (422, 1)


def test_a_flag_is_dealt_with_by_an_operator_who_says_how(cast, signed_in, session):
    testing.pay(session, currency="USDC")
    testing.confirm(session)
    shown = f"{address('sessions')}?attention=yes"
    assert "ORDER-77" in text(signed_in(cast.admin).get(shown))
    assert signed_in(cast.merchant_user).post(address("session-flag", session.pk), {"note": "x"}).status_code == 404
    assert signed_in(cast.admin).post(address("session-flag", session.pk), {"note": " "}).status_code == 422
    session.refresh_from_db()
    assert session.flag_cleared_at is None

    signed_in(cast.admin).post(address("session-flag", session.pk), {"note": "The payer knows."})

    session.refresh_from_db()
    assert (session.flag_cleared_at is not None, session.flags) == (True, ["wrong_token"])
    assert "ORDER-77" not in text(signed_in(cast.admin).get(shown))
    again = signed_in(cast.admin).post(address("session-flag", session.pk), {"note": "Again"})
    assert again.status_code in (409, 422)


def test_what_signs_callbacks_is_shown_to_the_merchant_alone(cast, signed_in, session):
    Session.objects.update(callback_url="https://shop.example/back")
    button = address("session-secret", session.pk)
    assert button not in text(signed_in(cast.admin).get(address("session", session.pk)))
    assert signed_in(cast.admin).post(button).status_code == 404
    assert CallbackSecret.objects.count() == 0

    answer = signed_in(cast.merchant_user).post(button)

    assert "whsec_" in text(answer)
    assert answer["Cache-Control"] == "no-store, private"


def test_networks_are_for_operators(cast, signed_in):
    for who in ("merchant_user", "api_user"):
        assert signed_in(getattr(cast, who)).get(address("networks")).status_code == 404
    assert "Not read yet" in text(signed_in(cast.admin).get(address("networks")))


def test_a_network_shows_its_holes_and_why_it_is_closed(cast, signed_in, session):
    testing.confirm(session, 1)
    state = ChainState.objects.get(network="BSC")
    long_ago = timezone.now() - timedelta(hours=1)
    ScanGap.objects.create(state=state, first_height=5, last_height=9, opened_at=long_ago, last_error="rate limit reached")

    shown = text(signed_in(cast.super_admin).get(address("networks")))

    assert "Blocks 5–9 could not be read for too long." in shown
    assert "rate limit reached" in shown
    assert "Checkout closed" in shown


def test_the_list_shows_the_beginning_of_an_id(cast, signed_in, session):
    shown = text(signed_in(cast.merchant_user).get(address("sessions")))

    assert f'<span class="sub mono">{str(session.pk)[:8]}…</span>' in shown
