"""Booking: `post` writes one balanced, idempotent posting inside the caller's transaction.

On PostgreSQL it is one round trip (the function `ledger_post`, migrations 0003, 0007 and 0008); on SQLite the same
steps in Python under the write lock. Both leave exactly the same rows. `post_with` writes other rows in the same
statement.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, DataError, connection, transaction
from django.db.models import Max, Model
from django.utils import timezone

from gateway.lib.errors import GatewayError
from gateway.lib.inserting import Call, insert_together
from gateway.lib.money import MAX_MINOR
from gateway.lib.statements import fetch
from ledger.accounts import AccountKey, house_account, merchant_account
from ledger.errors import BalanceTooLarge, InsufficientBalance, ReferenceReused, Unbalanced
from ledger.models import Entry, LedgerAccount, Posting

__all__ = ["AccountKey", "Line", "Posted", "house_account", "merchant_account", "post", "post_with", "wallet_minor"]


_POST = """
SELECT posting_id, outcome FROM ledger_post(%s::text, %s::text, %s::text, %s::bigint, %s::text, %s::jsonb)
"""
# One column of it: to select more would call it more often.
_BOOK = "(ledger_book(%s::text, %s::text, %s::text, %s::bigint, %s::text, %s::jsonb, false)).posting_id"


@dataclass(frozen=True, slots=True)
class Line:
    """`amount_minor` goes to the account (negative: from it)."""

    account: AccountKey
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Posted:
    """`replayed`: the same event was booked before, and nothing was written now."""

    id: int
    replayed: bool


def post(*, kind: str, reference: str, mode: str, lines: Sequence[Line]) -> Posted:
    """Books `lines` under `reference`, once.

    Lines of the same account are added up, zero lines left out. Raises `InsufficientBalance` when a merchant's
    account would go below zero (`BalanceTooLarge` above 64 bits), `Unbalanced`, and `ReferenceReused` for a
    reference booked with other lines.
    """
    amounts = _merged(mode, lines)
    if connection.vendor == "postgresql":
        return _post_in_one_statement(reference, _arguments(kind, reference, mode, amounts))
    return _post_in_steps(kind, reference, mode, amounts, _digest(kind, reference, mode, amounts))


def post_with(*rows: Model, kind: str, reference: str, mode: str, lines: Sequence[Line]) -> None:
    """Writes new `rows` (see `gateway.lib.inserting`) and books under a new reference, in one statement on PostgreSQL:
    it needs no transaction around it, and locks the wallet for itself and its commit alone, after the rows.

    Raises `IntegrityError` for the rows, then as `post` does, and `ReferenceReused` for any booked reference; then
    nothing was written.
    """
    amounts = _merged(mode, lines)
    if connection.vendor != "postgresql":
        with transaction.atomic():
            insert_together(*rows)
            if _post_in_steps(kind, reference, mode, amounts, _digest(kind, reference, mode, amounts)).replayed:
                raise ReferenceReused(reference=reference)
        return
    try:
        insert_together(*rows, then=Call(_BOOK, _arguments(kind, reference, mode, amounts)))
    except DatabaseError as error:
        refusal = _refusal(error, reference)
        if refusal is None:
            raise
        raise refusal from error


def wallet_minor(account: AccountKey, *, lock: bool = False) -> int:
    """What a merchant's account holds; with `lock` nobody moves it before the caller's transaction ends."""
    rows = LedgerAccount.objects.filter(code=account.code)
    row = (rows.select_for_update(no_key=True) if lock else rows).first()
    return row.balance if row is not None else 0


def _refusal(error: DatabaseError, reference: str) -> GatewayError | None:
    """What `ledger_book` meant by its error; None if it is none of its own."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is None:
        return None
    if diagnosis.constraint_name == "ledger_merchant_floor":
        return InsufficientBalance()
    if diagnosis.constraint_name == "ledger_reference_reused":
        return ReferenceReused(reference=reference)
    if isinstance(error, DataError) and "ledger_book" in (diagnosis.context or ""):  # bigint out of range
        return BalanceTooLarge()
    return None


def _merged(mode: str, lines: Sequence[Line]) -> dict[AccountKey, int]:
    amounts: dict[AccountKey, int] = {}
    sums: dict[str, int] = {}
    for line in lines:
        if line.account.mode != mode:
            raise Unbalanced("A posting belongs to one mode.")
        amounts[line.account] = amounts.get(line.account, 0) + line.amount_minor
        sums[line.account.currency] = sums.get(line.account.currency, 0) + line.amount_minor
    if any(sums.values()):
        raise Unbalanced()
    amounts = {key: amount for key, amount in amounts.items() if amount}
    if not amounts:
        raise Unbalanced("A posting must move something.")
    return amounts


