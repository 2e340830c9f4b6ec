"""What no node can answer is put off, and holds up nobody behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from hexbytes import HexBytes

from accounts.actors import Actor
from crypto import testing, watcher
from crypto.bsc_testing import fresh, look
from crypto.chains.base import NodeBusy, NodeDown, NodeWrong
from crypto.chains.evm import chain as evm
from crypto.chains.simulated import control
from crypto.chains.simulated.chain import SimulatedChain
from crypto.models import ChainTransaction, TransactionClaim
from crypto.services.claims import claim_transaction
from ledger.models import Posting
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db


@pytest.fixture
def sessions(cast):
    return [testing.confirm(testing.open_session(cast.merchant, "100"), 1) for _ in range(4)]


@pytest.fixture
def unanswered(monkeypatch):
    """From now on nobody is told the receipts of these."""
    def unanswered(*names, error=NodeWrong):
        receipt = SimulatedChain.receipt

        def answer(self, name):
            if name in names:
                raise error("answered what cannot be read")
            return receipt(self, name)

        monkeypatch.setattr(SimulatedChain, "receipt", answer)

    return unanswered


def claim(session, name):
    return claim_transaction(actor=Actor.system("payment page"), session=session, transaction_hash=name)


def all_is_due():
    TransactionClaim.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    ChainTransaction.objects.update(checked_at=F("checked_at") - timedelta(minutes=2))


def test_a_claim_that_no_node_can_answer_keeps_nobody_from_theirs(sessions, unanswered):
    bad = [claim(sessions[0], f"0x{number:064x}") for number in range(3)]
    unanswered(*[each.transaction_hash for each in bad])
    paid = testing.pay(sessions[1])
    testing.confirm(sessions[1], 2)
    true = claim(sessions[1], paid)

    look(2)

    assert (fresh(true).attached, true.result) == (True, "Found. It counts once the network has confirmed it.")
    assert [(fresh(each).tries, each.attached) for each in bad] == [(1, False)] * 3
    for _ in range(12):
        all_is_due()
        look()
    assert [(fresh(each).tries, each.due_at) for each in bad] == [(12, None)] * 3
    assert {each.result for each in bad} == {"The network's nodes cannot tell what it is. They are asked again."}


@pytest.mark.parametrize("error", [NodeBusy, NodeDown])
def test_a_claim_is_not_used_up_while_the_nodes_are_away(sessions, unanswered, error):
    bad = claim(sessions[0], "0x" + "ab" * 32)
    unanswered(bad.transaction_hash, error=error)

    for _ in range(14):
        all_is_due()
        look()

    assert (fresh(bad).tries, bad.result) == (0, "")
    assert bad.due_at is not None


def test_transfers_that_no_node_can_answer_keep_nobody_from_being_credited(sessions, unanswered):
    unanswered(*[testing.pay(session) for session in sessions[:3]])
    control.mine("BSC")
    testing.pay(sessions[3])

    testing.confirm(sessions[3], 14)
    testing.confirm(sessions[3], 1)

    assert (sessions[3].status, sessions[3].received_minor, Posting.objects.count()) == ("paid", 100 * 10**8, 1)
    assert [fresh(session).status for session in sessions[:3]] == ["pending"] * 3
    assert_ledger_balances()


def test_of_those_that_left_the_chain_none_keeps_another_from_coming_back(sessions, unanswered, monkeypatch):
    names = [testing.pay(session) for session in sessions]
    testing.confirm(sessions[0], 3)
    control.reorganise("BSC", 3, drop=names)
    look()
    assert set(ChainTransaction.objects.values_list("status", flat=True)) == {"orphaned"}
    control.SimulatedTransaction.objects.filter(hash=names[3]).update(gone=False)
    # Mined where no cursor looks any more.
    monkeypatch.setattr(SimulatedChain, "transfers", lambda *_, **__: [])
    control.mine("BSC", 14)
    unanswered(*names[:3])

    for _ in range(3):
        all_is_due()
        watcher.watch_network("BSC", "test")

    assert (fresh(sessions[3]).status, Posting.objects.count()) == ("paid", 1)
    assert_ledger_balances()


@pytest.fixture
def denied(monkeypatch):
    """Until it is undone, every receipt says that its transaction failed; in this block, if one is named."""
    def denied(**changes):
        patched = monkeypatch.context()
        receipt = SimulatedChain.receipt
        patch = patched.__enter__()
        patch.setattr(
            SimulatedChain, "receipt",
            lambda chain, name: (true := receipt(chain, name)) and replace(true, succeeded=False, **changes),
        )
        return lambda: patched.__exit__(None, None, None)

    return denied


def test_a_payment_that_one_node_called_failed_counts_once_a_claim_finds_it(sessions, denied):
    paid = testing.pay(sessions[0])
    undo = denied()
    testing.confirm(sessions[0], 13)
    assert ChainTransaction.objects.get().status == "failed"
    undo()
    testing.confirm(sessions[0], 13)
    assert (sessions[0].status, Posting.objects.count()) == ("pending", 0)

    claim(sessions[0], paid)
    look(3)

    assert (fresh(sessions[0]).status, sessions[0].transaction_hash, sessions[0].flags) == ("paid", paid, [])
    assert (ChainTransaction.objects.get().note, Posting.objects.count()) == ("", 1)
    look(3)
    assert Posting.objects.count() == 1
    assert_ledger_balances()


def test_one_that_failed_in_another_block_is_asked_for_again(sessions, denied):
    testing.pay(sessions[0])
    undo = denied(block_hash="0x" + "ee" * 32)
    testing.confirm(sessions[0], 13)
    assert ChainTransaction.objects.get().status == "orphaned"
    undo()

    all_is_due()
    look(2)

    assert (fresh(sessions[0]).status, Posting.objects.count()) == ("paid", 1)
    assert_ledger_balances()


def test_a_receipt_from_before_there_was_a_status_says_that_nothing_succeeded():
    name, block = "0x" + "ab" * 32, HexBytes("0x" + "cd" * 32)

    class Eth:
        def get_transaction_receipt(self, _):
            return {
                "transactionHash": HexBytes(name), "blockHash": block, "blockNumber": 46147, "gasUsed": 21_000,
                "root": HexBytes("0x" + "11" * 32), "logs": [],
            }

        def get_block(self, _):
            return {"number": 46147, "hash": block, "parentHash": block, "timestamp": 1438918233}

    class W3:
        eth = Eth()

    found = evm._receipt(W3(), name)

    assert (found.succeeded, found.transfers, found.height) == (False, (), 46147)
