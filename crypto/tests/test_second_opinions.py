"""One node's word that a withdrawal failed, or was never mined, releases nothing: a second one must say the same."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.actors import Actor
from crypto.chains.base import NodeTimeout
from crypto.models import Attempt, HotWallet, Network, Outgoing, Sender
from crypto.opinions import allow_end
from crypto.services.outgoing_ends import give_up_outgoing
from crypto.tests import scripted_chain
from crypto.tests.chain_house import ONE, own, withdraw
from crypto.tests.test_sending import chain, drive, finish, the, use  # noqa: F401
from gateway.lib.errors import IllegalTransition
from ledger.models import Posting
from ledger.testing import assert_ledger_balances, fund

pytestmark = pytest.mark.django_db


def says_the_same(receipt):
    return receipt


def knows_nothing(receipt):
    return None


def does_not_answer(receipt):
    return NodeTimeout("no answer")


def shows_it_paid(receipt):
    return receipt and replace(receipt, succeeded=True, transfers=("paid",))


def failed_at_depth(cast, chain, *others):
    """A withdrawal that the node which is asked first calls failed."""
    chain.others, chain.succeeds = list(others), False
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    finish(chain, the(withdrawal))
    return withdrawal


def assert_nothing_is_released(cast, withdrawal):
    withdrawal.refresh_from_db()
    assert (withdrawal.status, own(cast.merchant)) == ("processing", (900 * ONE, 100 * ONE))
    assert not Posting.objects.filter(kind__in=["withdrawal.release", "crypto.gas"]).exists()


@pytest.mark.parametrize("others", [[], [says_the_same], [does_not_answer, says_the_same]])
def test_what_all_that_answer_call_failed_has_failed(cast, chain, others):
    withdrawal = failed_at_depth(cast, chain, *others)

    withdrawal.refresh_from_db()
    assert (withdrawal.status, the(withdrawal).status, own(cast.merchant)) == ("failed", "failed", (1000 * ONE, 0))
    assert_ledger_balances()


@pytest.mark.parametrize("other", [shows_it_paid, knows_nothing])
def test_what_another_node_denies_releases_nothing_and_a_person_sees_it(cast, chain, other):
    withdrawal = failed_at_depth(cast, chain, other)

    outgoing = the(withdrawal)
    assert (outgoing.flag, outgoing.status) == ("disputed", "sent")
    assert outgoing.failure == f"One node says that {chain.asked[0]} failed, another says something else"
    assert_nothing_is_released(cast, withdrawal)
    with pytest.raises(IllegalTransition):
        give_up_outgoing(actor=Actor(cast.super_admin, "panel"), outgoing=outgoing, note="I believe it")
    assert_nothing_is_released(cast, withdrawal)


def test_it_is_asked_again_and_ends_as_it_truly_did(cast, chain):
    withdrawal = failed_at_depth(cast, chain, shows_it_paid)
    chain.succeeds = True

    drive()

    withdrawal.refresh_from_db()
    assert (withdrawal.status, the(withdrawal).status, the(withdrawal).flag) == ("completed", "confirmed", "")
    assert (own(cast.merchant), len(chain.asked)) == ((900 * ONE, 0), 1)
    assert_ledger_balances()


def test_without_a_second_answer_it_waits_with_words_and_is_told_after_a_while(cast, chain):
    withdrawal = failed_at_depth(cast, chain, does_not_answer)

    outgoing = the(withdrawal)
    words = "No second node answers, and one node's word does not release money"
    assert (outgoing.flag, outgoing.waits_for, outgoing.failure) == ("", "node", words)
    drive(15)
    assert (the(withdrawal).flag, the(withdrawal).failure) == ("disputed", words)
    assert_nothing_is_released(cast, withdrawal)
    chain.others = [says_the_same]
    drive()

    withdrawal.refresh_from_db()
    assert (withdrawal.status, own(cast.merchant)) == ("failed", (1000 * ONE, 0))


def test_that_it_moved_something_else_is_given_up_only_if_two_say_so(cast, chain):
    chain.others = [shows_it_paid]
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    chain.moves_units = 5
    finish(chain, the(withdrawal))

    assert the(withdrawal).flag == "disputed"
    with pytest.raises(IllegalTransition):
        give_up_outgoing(actor=Actor(cast.super_admin, "panel"), outgoing=the(withdrawal), note="Looked")
    assert_nothing_is_released(cast, withdrawal)
    chain.others = [says_the_same]
    drive()
    assert the(withdrawal).flag == "otherwise"


def test_a_nonce_is_not_anothers_while_some_node_shows_ours(cast, chain):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    name = chain.asked[0]
    chain.mine(name, blocks=70)
    truth = chain.receipt(name)
    chain.hide_receipts, chain.others = True, [lambda receipt: truth]

    drive(8)

    assert (the(withdrawal).flag, Sender.objects.get().stopped_at) == ("disputed", None)
    assert the(withdrawal).failure == f"One node knows no block with {name}, another shows one"
    assert_nothing_is_released(cast, withdrawal)
    chain.hide_receipts = False
    drive()
    withdrawal.refresh_from_db()
    assert (withdrawal.status, the(withdrawal).flag) == ("completed", "")


@pytest.mark.parametrize("other", ["shows it", "is silent"])
def test_no_new_form_without_a_nonce_unless_two_know_of_none(cast, monkeypatch, settings, other):
    HotWallet.objects.create(network=Network.objects.get(code="TRX"), mode="test", address="T" + "1" * 33)
    fund(cast.merchant, 1000 * ONE, currency="USDT", network="TRX")
    chain = use(monkeypatch, settings, scripted_chain.ScriptedChain(uses_nonces=False))
    withdrawal = withdraw(cast.merchant, 100 * ONE, "TRX")
    drive()
    chain.mine(chain.asked[0], blocks=70)  # paid, and long dead as a form
    truth = chain.receipt(chain.asked[0])
    chain.hide_receipts = True
    chain.others = [(lambda receipt: truth) if other == "shows it" else does_not_answer]

    drive(8)

    assert (Attempt.objects.count(), len(chain.asked)) == (1, 1)
    assert Outgoing.objects.get().flag == ("disputed" if other == "shows it" else "")
    chain.hide_receipts = False
    drive()
    withdrawal.refresh_from_db()
    assert (withdrawal.status, own(cast.merchant, "TRX")) == ("completed", (900 * ONE, 0))
    assert_ledger_balances()


@pytest.mark.parametrize(("purpose", "alone"), [("withdrawal", False), ("house", False), ("sweep", True), ("gas", True)])
def test_whatever_leaves_the_house_needs_a_second_node(cast, chain, purpose, alone):
    outgoing = the(failed_at_depth(cast, chain, shows_it_paid))
    outgoing.purpose = purpose

    assert allow_end(outgoing, chain, chain.receipt(chain.asked[0])) is alone
