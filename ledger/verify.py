"""`verify_books`: the proof that every figure is what its entries say. An empty list means exact.

Other apps add what they know with `register_check` (a payout has one hold and one end, a capture covers its refunds).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import Count, Exists, F, Max, Model, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Concat, Substr
from django.utils import timezone

from gateway.lib.patience import patience
from gateway.lib.sums import ExactSum, sum_of
from ledger.accounts import AccountKey
from ledger.models import Entry, LedgerAccount, Posting, RolledBalance, Verification
from ledger.services import entry_hash, posting_digest

Check = Callable[[], Iterator[str]]
_checks: list[Check] = []
# Rows read at a time. By key, not by cursor: behind a pool none is kept open, and all rows would come at once.
BATCH = 5000


def register_check(check: Check) -> Check:
    """Adds a check of another app's; each problem it yields is one line for an operator."""
    if check not in _checks:
        _checks.append(check)
    return check


# For `moved`: accounts of the outer row's own merchant.
OWN = {name: OuterRef(name) for name in ("merchant", "mode", "currency")}


def moved(reference: Any, **accounts: Any) -> Any:
    """For a row of an outer query: what the posting under `reference` moved to such accounts (`kind="clearing"`), all
    together, in minor units; 0 where there is none. A record and its posting so compared are of one statement, and
    what is booked meanwhile is no fault."""
    words = {f"account__{name}": value for name, value in accounts.items()}
    return sum_of(Entry.objects.filter(posting__reference=reference, **words), "amount", by="posting")


def reference_of(word: str, step: str) -> Concat:
    """For a row of an outer query that has a public id: what its posting of this step is booked under."""
    return Concat(Value(f"{word}:"), OuterRef("public_id"), Value(f":{step}"))


def booked(word: str, step: str) -> Exists:
    """Whether that posting is there."""
    return Exists(Posting.objects.filter(reference=reference_of(word, step)))


def in_stretches(rows: QuerySet[Any]) -> Iterator[Any]:
    """`rows`, found by a statement for every `BATCH` ids: none of them lasts long, however many rows there are. What is
    added meanwhile is the next proof's. For what asks a question of each row."""
    last = rows.model._default_manager.aggregate(last=Max("pk", default=0))["last"]
    for low in range(0, last, BATCH):
        yield from rows.filter(pk__gt=low, pk__lte=low + BATCH)


def orphans(word: str, prefix: str, records: type[Model]) -> Iterator[str]:
    """Postings under `word:public_id:step` whose record is gone, each in words. A public id is `prefix`, `_` and 16
    characters."""
    start, length = len(word) + 2, len(prefix) + 17
    rows = Posting.objects.filter(reference__startswith=f"{word}:{prefix}_")
    rows = rows.alias(after=Substr("reference", start + length, 1)).filter(after=":")
    there = records._default_manager.filter(public_id=Substr(OuterRef("reference"), start, length))
    for reference in rows.exclude(Exists(there)).order_by("pk").values_list("reference", flat=True):
        yield f"posting {reference} is about no {word} that there is"


def verify_books() -> list[str]:
    """All problems found, each in words. Reads everything; writes nothing."""
    own: list[Check] = [_postings_balance, _currencies_balance, _codes, _accounts, _floors, _digests, _rollups]
    with patience():
        return [problem for check in [*own, *_checks] for problem in check()]


def verify_and_record() -> list[str]:
    """`verify_books`, and a row that says when it ran and what it found."""
    started = timezone.now()
    try:
        problems = verify_books()
    except Exception as error:  # what was not proven does not balance: the alert must not see the last good night
        if not connection.in_atomic_block:
            connection.close()  # cut off within a statement, or lost: the record needs one that works
        with suppress(DatabaseError):
            _record(started, [f"The verification broke off: {type(error).__name__}."])
        raise
    _record(started, problems)
    return problems


def _record(started: datetime, problems: list[str]) -> None:
    Verification.objects.create(
        started_at=started, problems=len(problems), first_problem=problems[0] if problems else ""
    )


def last_verification() -> Verification | None:
    return Verification.objects.order_by("-pk").first()


def _postings_balance() -> Iterator[str]:
    sums = Entry.objects.values("posting_id", "currency").annotate(total=Sum("amount")).exclude(total=0)
    for row in sums.order_by():
        yield f"posting {row['posting_id']} is off by {row['total']} {row['currency']}"
    for posting in Posting.objects.annotate(lines=Count("entries")).filter(lines__lt=2):
        yield f"posting {posting.reference} has {posting.lines} entries"
    for entry in Entry.objects.exclude(currency=F("account__currency")):
        yield f"entry {entry.pk} is in {entry.currency}, its account is not"
    for entry in Entry.objects.exclude(posting__mode=F("account__mode")):
        yield f"entry {entry.pk} mixes test and live"


def _currencies_balance() -> Iterator[str]:
    sums = Entry.objects.values("account__mode", "currency").annotate(total=ExactSum("amount"))
    for row in sums.order_by():
        if row["total"] == 0:
            continue
        yield f"all {row['account__mode']} accounts in {row['currency']} sum to {row['total']}, not 0"


def _codes() -> Iterator[str]:
    """An account's code says everything about it, and every posting's digest covers the code: its owner and kind are
    then not to be changed unseen either."""
    for row in LedgerAccount.objects.order_by("pk").iterator():
        key = AccountKey(row.kind, row.mode, row.currency, row.merchant_id, row.network, row.counterparty)
        if key.code != row.code:
            yield f"account {row.code} is kept as {key.code}"


