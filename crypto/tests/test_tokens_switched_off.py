"""A token that is switched off takes no new business; what was asked for in it, came in it or is owed in it stays money."""

from __future__ import annotations

import pytest

from accounts.actors import Actor, Viewer
from crypto import testing, watcher
from crypto.chains.simulated import control
from crypto.models import ChainTransaction, Session, Token
from crypto.queries import sending
from crypto.services.checking import check_balance
from crypto.services.claims import claim_transaction
from crypto.tests.chain_house import ONE, own, withdraw
from gateway.contracts.dashboard.answers.balances import networks
from gateway.lib.errors import InvalidFields
from gateway.lib.money import Money
from ledger.testing import assert_ledger_balances, fund

pytestmark = pytest.mark.django_db


def switch_off(currency="USDT"):
    Token.objects.filter(network="BSC", mode="test", currency=currency).update(active=False)


def pay(session):
    """As a payer who has the page before him, whatever was switched since."""
    units = 10**10 * session.amount_minor
    return control.pay("BSC", currency=session.currency, recipient=session.address.address, units=units)


def test_a_payment_to_an_open_session_is_seen_and_credited(cast):
    session = testing.confirm(testing.open_session(cast.merchant, "100"), 1)
    switch_off()
    pay(session)

    testing.confirm(session)

    assert (session.status, session.received_minor) == ("paid", 100 * ONE)
    assert own(cast.merchant) == (99 * ONE, 0)
    assert_ledger_balances()


def test_one_that_waits_for_its_confirmations_is_credited(cast):
    session = testing.open_session(cast.merchant, "100")
    pay(session)
    testing.confirm(session, 1)
    switch_off()

    testing.confirm(session)

    row = ChainTransaction.objects.get()
    assert (session.status, row.status, row.note) == ("paid", "confirmed", "")
    assert own(cast.merchant) == (99 * ONE, 0)


def test_one_that_comes_long_after_is_found_by_its_name(cast, monkeypatch):
    from crypto.watcher import scanning

    session = testing.confirm(testing.open_session(cast.merchant, "100"), 1)
    switch_off()
    monkeypatch.setattr(scanning, "read", lambda *_: [])
    paid = pay(session)
    control.mine("BSC", 2)

    claim = claim_transaction(actor=Actor.system("payment page"), session=session, transaction_hash=paid)
    watcher.watch_network("BSC", "test")

    claim.refresh_from_db()
    assert (claim.attached, claim.result) == (True, "Found. It counts once the network has confirmed it.")


def test_nothing_new_is_begun_in_it(cast):
    fund(cast.merchant, 100 * ONE, currency="USDT", network="BSC")
    switch_off()

    with pytest.raises(InvalidFields) as refused:
        testing.open_session(cast.merchant, "100")
    assert refused.value.details["fields"] == {"currency": "is not accepted on BSC"}
    with pytest.raises(InvalidFields):
        withdraw(cast.merchant, 10 * ONE)
    assert (Session.objects.count(), own(cast.merchant)) == (0, (100 * ONE, 0))


def test_its_money_is_shown_to_everybody_whose_it_is(cast):
    session = testing.open_session(cast.merchant, "100")
    pay(session)
    testing.confirm(session)
    switch_off()

    assert check_balance(address=session.address, currency="USDT").minor == 100 * ONE
    bsc = networks(Viewer(cast.merchant_user, "test"))["networks"][0]
    assert (bsc["network"], bsc["total_balance"]) == ("BSC", "99.00000000")
    assert [(row["currency"], row["balance"]) for row in bsc["currencies"]] == [
        ("USDT", "99.00000000"), ("USDC", "0.00000000"),
    ]
    wallet = sending.wallet_views(Viewer(cast.super_admin, "test"))[0]
    assert wallet.custody[0] == Money(100 * ONE, "USDT")
