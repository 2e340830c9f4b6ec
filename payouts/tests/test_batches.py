"""A batch from opening to the bank: who may, what it holds, what leaves in its file, and that no payout is in two."""

from __future__ import annotations

import csv
import hashlib
import io

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from openpyxl import load_workbook

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound
from ledger.testing import assert_ledger_balances
from ledger.verify import verify_books
from payouts import queries as payout_queries
from payouts.batches import cancel_batch, export_batch, mark_sent, open_batch, queries, take_export, take_out
from payouts.batches.exporting import INDIA
from payouts.errors import NothingToBatch, TooManyLines
from payouts.models import BatchExport, BatchLine, Payout, PayoutBatch
from payouts.services import approve_payout, block_beneficiary, clear_flag
from payouts.work import drive_payouts

pytestmark = pytest.mark.django_db


def acting(user):
    return Actor(user, "tests")


def ids(payouts):
    return [payout.public_id for payout in payouts]


def read_csv(export):
    return list(csv.reader(io.StringIO(bytes(export.content).decode(), newline="")))


def statuses(payouts):
    return [Payout.objects.get(pk=payout.pk).status for payout in payouts]


# Approved payouts wait --------------------------------------------------------------------------------------
def test_an_approved_payout_waits_for_a_batch_and_no_worker_touches_it(by_file, cast):
    [payout] = by_file(1)

    assert drive_payouts() == 0
    Payout.objects.update(due_at=timezone.now())
    assert drive_payouts() == 0

    payout.refresh_from_db()
    assert (payout.status, payout.provider, payout.provider_state) == ("approved", "bank_file", "none")
    assert_ledger_balances()


def test_a_cleared_flag_does_not_send_it_to_the_workers(by_file, cast):
    [payout] = by_file(1)
    Payout.objects.update(flag="contradicted")
    payout.refresh_from_db()

    clear_flag(actor=acting(cast.admin), payout=payout, note="Nothing")

    payout.refresh_from_db()
    assert (payout.due_at, payout.flag) == (None, "")


# Opening ----------------------------------------------------------------------------------------------------
def test_a_batch_takes_what_is_free_in_the_order_of_approval(by_file, cast, viewer_of):
    payouts = by_file(3)
    assert ids(queries.batchable(viewer_of(cast.admin, "live"))) == ids(payouts)

    batch = open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids(reversed(payouts[:2])), note="Morning")

    lines = list(queries.lines_of(batch))
    assert [(line.number, line.payout, line.live) for line in lines] == [(1, payouts[0], True), (2, payouts[1], True)]
    assert len({line.reference for line in lines}) == 2
    assert ids(queries.batchable(viewer_of(cast.admin, "live"))) == ids(payouts[2:])
    [seen] = queries.visible_batches(viewer_of(cast.admin, "live"))
    assert (seen.count, seen.total_minor, seen.ended, seen.unclear) == (2, 200_000, 0, 0)
    assert statuses(payouts) == ["approved"] * 3
    with pytest.raises(NothingToBatch):
        open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids(payouts[:2]))
    again = open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids(payouts))
    assert [line.payout for line in again.lines.all()] == payouts[2:]
    assert_ledger_balances()


def test_what_may_not_be_in_a_batch(by_file, cast, make, fund, settings):
    approved, flagged, blocked = by_file(3)
    other = by_file(1, merchant=cast.other, by=cast.super_admin)[0]
    fund(cast.merchant, 1_000, mode="live")
    waiting = make(1_000, mode="live")
    settings.LIVE_PAYOUT_PROVIDER = ""
    fund(cast.merchant, 100_000)
    sandbox = make(1_000)
    approve_payout(actor=acting(cast.admin), payout=sandbox)
    Payout.objects.filter(pk=flagged.pk).update(flag="contradicted")
    Payout.objects.filter(pk=blocked.pk).update(beneficiary=_another_beneficiary(blocked))
    wanted = ids([approved, flagged, blocked, other, waiting, sandbox])

    batch = open_batch(actor=acting(cast.admin), mode="live", payout_ids=[*wanted, "pout_unknown"])

    assert [line.payout for line in batch.lines.all()] == [approved]
    for user in (cast.merchant_user, cast.api_user):
        with pytest.raises(NotAllowed):
            open_batch(actor=acting(user), mode="live", payout_ids=wanted)
    with pytest.raises(NothingToBatch):
        open_batch(actor=acting(cast.admin), mode="test", payout_ids=wanted)
    assert PayoutBatch.objects.count() == 1


