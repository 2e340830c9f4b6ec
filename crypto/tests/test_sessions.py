"""Opening sessions: what is refused and leaves nothing behind, who gets which address, and the end by the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord
from crypto import testing, watcher
from crypto.chains.simulated import control
from crypto.errors import ChainUnavailable, DuplicateReference
from crypto.models import ChainState, DepositAddress, Session, SessionEvent
from crypto.services.sessions import create_session
from gateway.lib.errors import InvalidFields
from gateway.lib.money import Money
from webhooks.models import CallbackSecret, Endpoint, Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def create(cast):
    def create(minor=100 * 10**8, currency="USDT", network="BSC", reference="ORDER-1", mode="test", merchant=None, **more):
        return create_session(
            actor=Actor(cast.merchant_user, "tests"), merchant=merchant or cast.merchant, mode=mode,
            amount=Money(minor, currency), network=network, reference=reference, **more,
        )

    return create


def nothing_was_made():
    return (Session.objects.count(), SessionEvent.objects.count(), Endpoint.objects.count()) == (0, 0, 0) and not (
        DepositAddress.objects.exclude(session__isnull=True, times_used=0).exists()
    )


def test_a_session_waits_at_an_address_of_its_own(create, cast):
    (address,) = testing.add_addresses("BSC")

    session = create(expires_in=600, metadata={"order": 7}, customer_email="a@b.co", created_by=cast.merchant_user)

    address.refresh_from_db()
    assert (session.status, session.address, session.required_confirmations) == ("pending", address, 12)
    assert (address.session, address.merchant, address.currency, address.times_used) == (session, cast.merchant, "USDT", 1)
    assert abs(session.expires_at - session.created_at - timedelta(seconds=600)) < timedelta(seconds=1)
    assert list(session.timeline.values_list("event", "details")) == [
        ("session_created", "Checkout session created"), ("address_assigned", "Deposit address assigned"),
    ]
    record = AuditRecord.objects.get(target=session.public_id)
    assert (record.action, record.data) == ("session.created", {"detail": "100 USDT on BSC"})
    assert Event.objects.count() == 0


@pytest.mark.parametrize(("wrong", "field"), [
    ({"network": "DOGE"}, "network"), ({"network": "bsc"}, "network"), ({"currency": "INR"}, "currency"),
    ({"minor": 0}, "amount"), ({"minor": -5}, "amount"), ({"network": "ETH", "minor": 123}, "amount"),
    ({"reference": ""}, "reference"), ({"reference": " "}, "reference"), ({"reference": "x" * 101}, "reference"),
    ({"reference": "a\0b"}, "reference"), ({"customer_name": "x" * 121}, "customer_name"),
    ({"expires_in": 59}, "expires_in"), ({"expires_in": 86_401}, "expires_in"), ({"expires_in": True}, "expires_in"),
    ({"expires_in": 90.5}, "expires_in"), ({"metadata": {"a": "x" * 9000}}, "metadata"), ({"metadata": [1]}, "metadata"),
    ({"callback_url": "ftp://example.com/x"}, "callback_url"), ({"callback_url": "http://10.0.0.1/x"}, "callback_url"),
])
def test_bad_values_are_named_and_nothing_is_made(create, wrong, field):
    for code in ("BSC", "ETH"):
        testing.add_addresses(code)

    with pytest.raises(InvalidFields) as refused:
        create(**wrong)

    assert list(refused.value.details["fields"]) == [field]
    assert nothing_was_made()


def test_a_token_of_six_places_takes_six(create):
    testing.add_addresses("ETH", 2)

    assert create(network="ETH", minor=100).amount_minor == 100
    with pytest.raises(InvalidFields, match="at most 6 decimal places"):
        create(network="ETH", minor=101, reference="ORDER-2")


def test_a_reference_names_one_session_per_merchant_and_mode(create, cast):
    testing.add_addresses("BSC", 4)
    create()

    with pytest.raises(DuplicateReference):
        create(minor=5)

    assert Session.objects.count() == 1
    assert DepositAddress.objects.filter(session__isnull=False).count() == 1
    assert create(merchant=cast.other).reference == "ORDER-1"


def test_live_mode_without_nodes_and_an_empty_pool_take_nothing(create):
    with pytest.raises(ChainUnavailable, match="not configured for live mode"):
        create(mode="live")
    with pytest.raises(ChainUnavailable, match="No address is free"):
        create()
    assert nothing_was_made()


def test_a_live_network_that_nobody_has_read_is_closed(create, settings):
    settings.CRYPTO_RPC = {"BSC": ["https://bsc.example"]}
    testing.add_addresses("BSC", mode="live")

    with pytest.raises(ChainUnavailable, match="takes no payments at the moment"):
        create(mode="live")

    assert nothing_was_made()


# Addresses ------------------------------------------------------------------------------------------------
def expired(session):
    Session.objects.filter(pk=session.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    return testing.confirm(session, 1)


def test_an_expired_session_rests_its_address_before_another_gets_it(create, cast, settings):
    (address,) = testing.add_addresses("BSC")
    session = expired(create())

    address.refresh_from_db()
    assert (session.status, address.session, session.released_at is not None) == ("expired", None, True)
    assert timedelta(minutes=59) < address.rests_until - timezone.now() <= timedelta(minutes=60)
    with pytest.raises(ChainUnavailable, match="No address is free"):
        create(reference="ORDER-2")
    DepositAddress.objects.update(rests_until=timezone.now())
    assert create(reference="ORDER-2", merchant=cast.other).address == address
    address.refresh_from_db()
    assert (address.times_used, address.merchant) == (2, cast.other)


def test_an_address_that_holds_funds_is_reused_by_its_merchant_alone(create, cast, settings):
    settings.SESSION_COOL_DOWN_MINUTES = 0
    (address,) = testing.add_addresses("BSC")
    session = create()
    testing.pay(session)
    testing.confirm(session)

    with pytest.raises(ChainUnavailable):
        create(merchant=cast.other, reference="ORDER-2")

    assert create(reference="ORDER-2").address == address


def test_an_address_with_a_transfer_on_its_way_is_given_to_nobody(create, settings):
    settings.SESSION_COOL_DOWN_MINUTES = 0
    testing.add_addresses("BSC")
    session = expired(create())
    testing.pay(session)
    testing.confirm(session, 1)

    with pytest.raises(ChainUnavailable):
        create(reference="ORDER-2")

    testing.confirm(session)
    assert create(reference="ORDER-2").address == session.address


def test_never_used_addresses_come_first(create, settings):
    settings.SESSION_COOL_DOWN_MINUTES = 0
    first, second = testing.add_addresses("BSC", 2)
    assert expired(create()).address == first

    assert create(reference="ORDER-2").address == second
    assert create(reference="ORDER-3").address == first


# The end --------------------------------------------------------------------------------------------------
def test_an_unpaid_session_expires_once_the_chain_was_read_past_its_end(create):
    testing.add_addresses("BSC")
    session = testing.confirm(create(), 1)
    Session.objects.update(expires_at=timezone.now())

    watcher.watch_network("BSC", "test")
    session.refresh_from_db()
    assert session.status == "pending"
    testing.confirm(session, 1)

    assert (session.status, session.flags) == ("expired", [])
    assert session.timeline.last().event == "session_expired"
    assert list(Event.objects.values_list("type", "subject")) == [("session.expired", session.public_id)]


def test_nobody_expires_while_the_chain_is_not_read(create):
    testing.add_addresses("BSC")
    session = testing.confirm(create(), 1)
    control.freeze("BSC")
    ChainState.objects.update(head_moved_at=timezone.now() - timedelta(seconds=400))
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    testing.confirm(session, 5)

    assert (session.status, Event.objects.count()) == ("pending", 0)
    assert ChainState.objects.get(network="BSC", mode="test").closed_reason == "The chain's head has not moved for too long."


# The callback ---------------------------------------------------------------------------------------------
def test_a_callback_is_told_of_its_session_alone_and_listed_nowhere(create, cast, viewer_of):
    from webhooks.queries import endpoints, merchant_endpoints
    from webhooks.rendering import _contracts, register_renderer

    before = _contracts.get("dashboard")
    register_renderer("dashboard", lambda kind, subject: (kind, {"session_id": subject.public_id}), ["session.expired"])
    testing.add_addresses("BSC", 2)
    told = create(callback_url="https://shop.example/back?order=1")
    quiet = create(reference="ORDER-2")

    for session in (told, quiet):
        expired(session)

    if before:
        _contracts["dashboard"] = before
    (endpoint,) = Endpoint.objects.all()
    assert (endpoint.one_off, endpoint.url) == (True, "https://shop.example/back?order=1")
    (delivery,) = endpoint.deliveries.all()
    assert delivery.body == f'{{"session_id":"{told.public_id}"}}'
    assert list(endpoints(viewer_of(cast.merchant_user))) == []
    assert list(merchant_endpoints(cast.merchant, "test")) == []
    assert CallbackSecret.objects.get().contract == "dashboard"