def _digest(kind: str, reference: str, mode: str, amounts: dict[AccountKey, int]) -> str:
    return posting_digest(kind, reference, mode, {key.code: amount for key, amount in amounts.items()})


def posting_digest(kind: str, reference: str, mode: str, amounts: dict[str, int]) -> str:
    """Binds a posting's words and all of its lines; every link of the hash chain carries it."""
    lines = [f"{code}={amount}" for code, amount in sorted(amounts.items())]
    return hashlib.sha256("\n".join([kind, reference, mode, *lines]).encode()).hexdigest()


def entry_hash(previous: str, digest: str, sequence: int, amount: int, balance: int, moment: datetime) -> str:
    """One link of an account's chain; the same expression stands in the database function."""
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    text = ":".join(map(str, (previous, digest, sequence, amount, balance, micros)))
    return hashlib.sha256(text.encode()).hexdigest()


def _only_merchant(amounts: dict[AccountKey, int]) -> int | None:
    """The merchant a posting is about, if it is about one."""
    merchants = {key.merchant_id for key in amounts if key.merchant_id is not None}
    return merchants.pop() if len(merchants) == 1 else None


def _arguments(kind: str, reference: str, mode: str, amounts: dict[AccountKey, int]) -> list[Any]:
    """What `ledger_post` and `ledger_book` are called with."""
    lines = [
        {
            "code": key.code, "merchant": key.merchant_id, "kind": key.kind, "currency": key.currency,
            "network": key.network, "counterparty": key.counterparty, "amount": amount,
        }
        for key, amount in amounts.items()
    ]
    digest = _digest(kind, reference, mode, amounts)
    return [kind, reference, mode, _only_merchant(amounts), digest, json.dumps(lines)]


def _post_in_one_statement(reference: str, arguments: list[Any]) -> Posted:
    try:
        ((posting_id, outcome),) = fetch(_POST, arguments)
    except DataError as error:  # bigint out of range
        raise BalanceTooLarge() from error
    if outcome == "insufficient":
        raise InsufficientBalance()
    if outcome == "conflict":
        raise ReferenceReused(reference=reference)
    return Posted(posting_id, outcome == "replayed")


def _post_in_steps(kind: str, reference: str, mode: str, amounts: dict[AccountKey, int], digest: str) -> Posted:
    with transaction.atomic():
        before = Posting.objects.filter(reference=reference).first()
        if before is not None:
            if before.digest != digest:
                raise ReferenceReused(reference=reference)
            return Posted(before.pk, True)
        posting = Posting(
            id=(Posting.objects.aggregate(last=Max("id"))["last"] or 0) + 1, kind=kind, reference=reference,
            mode=mode, merchant_id=_only_merchant(amounts), digest=digest, created_at=timezone.now(),
        )
        accounts = [_account(key) for key in sorted(amounts, key=lambda key: key.code)]
        Entry.objects.bulk_create(_entry(posting, account, amounts) for account in accounts)
        posting.save(force_insert=True)
        return Posted(posting.pk, False)


def _account(key: AccountKey) -> LedgerAccount:
    words = {
        "merchant_id": key.merchant_id, "mode": key.mode, "kind": key.kind, "currency": key.currency,
        "network": key.network, "counterparty": key.counterparty,
    }
    return LedgerAccount.objects.get_or_create(code=key.code, defaults=words)[0]


def _entry(posting: Posting, account: LedgerAccount, amounts: dict[AccountKey, int]) -> Entry:
    amount = next(value for key, value in amounts.items() if key.code == account.code)
    entry = Entry(
        posting=posting, account=account, currency=account.currency, amount=amount, created_at=posting.created_at
    )
    if account.merchant_id is not None:
        _move_balance(entry, account, amount, posting)
    return entry


def _move_balance(entry: Entry, account: LedgerAccount, amount: int, posting: Posting) -> None:
    if account.balance + amount < 0:
        raise InsufficientBalance()
    if account.balance + amount > MAX_MINOR:
        raise BalanceTooLarge()
    account.balance += amount
    account.sequence += 1
    account.head_hash = entry_hash(
        account.head_hash, posting.digest, account.sequence, amount, account.balance, posting.created_at
    )
    account.save(update_fields=["balance", "sequence", "head_hash"])
    entry.sequence, entry.balance_after, entry.hash = account.sequence, account.balance, account.head_hash
