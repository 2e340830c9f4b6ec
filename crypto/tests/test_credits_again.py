"""A transfer that comes again after its credit was taken back: credited once more, on two nodes' word, never doubled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditRecord
from crypto import opinions, testing
from crypto.bsc_testing import DEPTH, bsc, fresh, look, state
from crypto.chains.base import NodeDown, Receipt
from crypto.chains.registry import chain_for
from crypto.chains.simulated import control
from crypto.models import ChainTransaction, CreditReversal, DepositAddress, Outgoing, SimulatedTransaction, Sweep, Token
from crypto.services import credit_reversals, outgoing_vanished
from crypto.services.credit_reversals import confirm_credit_reversal, propose_credit_reversal
from crypto.services.deposits import flag_vanished
from crypto.services.reconciling import reconcile
from crypto.services.sweeps_undone import may_count_again
from crypto.tests.chain_house import ONE, assert_exact, open_house, own
from crypto.tests.test_credit_reversals import admin, house, mine_again, session, spend, take_back, vanish  # noqa: F401
from crypto.watcher import confirming
from gateway.lib.errors import IllegalTransition
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from webhooks.models import Event

pytestmark = pytest.mark.django_db


def test_what_comes_again_is_credited_again_with_its_fee(cast, session, admin):  # noqa: F811
    row = vanish(session)
    take_back(admin, row)
    tax = CreditReversal.objects.get().tax_minor

    mine_again(row)
    assert (fresh(row).status, row.note, own(cast.merchant)[0]) == ("pending", "", 0)
    assert AuditRecord.objects.filter(action="credit_reversal.returned").count() == 0
    testing.confirm(session, DEPTH)

    assert (fresh(row).status, row.credited_minor, row.fee_minor, row.tax_minor) == ("confirmed", 100 * ONE, ONE, tax)
    assert (session.status, session.received_minor, session.transaction_hash) == ("paid", 100 * ONE, row.transaction_hash)
    assert (own(cast.merchant)[0], house("losses")) == (99 * ONE, 0)
    assert list(Posting.objects.order_by("pk").values_list("reference", flat=True)) == [
        f"crypto:credit:{row.pk}", f"crypto:uncredit:{row.pk}", f"crypto:credit:{row.pk}:1",
    ]
    assert [event.type for event in Event.objects.order_by("created_at")] == ["session.paid", "session.failed", "session.paid"]
    made = CreditReversal.objects.get()
    assert (made.returned_at is not None, made.recovered_minor) == (True, 0)
    look(3)
    assert Posting.objects.count() == 3
    assert_ledger_balances()


def test_the_house_gets_back_what_it_bore(cast, session, admin):  # noqa: F811
    row = vanish(session)
    spend(cast, 70 * ONE)
    take_back(admin, row)

    mine_again(row)
    testing.confirm(session, DEPTH)

    assert (own(cast.merchant)[0], house("losses"), house("clearing")) == (29 * ONE, 0, -30 * ONE)
    assert CreditReversal.objects.get().recovered_minor == 70 * ONE
    assert_ledger_balances()


def test_one_that_came_again_may_vanish_again(cast, session, admin):  # noqa: F811
    row = vanish(session)
    take_back(admin, row)
    mine_again(row)
    testing.confirm(session, DEPTH)
    control.reorganise("BSC", DEPTH + 1, drop=[row.transaction_hash])
    look(2)
    assert (fresh(session).for_person, session.status) == (True, "paid")

    second = take_back(admin, fresh(row))

    assert (second.round, fresh(row).status, fresh(session).status, own(cast.merchant)[0]) == (1, "reversed", "failed", 0)
    assert Posting.objects.filter(reference=f"crypto:uncredit:{row.pk}:1").count() == 1
    mine_again(row)
    testing.confirm(session, DEPTH)
    assert (fresh(row).status, own(cast.merchant)[0], Posting.objects.count()) == ("confirmed", 99 * ONE, 5)
    assert_ledger_balances()


def test_it_is_found_by_asking_where_no_cursor_reads_again(cast, session, admin, monkeypatch):  # noqa: F811
    row = vanish(session)
    take_back(admin, row)
    look()
    SimulatedTransaction.objects.filter(hash=row.transaction_hash).update(
        gone=False, height=state().scanned_height - 5, succeeded=True
    )
    look(2)
    assert fresh(row).status == "reversed"  # asked once a minute

    ChainTransaction.objects.filter(pk=row.pk).update(checked_at=timezone.now() - timedelta(minutes=2))
    look()

    assert fresh(row).status == "pending"
    testing.confirm(session, DEPTH)
    assert (fresh(row).status, own(cast.merchant)[0]) == ("confirmed", 99 * ONE)
    assert_ledger_balances()


def test_it_is_asked_about_for_a_week(cast, session, admin, monkeypatch):  # noqa: F811
    row = vanish(session)
    take_back(admin, row)
    asked = []
    monkeypatch.setattr(confirming.forks, "look_for_orphans", lambda chain, rows: asked.append(rows) or rows)
    old = timezone.now() - timedelta(minutes=2)
    for days, found in [(6, [row]), (8, [])]:
        ChainTransaction.objects.filter(pk=row.pk).update(checked_at=old)
        CreditReversal.objects.update(booked_at=timezone.now() - timedelta(days=days))
        asked.clear()
        confirming.ask_about_orphans(chain_for(bsc(), "test"), state())
        assert asked == [found], days


# Two nodes ---------------------------------------------------------------------------------------------------
class Nodes:
    """What each node of a network says."""

    def __init__(self, answers, heights=None):
        self.answers, self.tall, self.checks = answers, heights or [10_000] * len(answers), 0

    def check_again(self):
        self.checks += 1

    def heights(self):
        return self.tall

    def receipts(self, transaction_hash):
        return self.answers


def receipt_of(row, **more):
    """What the chain said when it was credited."""
    from crypto.chains.base import Transfer

    moved = Transfer(
        row.transaction_hash, row.position, 50, "0xblock", token(row).contract, "0xpayer", row.recipient, int(row.raw_units)
    )
    words = {"succeeded": True, "transfers": (moved,)} | more
    return Receipt(
        row.transaction_hash, 50, "0xblock", timezone.now(), fee=1, gas_used=1, gas_price=1, **words,
    )


def token(row):
    return Token.objects.get(network=row.network_id, mode=row.mode, currency=row.currency)


@pytest.fixture
def live(session, admin, monkeypatch):  # noqa: F811
    """As if the money were real, for whoever asks the nodes."""
    row = vanish(session)
    Token.objects.filter(network="BSC", mode="live", currency="USDT").update(contract=token(row).contract)
    ChainTransaction.objects.filter(pk=row.pk).update(mode="live")
    return fresh(row)


@pytest.mark.parametrize(("answers", "heights"), [
    (lambda row: [None], None),
    (lambda row: [None, NodeDown("resting")], None),
    (lambda row: [None, None], [10_000, 3]),  # the second has not come to its block
    (lambda row: [None, None], [10_000, NodeDown("resting")]),
    (lambda row: [None, receipt_of(row)], None),
    (lambda row: [None, None, receipt_of(row)], None),
])
def test_one_node_s_word_books_nothing(live, answers, heights):
    with pytest.raises((opinions.NotProven, opinions.StillOnChain)):
        opinions.check_gone(live, Nodes(answers(live), heights))


@pytest.mark.parametrize("answers", [
    lambda row: [None, None], lambda row: [None, NodeDown("resting"), None],
    lambda row: [None, receipt_of(row, succeeded=False, transfers=())],  # it failed
    lambda row: [receipt_of(row, transfers=()), None],  # it moved something else
])
def test_two_nodes_words_do(live, answers):
    chain = Nodes(answers(live))

    opinions.check_gone(live, chain)

    assert chain.checks == 1


def test_what_a_token_moved_that_is_not_known_any_more_is_not_judged(live, monkeypatch):
    receipt = receipt_of(live, transfers=())
    monkeypatch.setattr(opinions, "known_token", lambda *_: None)

    with pytest.raises(opinions.StillOnChain):
        opinions.check_gone(live, Nodes([receipt, None, None]))


@pytest.mark.parametrize(("answers", "back"), [
    (lambda said: [said], False), (lambda said: [said, None], False), (lambda said: [said, NodeDown("x")], False),
    (lambda said: [said, said, None], False), (lambda said: [said, said], True), (lambda said: [said, said, NodeDown("x")], True),
])
def test_it_takes_two_nodes_to_credit_it_again(live, answers, back):
    said = receipt_of(live)

    assert opinions.is_back(live, Nodes(answers(said)), said) is back


def test_what_one_node_shows_again_waits(cast, session, admin, monkeypatch):  # noqa: F811
    row = vanish(session)
    take_back(admin, row)
    mine_again(row)
    monkeypatch.setattr(opinions, "is_back", lambda *_: False)

    testing.confirm(session, DEPTH)

    assert (fresh(row).status, own(cast.merchant)[0], Posting.objects.count()) == ("pending", 0, 2)
    assert row.note == "Its credit was taken back, and not every node shows it again: not credited."
    monkeypatch.undo()
    ChainTransaction.objects.filter(pk=row.pk).update(checked_at=timezone.now() - timedelta(minutes=2))
    look()
    assert (fresh(row).status, own(cast.merchant)[0]) == ("confirmed", 99 * ONE)


def test_one_that_has_moved_on_while_the_nodes_were_asked_is_not_booked(cast, session, admin, monkeypatch):  # noqa: F811
    row = vanish(session)
    made = propose_credit_reversal(actor=admin, transfer=row, reason="Gone")
    monkeypatch.setattr(credit_reversals.opinions, "check_gone", lambda *_: mine_again(row))

    with pytest.raises(IllegalTransition, match="moved on"):
        confirm_credit_reversal(actor=admin, reversal=made)

    assert (fresh(made).status, fresh(row).status, own(cast.merchant)[0], Posting.objects.count()) == ("open", "confirmed", 99 * ONE, 1)


# Swept -------------------------------------------------------------------------------------------------------
def swept(row, **more):
    """The transfer was swept, and its sweep ended."""
    outgoing = Outgoing.objects.create(
        purpose="sweep", network=row.network, mode="test", sender=row.recipient, sender_index=0, recipient="hot", nonce=0,
        token=token(row), raw_units=row.raw_units, status="confirmed", transaction_hash="0xsweep", height=1, **more,
    )
    sweep = Sweep.objects.create(
        address=row.address, token=token(row), merchant=row.merchant, mode="test", amount_minor=row.amount_minor,
        raw_units=row.raw_units, outgoing=outgoing, status="swept", swept_at=timezone.now(),
    )
    DepositAddress.objects.filter(pk=row.address_id).update(swept_minor=row.amount_minor, sweep_status="swept")
    return sweep


def test_what_was_swept_and_stands_was_there(cast, session, admin):  # noqa: F811
    row = vanish(session)
    sweep = swept(row)
    made = propose_credit_reversal(actor=admin, transfer=row, reason="Gone")

    with pytest.raises(IllegalTransition, match="stands on the chain"):
        confirm_credit_reversal(actor=admin, reversal=made)

    assert (fresh(made).status, fresh(row).status, fresh(sweep).status) == ("open", "confirmed", "swept")
    assert (own(cast.merchant)[0], Posting.objects.count(), fresh(session).status) == (99 * ONE, 1, "paid")


def test_a_sweep_that_left_with_it_counts_no_more_until_it_is_back(cast, session, admin):  # noqa: F811
    row = vanish(session)
    sweep = swept(row, flag="vanished")
    outgoing = sweep.outgoing

    take_back(admin, row)

    address = fresh(row.address)
    assert (fresh(sweep).status, address.received_minor, address.swept_minor, address.sweep_status) == ("failed", 0, 0, "")
    assert may_count_again(sweep) is False
    mine_again(row)
    testing.confirm(session, DEPTH)
    assert may_count_again(fresh(sweep)) is True
    outgoing_vanished.note_back(outgoing=fresh(outgoing), height=77)
    address = fresh(address)
    assert (fresh(sweep).status, address.received_minor, address.swept_minor) == ("swept", 100 * ONE, 100 * ONE)
    assert fresh(outgoing).flag == ""


def test_an_open_sweep_of_it_is_given_up_unless_it_was_signed(cast, session, admin):  # noqa: F811
    row = vanish(session)
    sweep = swept(row)
    DepositAddress.objects.filter(pk=row.address_id).update(swept_minor=0)
    Sweep.objects.filter(pk=sweep.pk).update(status="sending", swept_at=None)
    Outgoing.objects.filter(pk=sweep.outgoing_id).update(status="signed", transaction_hash="")
    made = propose_credit_reversal(actor=admin, transfer=row, reason="Gone")
    with pytest.raises(IllegalTransition, match="being swept"):
        confirm_credit_reversal(actor=admin, reversal=made)
    assert (fresh(row).status, Posting.objects.count()) == ("confirmed", 1)
    Outgoing.objects.filter(pk=sweep.outgoing_id).update(status="waiting", nonce=None)

    confirm_credit_reversal(actor=admin, reversal=made)

    assert (fresh(sweep).status, fresh(sweep.outgoing).status, fresh(row).status) == ("failed", "failed", "reversed")
    assert fresh(row.address).received_minor == 0


def test_a_watcher_that_had_read_it_before_flags_nothing(cast, session, admin):  # noqa: F811
    row = vanish(session)
    read_before = ChainTransaction.objects.get(pk=row.pk)
    read_before.note = ""
    take_back(admin, row)

    flag_vanished(read_before)

    assert (fresh(row).note, fresh(session).flags, session.for_person) == ("Its credit was taken back.", ["underpaid"], False)


def test_the_books_say_what_the_chain_says_again(cast, signer, network, admin):  # noqa: F811
    open_house(network("BSC"))
    row = vanish(testing.confirm(testing.open_session(cast.merchant, "100"), 1))
    assert [each.currency for each in reconcile(("test",), ("BSC",)) if not each.is_exact] == ["USDT"]

    take_back(admin, row)

    assert_exact("BSC")
    mine_again(row)
    assert_exact("BSC")
    testing.confirm(row.session, DEPTH)
    assert (fresh(row).status, own(cast.merchant)[0]) == ("confirmed", 99 * ONE)
    assert_exact("BSC")
