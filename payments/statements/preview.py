"""What importing a file would do, line by line, before anything counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from payments.models import Payment, Statement, StatementLine
from payments.statements.importing import read_again
from payments.statements.matching import claims_of, proves
from payments.statements.reading import Credit, Problem

_SHOWN = 50
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """One credit of a preview: whether it is new, and which payment it would pay by itself."""

    credit: Credit
    is_new: bool
    payment: Payment | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Counts are of the whole file; `credits` and `problems` are the first ones."""

    credits: list[Seen]
    problems: list[Problem]
    total: int
    new: int
    would_match: int
    problem_count: int
    debits: int
    credited_minor: int
    same_file: Statement | None

    @property
    def duplicates(self) -> int:
        return self.total - self.new


def preview(statement: Statement) -> Preview:
    """Writes nothing. Raises `BadStatement` where the mapping does not fit the file, and what `read_table` does."""
    reading = read_again(statement)
    known, claims = _known(statement, reading.credits), _claims(statement, reading.credits)
    seen = [
        Seen(one, one.fingerprint not in known, _would_pay(one, claims[one.utr]))
        for one in reading.credits
    ]
    new = [one for one in seen if one.is_new]
    before = Statement.objects.filter(account=statement.account, sha256=statement.sha256)
    before = before.filter(status=Statement.Status.IMPORTED)
    return Preview(
        seen[:_SHOWN], reading.problems[:_SHOWN], len(seen), len(new), sum(one.payment is not None for one in new),
        len(reading.problems), reading.debits, reading.credited_minor, before.defer("content").first(),
    )


def _known(statement: Statement, credits: Sequence[Credit]) -> set[str]:
    known: set[str] = set()
    rows = StatementLine.objects.filter(account=statement.account)
    for start in range(0, len(credits), _AT_ONCE):
        prints = [one.fingerprint for one in credits[start : start + _AT_ONCE]]
        known.update(rows.filter(fingerprint__in=prints).values_list("fingerprint", flat=True))
    return known


def _claims(statement: Statement, credits: Sequence[Credit]) -> dict[str, list[Payment]]:
    claims: dict[str, list[Payment]] = defaultdict(list)
    for start in range(0, len(credits), _AT_ONCE):
        utrs = {one.utr for one in credits[start : start + _AT_ONCE] if one.utr}
        for utr, payments in claims_of(statement.account, utrs).items():
            claims[utr] += [payment for payment in payments if payment not in claims[utr]]
    return claims


def _would_pay(credit: Credit, payments: list[Payment]) -> Payment | None:
    exact = [one for one in payments if proves(one, utr=credit.utr, minor=credit.minor, day=credit.day)]
    return exact[0] if len(exact) == 1 else None