def _another_beneficiary(payout):
    beneficiary = payout.beneficiary
    beneficiary.pk, beneficiary.public_id, beneficiary.fingerprint = None, "ben_blocked", "x"
    beneficiary.status = "blocked"
    beneficiary.save(force_insert=True)
    return beneficiary


def test_a_batch_has_a_most(by_file, cast, settings):
    payouts = by_file(3)
    settings.PAYOUT_BATCH_MAX_LINES = 2

    with pytest.raises(TooManyLines):
        open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids(payouts))

    assert PayoutBatch.objects.count() == 0


def test_the_database_keeps_a_payout_out_of_two_live_batches(by_file, cast):
    [payout] = by_file(1)
    batch = open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids([payout]))

    with pytest.raises(IntegrityError), transaction.atomic():
        BatchLine.objects.create(batch=batch, payout=payout, number=2)


def test_an_operator_sees_only_batches_of_its_own_team(by_file, cast, viewer_of):
    mine, theirs = by_file(1), by_file(1, merchant=cast.other, by=cast.super_admin)
    mixed = open_batch(actor=acting(cast.super_admin), mode="live", payout_ids=ids(mine + theirs))

    def seen(user, mode="live"):
        return queries.visible_batches(viewer_of(user, mode)).count()

    assert [seen(cast.super_admin), seen(cast.admin), seen(cast.other_admin), seen(cast.merchant_user)] == [1, 0, 0, 0]
    assert seen(cast.super_admin, "test") == 0
    for step in (
        lambda: take_out(actor=acting(cast.admin), batch=mixed, number=1),
        lambda: export_batch(actor=acting(cast.admin), batch=mixed, file_type="csv"),
        lambda: mark_sent(actor=acting(cast.admin), batch=mixed),
        lambda: cancel_batch(actor=acting(cast.admin), batch=mixed, reason="x"),
    ):
        with pytest.raises(NotFound):
            step()
    mixed.refresh_from_db()
    assert (mixed.status, mixed.lines.filter(live=True).count(), BatchExport.objects.count()) == ("open", 2, 0)


def test_a_payout_is_taken_out_while_the_batch_is_open(by_file, cast, viewer_of):
    payouts = by_file(2)
    batch = open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids(payouts))

    take_out(actor=acting(cast.admin), batch=batch, number=1)

    with pytest.raises(IllegalTransition):  # the last one
        take_out(actor=acting(cast.admin), batch=batch, number=2)
    with pytest.raises(IllegalTransition):
        take_out(actor=acting(cast.admin), batch=batch, number=1)
    assert ids(queries.batchable(viewer_of(cast.admin, "live"))) == ids(payouts[:1])
    export = export_batch(actor=acting(cast.admin), batch=batch, file_type="csv")
    assert [row[0] for row in read_csv(export)[1:]] == [batch.lines.get(number=2).reference]
    with pytest.raises(IllegalTransition):
        take_out(actor=acting(cast.admin), batch=batch, number=2)


# Exporting --------------------------------------------------------------------------------------------------
def test_the_file_says_what_is_to_be_paid_and_is_kept_as_it_was(by_file, cast):
    payouts = by_file(2, beneficiary_name="=Asha, Rao", account_number="000123456789")
    batch = open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids(payouts))

    as_csv = export_batch(actor=acting(cast.admin), batch=batch, file_type="csv")
    as_xlsx = export_batch(actor=acting(cast.admin), batch=batch, file_type="xlsx")

    first, second = (line.reference for line in queries.lines_of(batch))
    today = f"{timezone.localdate(timezone=INDIA):%d/%m/%Y}"
    rows = [
        ["Reference", "Beneficiary name", "Account number", "IFSC", "Amount", "Method", "Narration", "Date"],
        [first, "'=Asha, Rao", "000123456789", "HDFC0000001", "1000.00", "IMPS", f"PAYOUT {first}", today],
        [second, "'=Asha, Rao", "000123456789", "HDFC0000001", "1000.00", "IMPS", f"PAYOUT {second}", today],
    ]
    assert read_csv(as_csv) == rows
    sheet = load_workbook(io.BytesIO(bytes(as_xlsx.content))).active
    assert [[cell.value for cell in row] for row in sheet] == [
        rows[0], *[[*row[:4], 1000, *row[5:]] for row in rows[1:]],
    ]
    for export in (as_csv, as_xlsx):
        assert export.sha256 == hashlib.sha256(bytes(export.content)).hexdigest()
        assert (export.created_by, export.lines) == (cast.admin, 2)
    batch.refresh_from_db()
    assert (batch.status, statuses(payouts)) == ("exported", ["approved"] * 2)
    assert take_export(actor=acting(cast.admin), export=as_csv) == bytes(as_csv.content)
    assert [item.title for item in queries.batch_timeline(batch)] == [
        "Batch opened", "File made", "File made", "File downloaded",
    ]


