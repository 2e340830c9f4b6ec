"""Claims: a transaction that is named is looked at, and counts by the rules that hold for any other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from crypto import testing, watcher
from crypto.chains.simulated import control
from crypto.chains.simulated.chain import SimulatedChain
from crypto.errors import ClaimRefused
from crypto.models import ChainTransaction, Session, TransactionClaim
from crypto.services import crediting, deposits
from crypto.services.claims import claim_transaction, clean_hash
from crypto.watcher import claims, scanning
from gateway.lib.errors import InvalidFields
from ledger.models import Posting
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db
PAYER = Actor.system("payment page")


@pytest.fixture
def session(cast):
    return testing.confirm(testing.open_session(cast.merchant, "100"), 1)


@pytest.fixture
def unseen(monkeypatch):
    """The scan finds nothing, as if a node had answered half a range."""
    monkeypatch.setattr(scanning, "read", lambda *_: [])


def name(session, transaction, user=None):
    claim = claim_transaction(actor=PAYER, session=session, transaction_hash=transaction, claimed_by=user)
    watcher.watch_network(session.network_id, session.mode)
    claim.refresh_from_db()
    return claim


def test_a_payment_that_no_scan_found_is_found_and_credited_once(session, unseen):
    paid = testing.pay(session)
    control.mine("BSC", 2)

    claim = name(session, paid.upper().replace("0X", "0x"))
    assert (claim.attached, claim.result) == (True, "Found. It counts once the network has confirmed it.")
    testing.confirm(session)

    assert (session.status, session.received_minor, Posting.objects.count()) == ("paid", 100 * 10**8, 1)
    assert name(session, paid).attached
    testing.confirm(session)
    assert Posting.objects.count() == 1
    assert_ledger_balances()


def test_one_that_was_found_already_changes_nothing(session):
    paid = testing.pay(session)
    testing.confirm(session)

    assert name(session, paid).result == "It is counted for this payment."

    assert (ChainTransaction.objects.count(), Posting.objects.count()) == (1, 1)


@pytest.mark.parametrize(("more", "result"), [
    ({"fake": True}, "It pays a token that is not accepted here."),
    ({"fails": True}, "The transaction failed on chain: it moved nothing."),
])
def test_what_moved_nothing_of_ours_credits_nothing(session, more, result):
    paid = testing.pay(session, **more)
    control.mine("BSC", 2)

    claim = name(session, paid)

    assert (claim.attached, claim.result, claim.due_at) == (False, result, None)
    assert (ChainTransaction.objects.count(), Posting.objects.count()) == (0, 0)


def test_a_transfer_to_somebody_elses_address_is_not_taken(cast, session):
    other = testing.open_session(cast.other, "100")
    paid = testing.pay(other)
    testing.confirm(other)

    claim = name(session, paid)

    assert (claim.attached, claim.result) == (False, "It pays nothing to this payment's address.")
    session.refresh_from_db()
    assert (session.status, session.received_minor, other.status) == ("pending", 0, "paid")
    assert Posting.objects.count() == 1


def test_what_waits_and_what_nobody_knows_is_asked_for_again(session):
    waiting = testing.pay(session)
    claim = name(session, waiting)
    assert (claim.result, claim.tries) == ("The network knows it; it is not in a block yet.", 1)
    unknown = name(session, "0x" + "ab" * 32)
    assert unknown.result == "The network does not know this transaction. Is it of this network?"

    control.mine("BSC", 1)
    TransactionClaim.objects.update(due_at=timezone.now())
    watcher.watch_network("BSC", "test")
    for _ in range(12):
        TransactionClaim.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        watcher.watch_network("BSC", "test")

    claim.refresh_from_db()
    unknown.refresh_from_db()
    assert (claim.attached, unknown.attached, unknown.tries, unknown.due_at) == (True, False, 12, None)


@pytest.fixture
def reused(cast, settings):
    """An earlier and a later session of one address; the money for the earlier came when the later had it."""
    settings.SESSION_COOL_DOWN_MINUTES = 0
    early = testing.open_session(cast.merchant, "100")
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1), created_at=timezone.now() - timedelta(hours=1))
    testing.confirm(early, 1)
    later = testing.open_session(cast.merchant, "70", fresh=False)
    assert later.address == early.address
    paid = testing.pay(early)
    testing.confirm(later, 2)
    return early, later, paid


def test_a_payer_cannot_take_what_counts_for_another_payment(reused):
    early, later, paid = reused

    claim = name(early, paid)

    assert (claim.attached, claim.result) == (False, "It is counted for another payment already.")
    assert ChainTransaction.objects.get().session == later


def test_an_operator_gives_an_uncredited_transfer_to_the_payment_it_was_for(cast, reused):
    early, later, paid = reused

    assert name(early, paid, cast.super_admin).attached
    testing.confirm(later)

    early.refresh_from_db()
    assert (early.status, later.status, Posting.objects.count()) == ("paid", "pending", 1)
    assert_ledger_balances()


def test_once_credited_nobody_moves_it(cast, reused):
    early, later, paid = reused
    testing.confirm(later)

    assert not name(early, paid, cast.super_admin).attached

    assert (later.status, Posting.objects.count()) == ("paid", 1)


def test_one_that_is_given_away_while_another_watcher_reads_its_receipt(reused, monkeypatch):
    """A watcher whose lease ran out at a slow node goes on with what it read before."""
    early, later, _ = reused
    asked = SimulatedChain.receipt

    def receipt(chain, transaction):
        ChainTransaction.objects.update(session=early)
        return asked(chain, transaction)

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedChain, "receipt", receipt)
        testing.confirm(later)
    assert (later.status, later.received_minor, Posting.objects.count()) == ("pending", 0, 0)
    watcher.watch_network("BSC", "test")

    early.refresh_from_db()
    assert (early.status, early.received_minor, Posting.objects.count()) == ("paid", 100 * 10**8, 1)
    assert_ledger_balances()


def test_one_that_another_watcher_credits_while_it_is_given_away(cast, reused, monkeypatch):
    early, later, paid = reused
    chain = SimulatedChain(later.network, "test")

    def write_sighting(seen):
        row = deposits.write_sighting(seen)
        assert crediting.credit(row=ChainTransaction.objects.get(), receipt=chain.receipt(paid))
        return row

    with monkeypatch.context() as patched:
        patched.setattr(claims, "write_sighting", write_sighting)
        claim = name(early, paid, cast.super_admin)

    early.refresh_from_db()
    later.refresh_from_db()
    assert (claim.attached, claim.result) == (False, "It is counted for another payment already.")
    assert (ChainTransaction.objects.get().session, later.status, early.received_minor) == (later, "paid", 0)
    assert_ledger_balances()


def test_a_payer_names_a_few_and_no_more(session):
    for number in range(5):
        claim_transaction(actor=PAYER, session=session, transaction_hash=f"{number:064x}")

    with pytest.raises(ClaimRefused):
        claim_transaction(actor=PAYER, session=session, transaction_hash="f" * 64)

    assert session.claims.count() == 5
    assert claim_transaction(actor=PAYER, session=session, transaction_hash=f"{1:064x}").tries == 0


@pytest.mark.parametrize(("code", "text", "cleaned"), [
    ("BSC", "0x" + "Ab" * 32, "0x" + "ab" * 32), ("ETH", "AB" * 32, "0x" + "ab" * 32), ("TRX", "0x" + "AB" * 32, "ab" * 32),
    ("TRX", "cd" * 32, "cd" * 32),
])
def test_hashes_are_spelled_as_their_network_does(network, code, text, cleaned):
    assert clean_hash(network(code), text) == cleaned


@pytest.mark.parametrize("code", ["BSC", "TRX", "SOL"])
@pytest.mark.parametrize("text", ["", "0x", "x" * 64, "1" * 65, "٣" * 64, "0x" + "a" * 65, "O" * 88])
def test_what_is_no_hash_is_refused(session, network, code, text):
    Session.objects.update(network_id=code)
    session.refresh_from_db()

    with pytest.raises(InvalidFields):
        claim_transaction(actor=PAYER, session=session, transaction_hash=text)

    assert TransactionClaim.objects.count() == 0


def test_a_signature_of_solana(network):
    from crypto import base58

    signature = base58.encode(bytes(range(64)))
    assert clean_hash(network("SOL"), f" {signature} ") == signature
