"""A statement's way in: uploaded, its mapping said, seen in a preview, and imported by a worker.

Nothing counts before `start_import`. The worker stores credits in batches and then compares the new ones with the
payments; it says how far it is, and one that dies is followed by another that goes on at the last batch. A credit that
any file brought before is recognised by its fingerprint: twice the same file, or two at the same moment, add nothing.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from gateway.lib.errors import IllegalTransition, NotAllowed
from gateway.lib.jobs import wake
from gateway.lib.tables import find_header, read_table
from gateway.lib.work import drive, ended
from payments.errors import BadStatement
from payments.models import ReceivingAccount, Statement, StatementFormat, StatementLine
from payments.receiving.queries import INDIA, today
from payments.statements.mapping import Mapping, check_mapping, find_columns, guess
from payments.statements.matching import match_lines
from payments.statements.reading import Credit, Reading, read_statement

Status = Statement.Status
_BATCH = 500
_COMPARED_AT_ONCE = 100


@transaction.atomic
def upload_statement(
    *, actor: Actor, account: ReceivingAccount, name: str, content: bytes, form: StatementFormat | None = None
) -> Statement:
    """Keeps the file; its mapping is that of `form`, else of the account's last import, else guessed.

    Raises `NotAllowed`, `TableUnreadable`, `BadStatement` (nothing in it looks like a header).
    """
    _check(actor)
    rows = list(read_table(content, name))
    row = Statement.objects.create(
        mode=account.mode, account=account, name=name[-120:], content=content,
        sha256=hashlib.sha256(content).hexdigest(), uploaded_by=actor.user,
        format_name=form.name if form else "", mapping=(form.mapping if form else _likely(account, rows)),
    )
    _write_down(actor, row, "uploaded", f"{row.name} for {account.vpa}, {len(rows)} rows", sha256=row.sha256)
    return row


def _likely(account: ReceivingAccount, rows: list[list[str]]) -> dict[str, str]:
    before = Statement.objects.filter(account=account, status=Status.IMPORTED).order_by("-pk").first()
    if before is not None and before.mapping:
        try:
            find_columns(Mapping.from_json(before.mapping), rows)
            return dict(before.mapping)
        except BadStatement:
            pass  # the bank has changed its file
    header = find_header(rows)
    if header is None:
        raise BadStatement(file="has no row that looks like a header with the columns' titles")
    return guess(rows[header]).to_json()


@transaction.atomic
def map_statement(*, actor: Actor, statement: Statement, mapping: Mapping, save_as: str = "") -> Statement:
    """Says how the file is read, and keeps that under a name for the bank's next one.

    Raises `NotAllowed`, `BadStatement`, `IllegalTransition` (imported already).
    """
    _check(actor)
    row = _lock(statement)
    check_mapping(mapping)
    read_statement(rows_of(row), mapping, today=today())
    row.mapping, row.format_name, row.updated_at = mapping.to_json(), save_as.strip()[:60], timezone.now()
    row.save(update_fields=["mapping", "format_name", "updated_at"])
    if row.format_name:
        values = {"mapping": row.mapping, "updated_at": timezone.now(), "updated_by": actor.user}
        StatementFormat.objects.update_or_create(name=row.format_name, defaults=values)
    _write_down(actor, row, "mapped", row.format_name or "for this file alone", mapping=row.mapping)
    return row


@transaction.atomic
def start_import(*, actor: Actor, statement: Statement) -> Statement:
    """Hands the file to the worker. Raises `NotAllowed`, `BadStatement`, `IllegalTransition`."""
    _check(actor)
    row = _lock(statement)
    reading = read_again(row)
    row.advance(
        Status.IMPORTING, total=len(reading.credits), debits=reading.debits, problems=len(reading.problems),
        credited_minor=reading.credited_minor, due_at=timezone.now(),
    )
    _write_down(actor, row, "import_started", f"{row.total} credits, {row.problems} rows unclear")
    wake("payments.statements")
    return row


@transaction.atomic
def discard_statement(*, actor: Actor, statement: Statement) -> None:
    """Raises `NotAllowed`, `IllegalTransition` (imported already)."""
    _check(actor)
    row = _lock(statement)
    row.advance(Status.DISCARDED, content=b"")
    _write_down(actor, row, "discarded", row.name)


def rows_of(statement: Statement) -> list[list[str]]:
    return list(read_table(bytes(statement.content), statement.name))


def read_again(statement: Statement) -> Reading:
    """The same as at the preview, whatever the reader's zone: the day of the upload in India says which days lie
    ahead."""
    mapping = Mapping.from_json(statement.mapping or {})
    return read_statement(rows_of(statement), mapping, today=timezone.localdate(statement.created_at, INDIA))


def _check(actor: Actor) -> None:
    if actor.user is None or not actor.user.is_operator:
        raise NotAllowed()


def _lock(statement: Statement) -> Statement:
    row = Statement.objects.select_for_update(of=("self",)).select_related("account").get(pk=statement.pk)
    if row.status != Status.UPLOADED:
        raise IllegalTransition(f"This statement is {row.get_status_display().lower()}.")
    return row


def _write_down(actor: Actor, row: Statement, what: str, detail: str, **data: Any) -> None:
    audit.record(actor, f"statement.{what}", row.public_id, mode=row.mode, detail=detail, **data)


# The worker -------------------------------------------------------------------------------------------------
def drive_statements(limit: int = 5) -> int:
    """Imports the statements that were handed over. Returns how many it took up."""
    rows = Statement.objects.filter(status=Status.IMPORTING).select_related("account")
    return drive(rows, _import, limit=limit)


def _import(statement: Statement) -> None:
    credits = read_again(statement).credits
    while statement.stored < len(credits):
        if not _store(statement, credits[statement.stored : statement.stored + _BATCH]):
            return  # another worker has taken it over
    while statement.compared < statement.new:
        if not _compare(statement):
            return
    with transaction.atomic():
        statement.advance(Status.IMPORTED, imported_at=timezone.now(), **ended())
        matched = statement.lines.filter(status=StatementLine.Status.MATCHED).count()
        detail = f"{statement.new} new, {statement.duplicates} known before, {matched} matched"
        _write_down(Actor.system("worker"), statement, "imported", detail)


@transaction.atomic
def _store(statement: Statement, credits: list[Credit]) -> bool:
    lines = [_line(statement, credit) for credit in credits]
    StatementLine.objects.bulk_create(lines, ignore_conflicts=True)
    # Whatever another file brought at this very moment is its line, not ours.
    new = statement.lines.filter(fingerprint__in=[line.fingerprint for line in lines]).count()
    if not _proceed(statement, stored=len(credits), new=new):
        transaction.set_rollback(True)
        return False
    return True


def _compare(statement: Statement) -> bool:
    """Each match is a transaction of its own, so that nobody waits for a whole batch, nor two batches for each other.

    Lines that were matched meanwhile, by a payer who confirmed, are passed over.
    """
    start = statement.compared
    lines = list(statement.lines.order_by("pk")[start : start + _COMPARED_AT_ONCE])
    match_lines(statement.account, [line for line in lines if line.status == StatementLine.Status.UNMATCHED])
    return _proceed(statement, compared=len(lines))


def _proceed(statement: Statement, **steps: int) -> bool:
    """Counts on, and keeps the lease; a compare-and-set, so that two workers never count the same batch."""
    until = timezone.now() + timedelta(seconds=settings.WORK_LEASE_SECONDS)
    rows = Statement.objects.filter(
        pk=statement.pk, lease=statement.lease, stored=statement.stored, compared=statement.compared
    )
    changes = {name: F(name) + step for name, step in steps.items()}
    if not rows.update(leased_until=until, **changes):
        return False
    for name, step in steps.items():
        setattr(statement, name, getattr(statement, name) + step)
    return True


def _line(statement: Statement, credit: Credit) -> StatementLine:
    return StatementLine(
        mode=statement.mode, account=statement.account, statement=statement, number=credit.number, day=credit.day,
        amount_minor=credit.minor, utr=credit.utr, payer_vpa=credit.payer, narration=credit.narration,
        fingerprint=credit.fingerprint,
    )
