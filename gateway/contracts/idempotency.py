"""`Idempotency-Key`: one key and body, one effect, one answer.

Two phases. `begin` commits a row that says "running" under a lease, before anything happens. `finish` stores the
answer in the transaction of the effect, on condition that the lease is still ours: however slow or dead a first
call is, and whoever took its place, only one of them commits. A refusal leaves no row behind.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from gateway.contracts.models import IdempotencyRecord
from gateway.contracts.problems import IdempotencyKeyReused, RequestInProgress
from gateway.lib.errors import InvalidFields
from gateway.lib.strict_json import JsonNumber

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[\x20-\x7e]{1,255}", re.ASCII)
_PURGE_BATCH = 1000
_INSERT = """
INSERT INTO contracts_idempotencyrecord (scope, key, fingerprint, status, body, lease, leased_until, created_at)
VALUES (%s, %s, %s, 0, %s, %s, %s, %s) ON CONFLICT (scope, key) DO NOTHING RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run the first call of a key, until somebody else takes it over."""

    pk: int
    lease: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What the first call answered."""

    status: int
    body: bytes


def checked_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise InvalidFields(**{"Idempotency-Key": "must have 1 to 255 printable ASCII characters"})
    return key


def scope_of(owner: str, mode: str, method: str, path: str) -> str:
    """`owner` is the merchant, or the user where an operator acts. Addresses too long for the column are hashed."""
    text = f"{owner}:{mode}:{method}:{path}"
    return text if len(text) <= 200 else hashlib.sha256(text.encode()).hexdigest()


def fingerprint_of(body: dict[str, Any]) -> str:
    """The same for two bodies that say the same, whatever their spaces and the order of their fields."""
    text = json.dumps(_told_apart(body), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _told_apart(value: Any) -> Any:
    """`1.5` and `"1.5"` are both text here, and two bodies: a number is put under a name that no body may hold."""
    if isinstance(value, JsonNumber):
        return {"\0": str(value)}
    if isinstance(value, dict):
        return {name: _told_apart(item) for name, item in value.items()}
    return [_told_apart(item) for item in value] if isinstance(value, list) else value


def begin(scope: str, key: str, fingerprint: str) -> Claim | Stored:
    """Claims the key, or returns its stored answer.

    Raises `IdempotencyKeyReused` (another body) or `RequestInProgress`. Must not run inside a transaction.
    """
    for _ in range(3):  # a row that ends or is purged meanwhile is looked at again
        fresh = _insert(scope, key, fingerprint)
        if fresh is not None:
            return fresh
        record = IdempotencyRecord.objects.filter(scope=scope, key=key).first()
        known = record and _known(record, fingerprint)
        if known:
            return known
    raise RequestInProgress()


def finish(claim: Claim, status: int, body: bytes) -> None:
    """Stores the answer, inside the effect's transaction; raises (and so undoes the effect) if the claim was lost."""
    if not _held(claim).update(status=status, body=body, leased_until=None):
        raise RequestInProgress()


def release(claim: Claim) -> None:
    """Forgets a call that had no effect. If even that fails, the lease runs out by itself."""
    try:
        _held(claim).delete()
    except DatabaseError:
        return


def purge() -> int:
    """Deletes what is older than 24 hours, in batches; returns how many rows."""
    gone = 0
    while True:
        old = IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - KEPT).order_by("created_at")
        batch = list(old.values_list("pk", flat=True)[:_PURGE_BATCH])
        deleted, _ = IdempotencyRecord.objects.filter(pk__in=batch).delete()
        gone += deleted
        if deleted < _PURGE_BATCH:
            return gone


def _held(claim: Claim) -> Any:
    return IdempotencyRecord.objects.filter(pk=claim.pk, lease=claim.lease, status=0)


def _insert(scope: str, key: str, fingerprint: str) -> Claim | None:
    """One statement, committed at once; None when the key is known."""
    now, lease = timezone.now(), secrets.token_hex(8)
    values = [scope, key, fingerprint, b"", lease, _column(_until(now)), _column(now)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        row = cursor.fetchone()
    return Claim(row[0], lease) if row else None


def _known(record: IdempotencyRecord, fingerprint: str) -> Claim | Stored | None:
    """None: look again (the row has expired and is gone now, or somebody else was faster)."""
    if record.created_at < timezone.now() - KEPT:
        IdempotencyRecord.objects.filter(pk=record.pk, lease=record.lease).delete()
        return None
    if record.fingerprint != fingerprint:
        raise IdempotencyKeyReused()
    if record.status:
        return Stored(record.status, bytes(record.body))
    if record.leased_until and record.leased_until > timezone.now():
        raise RequestInProgress()
    return _take_over(record)


def _take_over(record: IdempotencyRecord) -> Claim | None:
    lease = secrets.token_hex(8)
    with transaction.atomic():
        rows = _held(Claim(record.pk, record.lease)).update(lease=lease, leased_until=_until(timezone.now()))
    return Claim(record.pk, lease) if rows else None


def _until(now: Any) -> Any:
    return now + timedelta(seconds=settings.WORK_LEASE_SECONDS)


def _column(moment: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
