"""A bank's result file: uploaded, seen in a preview, applied by the worker. Applied twice it changes nothing.

Each row's effect is a transaction of its own, so that a worker that dies in the middle, or two files about the same
batch, leave every payout with one end.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.errors import IllegalTransition
from gateway.lib.jobs import wake
from gateway.lib.providers import Outcome
from gateway.lib.tables import read_table
from gateway.lib.work import drive, ended
from payouts.batches.formats import result_mapping_of
from payouts.batches.queries import lines_of
from payouts.batches.reading import Judged, ResultRow, judge, read_rows, shared_utr
from payouts.batches.records import lock_batch, write_down_batch
from payouts.models import BatchLine, Payout, PayoutBatch, ResultFile
from payouts.providers.bank_file import BANK_FILE
from payouts.services.deciding import hold_utr
from payouts.services.outcomes import apply_outcome, leave_unclear
from payouts.services.records import lock

Status = ResultFile.Status
_EFFECTS = ("processed", "rejected", "unclear", "contradiction")
_RENEW_EVERY = 50


@transaction.atomic
def upload_result(*, actor: Actor, batch: PayoutBatch, name: str, content: bytes) -> ResultFile:
    """Reads the file by the batch's format and keeps both; nothing counts yet.

    Raises `NotAllowed`, `NotFound`, `IllegalTransition` (not sent yet), `ResultUnreadable`, and what `read_table` does.
    """
    row = lock_batch(actor, batch)
    if row.status != PayoutBatch.Status.SENT:
        raise IllegalTransition("Mark the batch as sent first; only then can the bank have answered.")
    mapping = result_mapping_of(row)
    rows = read_rows(read_table(content, name), mapping, at_most=5 * settings.PAYOUT_BATCH_MAX_LINES)
    made = ResultFile.objects.create(
        batch=row, name=name[-120:], content=content, sha256=hashlib.sha256(content).hexdigest(), mapping=mapping,
        rows=[asdict(one) for one in rows], uploaded_by=actor.user,
    )
    write_down_batch(
        actor, row, "batch.result_uploaded", f"{made.name}: {len(rows)} rows", result=made.public_id, sha256=made.sha256
    )
    return made


def judged_rows(result: ResultFile) -> list[Judged]:
    """What each row would do now: the preview. Of an applied file, what each did."""
    lines = list(lines_of(result.batch).filter(live=True))
    rows = [ResultRow(**row) for row in result.rows]
    judged = judge(rows, lines, result.mapping, _taken_utrs(rows, result.batch, lines))
    if not result.report:
        return judged
    return [Judged(one.row, effect, problem, one.line)
            for one, (effect, problem) in zip(judged, result.report, strict=True)]


def _taken_utrs(rows: list[ResultRow], batch: PayoutBatch, lines: list[BatchLine]) -> set[str]:
    """UTRs of the file that stand on payouts outside this batch; those inside it, `judge` sees itself."""
    asked = {row.utr for row in rows if row.utr}
    paid = Payout.objects.filter(provider=BANK_FILE.name, mode=batch.mode, utr__in=asked)
    return set(paid.exclude(pk__in=[line.payout_id for line in lines]).values_list("utr", flat=True))


@transaction.atomic
def apply_result(*, actor: Actor, result: ResultFile) -> ResultFile:
    """Hands the file to the worker. Raises `NotAllowed`, `NotFound`, `IllegalTransition` (applied or discarded)."""
    batch = lock_batch(actor, result.batch)
    result.advance(Status.APPLYING, applied_by=actor.user, due_at=timezone.now())
    write_down_batch(actor, batch, "batch.result_applied", result.name, result=result.public_id)
    wake("payouts.results")
    return result


@transaction.atomic
def discard_result(*, actor: Actor, result: ResultFile) -> None:
    batch = lock_batch(actor, result.batch)
    result.advance(Status.DISCARDED)
    write_down_batch(actor, batch, "batch.result_discarded", result.name, result=result.public_id)


# The worker -------------------------------------------------------------------------------------------------
def drive_results(limit: int = 10) -> int:
    """Applies the files that were handed over. Returns how many it dealt with."""
    rows = ResultFile.objects.filter(status=Status.APPLYING).select_related("batch", "applied_by")
    return drive(rows, _apply_file, limit=limit)


def _apply_file(result: ResultFile) -> None:
    report = []
    for index, one in enumerate(judged_rows(result)):
        if index % _RENEW_EVERY == 0 and not _renew(result):
            return  # another worker has taken it over
        report.append(_apply_row(result, one))
    result.advance(Status.APPLIED, applied_at=timezone.now(), report=report, **ended())


def _renew(result: ResultFile) -> bool:
    until = timezone.now() + timedelta(seconds=settings.WORK_LEASE_SECONDS)
    return bool(ResultFile.objects.filter(pk=result.pk, lease=result.lease).update(leased_until=until))


def _apply_row(result: ResultFile, one: Judged) -> tuple[str, str]:
    """(effect, problem), also of what a worker before this one did with the row."""
    if one.line is None or one.effect not in _EFFECTS:
        answered = one.line is not None and one.line.answered_by_id == result.pk and one.effect == "same"
        return (_done_before(one), "") if answered and one.line else (one.effect, one.problem)
    with transaction.atomic():
        PayoutBatch.objects.select_for_update(no_key=True).get(pk=result.batch_id)  # one file after the other
        return _take_effect(result, one, one.line)


def _done_before(one: Judged) -> str:
    assert one.line is not None
    if one.line.payout.returned_at is not None:
        return "processed"  # what a person booked later is not this file's doing
    ends = {Payout.Status.PROCESSED: "processed", Payout.Status.FAILED: "rejected"}
    return ends.get(Payout.Status(one.line.payout.status), "unclear")


def _take_effect(result: ResultFile, one: Judged, line: BatchLine) -> tuple[str, str]:
    actor = Actor(result.applied_by, f"result file {result.public_id}")
    problem = one.problem if one.effect == "unclear" else _utr_taken_meanwhile(result, one, line)
    if one.effect == "unclear" or problem:
        if not leave_unclear(actor=actor, payout=line.payout, why=problem):
            return "ended", problem
        _answer(result, line, problem)
        return "unclear", problem
    done = apply_outcome(actor=actor, payout=line.payout, outcome=_outcome(result, one, line))
    if done == "none":  # somebody else's file was quicker with the same word
        return "same", "Known already."
    if done == "flagged":
        return "contradiction", one.problem
    _answer(result, line, "")
    return one.effect, ""


def _utr_taken_meanwhile(result: ResultFile, one: Judged, line: BatchLine) -> str:
    """Whoever resolves this very payout locks it first, and then its UTR."""
    if one.effect != "processed":
        return ""
    lock(line.payout)
    hold_utr(result.batch.mode, one.row.utr)
    same = Payout.objects.filter(provider=BANK_FILE.name, mode=result.batch.mode, utr=one.row.utr)
    return shared_utr(one.row.utr) if same.exclude(pk=line.payout_id).exists() else ""


def _outcome(result: ResultFile, one: Judged, line: BatchLine) -> Outcome:
    if one.row.word in result.mapping["processed"]:
        return Outcome("succeeded", reference=line.reference, utr=one.row.utr, amount_minor=line.payout.amount_minor)
    return Outcome("failed", reference=line.reference, code="bank_rejected", message=one.row.reason)


def _answer(result: ResultFile, line: BatchLine, problem: str) -> None:
    BatchLine.objects.filter(pk=line.pk).update(answered_by=result, problem=problem[:200])
