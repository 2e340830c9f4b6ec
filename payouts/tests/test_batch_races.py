"""Operators at the same moment: no payout in two batches, one winner of sent and cancelled, one end for each payout."""

from __future__ import annotations

import collections

import pytest

from accounts.actors import Actor
from gateway.lib.racing import together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payouts.batches import apply_result, cancel_batch, export_batch, mark_sent, open_batch, upload_result
from payouts.batches.results import _apply_file, drive_results
from payouts.models import BatchLine, Payout, PayoutBatch, ResultFile
from payouts.services import reject_payout

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def kinds(results):
    return dict(collections.Counter(type(result).__name__ for result in results))


def test_no_payout_gets_into_two_batches(cast, by_file):
    payouts = by_file(12)
    ids = [payout.public_id for payout in payouts]
    actor = Actor(cast.admin, "panel")
    choices = [ids, ids[:6], ids[6:], ids[3:9], list(reversed(ids)), ids[::2]]

    results = together(6, lambda index: open_batch(actor=actor, mode="live", payout_ids=choices[index]))

    assert set(kinds(results)) <= {"PayoutBatch", "NothingToBatch"}
    lines = collections.Counter(BatchLine.objects.values_list("payout_id", flat=True))
    assert lines == {payout.pk: 1 for payout in payouts}
    assert_ledger_balances()


def test_of_a_batch_and_a_rejection_one_gets_the_payout(cast, by_file, balances):
    actor, root = Actor(cast.admin, "panel"), Actor(cast.super_admin, "panel")
    ends = collections.Counter()
    for _ in range(20):
        [payout] = by_file(1)

        def decide(index, payout=payout):
            row = Payout.objects.get(pk=payout.pk)
            if index:
                return open_batch(actor=actor, mode="live", payout_ids=[row.public_id])
            return reject_payout(actor=root, payout=row, reason="Fraud", approved=True)

        rejected, batched = together(2, decide)
        payout.refresh_from_db()
        won = (type(rejected).__name__, type(batched).__name__)
        assert won in {("Payout", "NothingToBatch"), ("IllegalTransition", "PayoutBatch")}
        batch = isinstance(batched, PayoutBatch)
        assert (payout.status, payout.lines.count()) == (("approved", 1) if batch else ("rejected", 0))
        ends[payout.status] += 1

    assert balances(cast.merchant, "live") == (ends["rejected"] * 100_000, 0, ends["approved"] * 100_000)
    assert Posting.objects.filter(kind="payout.release").count() == ends["rejected"]
    assert_ledger_balances()


def test_of_sent_and_cancelled_one_wins(cast, by_file):
    actor = Actor(cast.admin, "panel")
    for _ in range(5):
        [payout] = by_file(1)
        batch = open_batch(actor=actor, mode="live", payout_ids=[payout.public_id])
        export_batch(actor=actor, batch=batch, file_type="csv")

        def decide(index, pk=batch.pk):
            row = PayoutBatch.objects.get(pk=pk)
            if index:
                return mark_sent(actor=actor, batch=row)
            return cancel_batch(actor=actor, batch=row, reason="No")

        assert kinds(together(2, decide)) == {"PayoutBatch": 1, "IllegalTransition": 1}
        batch.refresh_from_db()
        payout.refresh_from_db()
        expected = {"sent": ("processing", True), "cancelled": ("approved", False)}[batch.status]
        assert (payout.status, batch.lines.get().live) == expected

    assert_ledger_balances()


def test_two_files_about_one_batch_at_once_end_each_payout_once(cast, send, balances):
    sent, actor = send(6), Actor(cast.admin, "panel")
    before = balances(cast.merchant, "live")
    words = ["SUCCESS,UTR000000{0},", "FAILED,,Closed"]
    for word in words:
        rows = [f"{reference},{word.format(index)}" for index, reference in enumerate(sent.references)]
        content = "\n".join(["Reference,Status,UTR,Reason", *rows]).encode()
        result = upload_result(actor=actor, batch=sent.batch, name="r.csv", content=content)
        apply_result(actor=actor, result=result)

    together(4, lambda _: drive_results())

    ends = collections.Counter(Payout.objects.filter(pk__in=sent.keys).values_list("status", flat=True))
    assert set(ends) <= {"processed", "failed"}
    assert sum(ends.values()) == 6
    assert Payout.objects.filter(flag="contradicted").count() == 6
    assert set(ResultFile.objects.values_list("status", flat=True)) == {"applied"}
    assert balances(cast.merchant, "live") == (before[0] + ends["failed"] * 100_000, 0, before[2] - 600_000)
    assert Posting.objects.filter(kind__in=["payout.settle", "payout.release"]).count() == 6
    assert_ledger_balances()


def test_one_file_in_two_hands_at_once_takes_effect_once(cast, send):
    sent, actor = send(4), Actor(cast.admin, "panel")
    rows = [f"{reference},SUCCESS,UTR000000{index}," for index, reference in enumerate(sent.references)]
    content = "\n".join(["Reference,Status,UTR,Reason", *rows]).encode()
    result = upload_result(actor=actor, batch=sent.batch, name="r.csv", content=content)

    applied = together(3, lambda _: apply_result(actor=actor, result=ResultFile.objects.get(pk=result.pk)))
    together(3, lambda _: _apply_file(ResultFile.objects.select_related("batch", "applied_by").get(pk=result.pk)))

    assert kinds(applied) == {"ResultFile": 1, "IllegalTransition": 2}
    assert set(Payout.objects.filter(pk__in=sent.keys).values_list("status", "flag")) == {("processed", "")}
    assert Posting.objects.filter(kind="payout.settle").count() == 4
    assert_ledger_balances()