def _accounts() -> Iterator[str]:
    """Each merchant's account: its stored balance is the sum of its entries, its chain is whole."""
    for account in LedgerAccount.objects.filter(merchant__isnull=False).order_by("pk").iterator():
        yield from _chain(account)
    loose = Entry.objects.filter(sequence__isnull=True, account__merchant__isnull=False)
    for code, pk in loose.order_by("pk").values_list("account__code", "pk"):
        yield f"account {code}: entry {pk} hangs in no chain"


def _chain(account: LedgerAccount) -> Iterator[str]:
    """Up to the entry that `account` ended with when it was read: what was booked since is the next proof's."""
    total, sequence, head = 0, 0, ""
    for pk, place, amount, after, link, digest, moment in _links(account):
        total, sequence = total + amount, sequence + 1
        head = entry_hash(head, digest, sequence, amount, total, moment)
        if (place, after, link) != (sequence, total, head):
            yield f"account {account.code}: the chain breaks at entry {pk}"
            return
    if total != account.balance:
        yield f"account {account.code}: stores {account.balance}, its entries sum to {total}"
    if (sequence, head) != (account.sequence, account.head_hash):
        yield f"account {account.code}: entries are missing at the end of its chain"
    beyond = Entry.objects.filter(account=account, sequence__gt=F("account__sequence")).count()  # as both are now
    if beyond:
        yield f"account {account.code}: has entries beyond the end of its chain: {beyond}"


def _floors() -> Iterator[str]:
    for account in LedgerAccount.objects.filter(merchant__isnull=False, balance__lt=0):
        yield f"account {account.code} is below zero: {account.balance}"


def _links(account: LedgerAccount) -> Iterator[tuple[Any, ...]]:
    """Each entry's pk, sequence, amount, balance after it and hash, and its posting's digest and moment; in order."""
    columns = ("pk", "sequence", "amount", "balance_after", "hash", "posting__digest", "posting__created_at")
    entries = Entry.objects.filter(account=account, sequence__lte=account.sequence).order_by("sequence")
    last = None
    while batch := list((entries if last is None else entries.filter(sequence__gt=last)).values_list(*columns)[:BATCH]):
        yield from batch
        last = batch[-1][1]


def _digests() -> Iterator[str]:
    """A posting and its entries were written together, and never change: two statements read one state."""
    columns = ("pk", "kind", "reference", "mode", "digest")
    postings = Posting.objects.order_by("pk")
    last = None
    while batch := list((postings if last is None else postings.filter(pk__gt=last)).values_list(*columns)[:BATCH]):
        first, last = batch[0][0], batch[-1][0]
        lines = _lines(first, last)
        for pk, kind, reference, mode, digest in batch:
            if posting_digest(kind, reference, mode, lines.get(pk, {})) != digest:
                yield f"posting {reference} was changed"


def _lines(first: int, last: int) -> dict[int, dict[str, int]]:
    """What the postings of these ids moved on each account, by its code."""
    lines: dict[int, dict[str, int]] = defaultdict(dict)
    entries = Entry.objects.filter(posting_id__gte=first, posting_id__lte=last)
    for posting, code, amount in entries.order_by("pk").values_list("posting_id", "account__code", "amount"):
        lines[posting][code] = amount
    return lines


def _has_its_digest(posting: Posting) -> bool:
    """A posting's digest covers all of its lines, those of house accounts too."""
    amounts = {entry.account.code: entry.amount for entry in posting.entries.all()}
    return posting_digest(posting.kind, posting.reference, posting.mode, amounts) == posting.digest


@dataclass(frozen=True, slots=True)
class Proof:
    """What holds of one posting: its lines sum to zero, its digest covers them, its links hang on those before."""

    balances: bool
    has_digest: bool
    is_linked: bool

    @property
    def holds(self) -> bool:
        return self.balances and self.has_digest and self.is_linked


def proof_of(posting: Posting) -> Proof:
    """The same checks as `verify_books`, of one posting alone."""
    entries = list(posting.entries.all())
    sums: dict[str, int] = {}
    for entry in entries:
        sums[entry.currency] = sums.get(entry.currency, 0) + entry.amount
    linked = all(_is_linked(entry, posting) for entry in entries if entry.sequence is not None)
    return Proof(not any(sums.values()), _has_its_digest(posting), linked)


def _is_linked(entry: Entry, posting: Posting) -> bool:
    sequence, balance = entry.sequence or 0, entry.balance_after or 0
    previous = Entry.objects.filter(account_id=entry.account_id, sequence=sequence - 1).values_list("hash", flat=True)
    hanging_on = previous.first() if sequence > 1 else ""
    if hanging_on is None:
        return False
    return entry.hash == entry_hash(hanging_on, posting.digest, sequence, entry.amount, balance, posting.created_at)


def _rollups() -> Iterator[str]:
    through = Sum("account__entries__amount", filter=Q(account__entries__id__lte=F("through_id")), default=0)
    for rolled in RolledBalance.objects.annotate(direct=through).exclude(balance=F("direct")):
        yield f"rolled balance of account {rolled.account_id} is {rolled.balance}, entries say {rolled.direct}"
