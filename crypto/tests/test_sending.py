"""The engine against a node that forgets, refuses and does not answer: at most one form of an intent is ever mined."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from crypto import keys, sending
from crypto.chains.base import NodeBusy, NodeDown, NodeTimeout, Refused
from crypto.models import Attempt, HotWallet, Network, Outgoing, Sender
from crypto.services.outgoing_ends import give_up_outgoing, resume_sender
from crypto.services.withdrawals import reject_withdrawal
from crypto.tests import scripted_chain
from crypto.tests.chain_house import ONE, everything_is_due, own, withdraw
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed
from ledger.models import Posting
from ledger.testing import assert_ledger_balances, fund

pytestmark = pytest.mark.django_db
WALLET = "0x27b1fdb04752bbc536007a920d24acb045561c26"


def use(monkeypatch, settings, chain):
    settings.PROCESS = "signer"
    monkeypatch.setattr(keys, "sign", scripted_chain.sign)
    monkeypatch.setattr(sending, "chain_for", lambda network, mode: chain)
    return chain


@pytest.fixture
def chain(monkeypatch, settings, cast):
    HotWallet.objects.create(network=Network.objects.get(code="BSC"), mode="test", address=WALLET)
    fund(cast.merchant, 1000 * ONE, currency="USDT", network="BSC")
    return use(monkeypatch, settings, scripted_chain.ScriptedChain())


def drive(rounds=1):
    from crypto.services import withdrawal_steps

    for _ in range(rounds):
        everything_is_due()
        withdrawal_steps.drive_withdrawals()
        sending.drive_outgoing(limit=5)


def the(withdrawal):
    withdrawal.refresh_from_db()
    return Outgoing.objects.get(pk=withdrawal.outgoing_id)


def finish(chain, outgoing):
    """Mines its newest form, deep enough, and lets the signer see it."""
    chain.mine(outgoing.attempts.order_by("-number")[0].transaction_hash, blocks=70)
    drive()


def test_the_usual_way(cast, chain):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    assert (withdrawal.status, own(cast.merchant)) == ("pending", (900 * ONE, 100 * ONE))

    drive()
    outgoing = the(withdrawal)
    assert (withdrawal.status, outgoing.status, outgoing.nonce) == ("processing", "sent", 0)
    chain.mine(chain.asked[0], blocks=11)
    drive()
    outgoing.refresh_from_db()
    assert (outgoing.status, outgoing.transaction_hash) == ("sent", chain.asked[0])  # mined, one block short
    chain.head += 1
    drive()

    outgoing.refresh_from_db()
    withdrawal.refresh_from_db()
    assert (outgoing.status, outgoing.fee_raw, withdrawal.status) == ("confirmed", str(21 * 10**12), "completed")
    assert len(chain.asked) == 1
    assert own(cast.merchant) == (900 * ONE, 0)
    assert_ledger_balances()


def test_an_answer_that_never_came_is_resolved_by_the_hash(cast, chain):
    chain.answers = [(NodeTimeout("no answer"),)]
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    outgoing = the(withdrawal)
    assert (outgoing.status, outgoing.waits_for) == ("unknown", "node")

    drive(3)
    finish(chain, outgoing)

    withdrawal.refresh_from_db()
    assert (withdrawal.status, len(chain.asked), Attempt.objects.count()) == ("completed", 1, 1)


@pytest.mark.parametrize("trouble", [NodeTimeout("lost"), NodeDown("refused"), NodeBusy("429")])
def test_a_broadcast_that_never_arrived_is_sent_again_as_the_same_bytes(cast, chain, trouble):
    chain.answers = [trouble, trouble]
    withdrawal = withdraw(cast.merchant, 100 * ONE)

    drive(4)
    outgoing = the(withdrawal)
    assert outgoing.status == "sent"
    assert len(chain.asked) == 3
    assert len(set(chain.asked)) == 1  # the same transaction, whatever happened
    finish(chain, outgoing)

    withdrawal.refresh_from_db()
    assert (withdrawal.status, Attempt.objects.count()) == ("completed", 1)


def test_a_node_that_forgot_it_gets_the_same_bytes(cast, chain):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    chain.known.clear()

    drive(2)

    assert len(chain.asked) == 2
    assert len(set(chain.asked)) == 1
    finish(chain, the(withdrawal))
    withdrawal.refresh_from_db()
    assert withdrawal.status == "completed"


def test_a_stuck_one_is_replaced_with_the_same_nonce_and_a_higher_fee(cast, chain, settings):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    drive()
    assert Attempt.objects.count() == 1
    settings.OUTGOING_REPLACE_SECONDS = 0
    drive()
    settings.OUTGOING_REPLACE_SECONDS = 300

    first, second = Attempt.objects.order_by("number")
    assert (first.fee["terms"]["price"], second.fee["terms"]["price"]) == (10, 12)
    assert [chain.known[each.transaction_hash]["nonce"] for each in (first, second)] == [0, 0]
    chain.mine(first.transaction_hash, blocks=70)  # and of all things the first is mined
    drive()

    withdrawal.refresh_from_db()
    assert (withdrawal.status, the(withdrawal).transaction_hash) == ("completed", first.transaction_hash)
    assert_ledger_balances()


def test_an_underpriced_one_is_replaced_at_once(cast, chain):
    chain.answers = [Refused("too cheap", "underpriced")]
    withdrawal = withdraw(cast.merchant, 100 * ONE)

    drive(2)

    assert [each.fee["terms"]["price"] for each in Attempt.objects.order_by("number")] == [10, 12]
    finish(chain, the(withdrawal))
    withdrawal.refresh_from_db()
    assert withdrawal.status == "completed"


def test_what_leaves_the_chain_again_is_sent_again(cast, chain):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    chain.mine(chain.asked[0], blocks=5)
    drive()
    assert the(withdrawal).height == 101
    chain.orphan(chain.asked[0])
    chain.head -= 2

    drive()
    assert (the(withdrawal).height, the(withdrawal).status) == (None, "sent")
    drive()

    assert len(chain.asked) == 2
    assert len(set(chain.asked)) == 1
    finish(chain, the(withdrawal))
    withdrawal.refresh_from_db()
    assert withdrawal.status == "completed"


def test_a_form_that_no_node_takes_is_cancelled_by_its_nonce_and_only_then_released(cast, chain):
    chain.answers = [Refused("bad", "other")] * 5
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive(7)
    later = withdraw(cast.merchant, 50 * ONE)
    drive(3)

    cancel = Attempt.objects.get(cancels=True)
    assert (own(cast.merchant), the(later).nonce) == ((850 * ONE, 150 * ONE), 1)
    assert chain.known[cancel.transaction_hash]["units"] == 0
    chain.mine(cancel.transaction_hash, blocks=70)
    drive()
    finish(chain, the(later))

    withdrawal.refresh_from_db()
    later.refresh_from_db()
    assert (withdrawal.status, the(withdrawal).status, later.status) == ("failed", "failed", "completed")
    assert own(cast.merchant) == (950 * ONE, 0)
    assert_ledger_balances()


def test_a_nonce_that_somebody_else_used_stops_the_sender_loudly(cast, chain):
    withdrawal, later = withdraw(cast.merchant, 100 * ONE), None
    drive()
    chain.foreign_nonces = 1  # mined, and not ours

    drive(4)
    assert the(withdrawal).flag == ""  # a node may only be behind with its receipts
    drive()
    outgoing = the(withdrawal)
    sender = Sender.objects.get()
    assert (outgoing.flag, outgoing.status, sender.stopped_at is not None) == ("foreign", "sent", True)
    later = withdraw(cast.merchant, 50 * ONE)
    drive(2)
    assert (the(later).status, the(later).waits_for, the(later).nonce) == ("waiting", "stopped", None)
    assert own(cast.merchant) == (850 * ONE, 150 * ONE)

    root, admin = Actor(cast.super_admin, "panel"), Actor(cast.admin, "panel")
    with pytest.raises(NotAllowed):
        give_up_outgoing(actor=admin, outgoing=outgoing, note="x")
    with pytest.raises(InvalidFields):
        give_up_outgoing(actor=root, outgoing=outgoing, note=" ")
    with pytest.raises(IllegalTransition):
        resume_sender(actor=root, sender=sender, note="Too early")
    assert own(cast.merchant) == (850 * ONE, 150 * ONE)
    give_up_outgoing(actor=root, outgoing=outgoing, note="Looked at the chain")
    resume_sender(actor=root, sender=sender, note="The key is safe")
    drive(2)
    finish(chain, the(later))

    withdrawal.refresh_from_db()
    later.refresh_from_db()
    assert (withdrawal.status, later.status, the(later).nonce) == ("failed", "completed", 1)
    assert own(cast.merchant) == (950 * ONE, 0)
    assert_ledger_balances()


def test_a_chain_that_is_ahead_of_us_stops_the_sender_before_anything_is_signed(cast, chain):
    finish_first = withdraw(cast.merchant, 10 * ONE)
    drive()
    finish(chain, the(finish_first))
    chain.foreign_nonces = 1
    withdrawal = withdraw(cast.merchant, 100 * ONE)

    drive(4)

    assert (the(withdrawal).status, the(withdrawal).nonce) == ("waiting", None)
    assert Sender.objects.get().stopped_at is not None
    assert len(chain.asked) == 1


def test_a_node_that_hides_the_receipt_for_a_while_costs_time_only(cast, chain):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    chain.mine(chain.asked[0], blocks=70)
    chain.hide_receipts = True
    drive(3)
    assert the(withdrawal).flag == ""
    chain.hide_receipts = False

    drive()

    withdrawal.refresh_from_db()
    assert (withdrawal.status, len(chain.asked)) == ("completed", 1)


def test_what_moved_something_else_is_for_a_person(cast, chain):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    chain.moves_units = 5

    finish(chain, the(withdrawal))

    outgoing = the(withdrawal)
    assert (outgoing.flag, withdrawal.status) == ("otherwise", "processing")
    assert own(cast.merchant) == (900 * ONE, 100 * ONE)
    assert not Posting.objects.filter(kind="withdrawal.settle").exists()
    drive()
    assert (the(withdrawal).flag, len(chain.asked)) == ("otherwise", 1)


def test_what_only_one_node_says_moved_something_else_ends_as_it_was_meant(cast, chain):
    """Else a person could only give up what was paid, which pays it twice."""
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    chain.moves_units = 5
    finish(chain, the(withdrawal))
    chain.moves_units = None

    drive()

    withdrawal.refresh_from_db()
    outgoing = the(withdrawal)
    assert (outgoing.status, outgoing.flag, withdrawal.status) == ("confirmed", "", "completed")
    assert own(cast.merchant) == (900 * ONE, 0)
    assert_ledger_balances()


def test_too_little_gas_or_tokens_waits_with_words_and_no_nonce(cast, chain):
    chain.coins = 999
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    assert (the(withdrawal).waits_for, the(withdrawal).nonce, chain.asked) == ("gas", None, [])
    chain.coins, chain.balance = 10**30, 10**18
    drive()
    assert (the(withdrawal).waits_for, the(withdrawal).nonce) == ("tokens", None)
    chain.balance = 10**30

    drive()

    assert (the(withdrawal).status, the(withdrawal).nonce) == ("sent", 0)


def test_funds_that_are_on_their_way_out_are_not_promised_twice(cast, chain):
    chain.balance = 150 * 10**18
    first, second = withdraw(cast.merchant, 100 * ONE), withdraw(cast.merchant, 100 * ONE)

    drive(2)

    assert (the(first).status, the(second).status, the(second).waits_for) == ("sent", "waiting", "tokens")


def test_an_intent_that_ends_before_it_is_signed_leaves_its_nonce_to_the_next(cast, chain, monkeypatch):
    def no_answer(*_, **__):
        raise NodeTimeout("gone")

    withdrawal = withdraw(cast.merchant, 100 * ONE)
    monkeypatch.setattr(chain, "build", no_answer)
    drive()
    assert (the(withdrawal).status, the(withdrawal).nonce, Sender.objects.get().next_nonce) == ("waiting", None, 0)
    reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=withdrawal, reason="Changed our minds")
    monkeypatch.undo()
    assert own(cast.merchant) == (1000 * ONE, 0)


def test_a_taken_back_nonce_is_given_to_the_next(cast, chain, monkeypatch):
    """As after a signer that died between taking the nonce and signing."""
    withdrawal, later = withdraw(cast.merchant, 100 * ONE), withdraw(cast.merchant, 50 * ONE)
    from crypto.services import withdrawal_steps

    withdrawal_steps.drive_withdrawals()
    first = the(withdrawal)
    Outgoing.objects.filter(pk=first.pk).update(nonce=0, due_at=timezone.now() + timedelta(hours=1))
    Sender.objects.create(network_id="BSC", mode="test", address=WALLET, next_nonce=1)
    sending.drive_outgoing(limit=2)
    assert (the(later).status, the(later).waits_for, the(later).nonce) == ("waiting", "turn", None)

    reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=withdrawal, reason="No")
    drive()

    assert (the(later).status, the(later).nonce) == ("sent", 0)
    assert own(cast.merchant) == (950 * ONE, 50 * ONE)


def test_what_is_signed_cannot_be_rejected(cast, chain):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()

    with pytest.raises(IllegalTransition):
        reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=withdrawal, reason="Too late")

    withdrawal.refresh_from_db()
    assert (withdrawal.status, own(cast.merchant)) == ("processing", (900 * ONE, 100 * ONE))


def test_no_process_but_the_signer_sends_anything(cast, chain, settings):
    settings.PROCESS = "worker"
    withdrawal = withdraw(cast.merchant, 100 * ONE)

    drive()

    assert (the(withdrawal).status, chain.asked) == ("waiting", [])