def test_no_file_is_made_for_a_beneficiary_that_was_blocked_meanwhile(by_file, cast):
    payouts = [*by_file(1), *by_file(1, ifsc="ICIC0000001")]
    batch = open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids(payouts))
    block_beneficiary(actor=acting(cast.admin), beneficiary=payouts[1].beneficiary, reason="Fraud")

    with pytest.raises(IllegalTransition, match="line 2"):
        export_batch(actor=acting(cast.admin), batch=batch, file_type="csv")
    take_out(actor=acting(cast.admin), batch=batch, number=2)
    export_batch(actor=acting(cast.admin), batch=batch, file_type="csv")

    assert BatchExport.objects.get().lines == 1


# Sending and cancelling -------------------------------------------------------------------------------------
def test_marked_as_sent_the_payouts_are_with_the_bank(by_file, cast, balances):
    payouts = by_file(2)
    batch = open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids(payouts))
    before = balances(cast.merchant, "live")
    with pytest.raises(IllegalTransition):  # without a file nothing can have been sent
        mark_sent(actor=acting(cast.admin), batch=batch)
    assert statuses(payouts) == ["approved"] * 2
    export_batch(actor=acting(cast.admin), batch=batch, file_type="csv")

    batch = mark_sent(actor=acting(cast.admin), batch=batch)

    payout = Payout.objects.get(pk=payouts[0].pk)
    assert (payout.status, payout.provider_state, payout.due_at) == ("processing", "sent", None)
    assert payout.sent_at == batch.sent_at
    assert balances(cast.merchant, "live") == before
    assert payout_queries.timeline(payout)[-1].detail.startswith(f"Batch {batch.public_id}, reference P")
    assert drive_payouts() == 0
    for step in (
        lambda: mark_sent(actor=acting(cast.admin), batch=batch),
        lambda: cancel_batch(actor=acting(cast.admin), batch=batch, reason="Too late"),
        lambda: export_batch(actor=acting(cast.admin), batch=batch, file_type="csv"),
    ):
        with pytest.raises(IllegalTransition):
            step()
    assert statuses(payouts) == ["processing"] * 2
    assert_ledger_balances()


@pytest.mark.parametrize("exported", [False, True])
def test_a_cancelled_batch_frees_its_payouts(by_file, cast, viewer_of, exported):
    payouts = by_file(2)
    batch = open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids(payouts))
    if exported:
        export_batch(actor=acting(cast.admin), batch=batch, file_type="csv")
    with pytest.raises(InvalidFields):
        cancel_batch(actor=acting(cast.admin), batch=batch, reason=" ")

    cancel_batch(actor=acting(cast.admin), batch=batch, reason="Wrong account")

    assert statuses(payouts) == ["approved"] * 2
    assert ids(queries.batchable(viewer_of(cast.admin, "live"))) == ids(payouts)
    again = open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids(payouts))
    assert {line.reference for line in again.lines.all()}.isdisjoint(line.reference for line in batch.lines.all())
    with pytest.raises(IllegalTransition):
        mark_sent(actor=acting(cast.admin), batch=batch)
    assert AuditRecord.objects.get(action="batch.cancelled").data["detail"] == "Wrong account"
    assert_ledger_balances()


# The books --------------------------------------------------------------------------------------------------
def test_the_books_say_when_a_payout_went_to_the_bank_without_a_batch(by_file, cast):
    first, second = by_file(2)
    first.advance("processing")
    batch = open_batch(actor=acting(cast.admin), mode="live", payout_ids=ids([second]))
    batch.advance("exported")
    batch.advance("sent")

    problems = verify_books()

    assert f"payout {first.public_id} is processing by bank file, but stands in no batch that was sent" in problems
    assert f"payout {second.public_id} is approved, but its batch was sent" in problems


def test_the_books_say_when_a_payout_has_another_beneficiary(by_file):
    first, second = by_file(2, ifsc="ICIC0000001") [0], by_file(1)[0]
    Payout.objects.filter(pk=first.pk).update(beneficiary=second.beneficiary)

    assert f"payout {first.public_id} is linked to another beneficiary than its own" in verify_books()
