"""How a bank wants its file and how its answer is read: formats that super admins keep, and a plain one always there.

The export's columns are written one a line, `Title = template`. A template is text with fields in braces:
`{amount}`, `{ifsc}`, `{beneficiary_name:40}` (cut to 40 characters), `{method:IMPS=I,NEFT=N,RTGS=R}` (another word for
each), `{date:DD/MM/YYYY}` (the day of the export in India). `{amount}` alone is a number in the spreadsheet; all else
is text, so that account numbers keep their zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.actors import Actor
from accounts.operators import super_admin
from gateway.lib.errors import InvalidFields
from gateway.lib.spreadsheets import Column
from payouts.models import BankFormat, BatchLine, PayoutBatch

PLAIN_COLUMNS = """\
Reference = {reference}
Beneficiary name = {beneficiary_name}
Account number = {account_number}
IFSC = {ifsc}
Amount = {amount}
Method = {method}
Narration = PAYOUT {reference}
Date = {date:DD/MM/YYYY}
"""
PLAIN_RESULT: dict[str, Any] = {
    "reference": "Reference", "status": "Status", "utr": "UTR", "reason": "Reason", "amount": "",
    "processed": ["SUCCESS", "PROCESSED", "PAID"], "rejected": ["FAILED", "REJECTED", "RETURNED"],
    "pending": ["PENDING", "IN PROCESS"],
}
_FIELDS: dict[str, Callable[[BatchLine], str]] = {
    "line": lambda line: str(line.number),
    "reference": lambda line: line.reference,
    "payout_id": lambda line: line.payout.public_id,
    "order_id": lambda line: line.payout.reference,
    "beneficiary_name": lambda line: line.payout.beneficiary_name,
    "account_number": lambda line: line.payout.account_number,
    "ifsc": lambda line: line.payout.ifsc,
    "bank_name": lambda line: line.payout.bank_name or line.payout.beneficiary.bank_name,
    "amount": lambda line: str(line.payout.amount),
    "method": lambda line: line.payout.method,
    "remarks": lambda line: line.payout.remarks,
    "merchant": lambda line: line.payout.merchant.name,
}
FIELD_NAMES = (*_FIELDS, "date")
_MUST_HAVE = ("account_number", "ifsc", "amount")
_FIELD = re.compile(r"\{([a-z_]+)(?::([^{}]*))?\}")
# A bank that reads its file line by line would take what follows for a payment of its own.
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DAY = {"YYYY": "%Y", "YY": "%y", "MMM": "%b", "MM": "%m", "DD": "%d"}
_DAY_WORD = re.compile("YYYY|YY|MMM|MM|DD")
_MOST_COLUMNS = 60


class BadTemplate(ValueError):
    """What is wrong with a format's columns, in words."""


@dataclass(frozen=True, slots=True)
class ExportColumn:
    title: str
    template: str

    @property
    def is_amount(self) -> bool:
        return self.template == "{amount}"

    @property
    def column(self) -> Column:
        return Column(self.title, "money" if self.is_amount else "text")

    def cell(self, line: BatchLine, day: date) -> Any:
        if self.is_amount:
            return line.payout.amount
        return _FIELD.sub(lambda match: _value(match[1], match[2] or "", line, day), self.template)


def _value(name: str, option: str, line: BatchLine, day: date) -> str:
    if name == "date":
        return day.strftime(_DAY_WORD.sub(lambda word: _DAY[word[0]], option.replace("%", "%%")))
    text = _BREAKS.sub(" ", _FIELDS[name](line))
    if option.isdigit():
        return text[: int(option)]
    return _words(option).get(text, text)


def _words(option: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in option.split(",") if "=" in pair)
    return {word.strip(): said.strip() for word, _, said in pairs}


def parse_columns(text: str) -> list[ExportColumn]:
    """Raises `BadTemplate`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    columns = [_parse_line(line) for line in lines]
    if not 1 <= len(columns) <= _MOST_COLUMNS:
        raise BadTemplate(f"needs 1 to {_MOST_COLUMNS} columns, one a line")
    titles = [column.title.lower() for column in columns]
    if len(set(titles)) < len(titles):
        raise BadTemplate("has a title twice")
    used = {match[1] for column in columns for match in _FIELD.finditer(column.template)}
    missing = [name for name in _MUST_HAVE if name not in used]
    if missing:
        raise BadTemplate("must give the bank " + " and ".join(f"{{{name}}}" for name in missing))
    if not used & {"reference", "payout_id"}:
        raise BadTemplate("must give the bank {reference}, so that its answer can be matched")
    return columns


def _parse_line(line: str) -> ExportColumn:
    title, separator, template = (part.strip() for part in line.partition("="))
    if not separator or not title:
        raise BadTemplate(f"line “{line[:40]}” must be Title = template")
    if "{" in _FIELD.sub("", template) or "}" in _FIELD.sub("", template):
        raise BadTemplate(f"column “{title[:40]}” has a brace that is not a field's")
    for match in _FIELD.finditer(template):
        _check_field(match[1], match[2])
    return ExportColumn(title[:80], template)


def _check_field(name: str, option: str | None) -> None:
    if name not in FIELD_NAMES:
        raise BadTemplate(f"knows no field {{{name}}}; there are {', '.join(FIELD_NAMES)}")
    if name == "date":
        if not _DAY_WORD.search(option or ""):
            raise BadTemplate("needs a day's form, such as {date:DD/MM/YYYY}")
    elif option is not None and not option.isdigit() and not _words(option):
        raise BadTemplate(f"{{{name}:…}} takes a length or words such as NEFT=N,RTGS=R")
    elif name == "amount" and option is not None:
        raise BadTemplate("{amount} takes no option")


def columns_of(batch: PayoutBatch) -> list[ExportColumn]:
    return parse_columns(batch.bank_format.columns if batch.bank_format else PLAIN_COLUMNS)


def result_mapping_of(batch: PayoutBatch) -> dict[str, Any]:
    mapping: dict[str, Any] = batch.bank_format.result if batch.bank_format else PLAIN_RESULT
    return mapping


# Keeping them -----------------------------------------------------------------------------------------------
@transaction.atomic
def create_format(*, actor: Actor, name: str, columns: str, result: dict[str, Any]) -> BankFormat:
    """Raises `NotAllowed` (super admins only: a wrong word here books a rejected payout as paid), `InvalidFields`."""
    super_admin(actor)
    bank_format = BankFormat(name=name.strip(), columns=columns, result=_clean(name, columns, result))
    bank_format.created_by = actor.user
    _save(bank_format)
    audit.record(actor, "bank_format.created", bank_format.public_id, name=bank_format.name)
    return bank_format


@transaction.atomic
def update_format(
    *, actor: Actor, bank_format: BankFormat, name: str, columns: str, result: dict[str, Any]
) -> BankFormat:
    """Files made before stay as they were made. Raises as `create_format` does."""
    super_admin(actor)
    bank_format.result = _clean(name, columns, result)
    bank_format.name, bank_format.columns = name.strip(), columns
    _save(bank_format)
    audit.record(
        actor, "bank_format.updated", bank_format.public_id, name=bank_format.name, columns=columns,
        result=bank_format.result,
    )
    return bank_format


@transaction.atomic
def retire_format(*, actor: Actor, bank_format: BankFormat) -> None:
    """No new batch is offered it; those that have it keep it."""
    super_admin(actor)
    BankFormat.objects.filter(pk=bank_format.pk).update(retired=True)
    audit.record(actor, "bank_format.retired", bank_format.public_id, name=bank_format.name)


def _save(bank_format: BankFormat) -> None:
    try:
        with transaction.atomic():
            bank_format.save()
    except IntegrityError as error:
        raise InvalidFields(name="is taken by another format") from error


def _clean(name: str, columns: str, result: dict[str, Any]) -> dict[str, Any]:
    """The result mapping as it is kept. Raises `InvalidFields`."""
    if not 1 <= len(name.strip()) <= 60:
        raise InvalidFields(name="must have 1 to 60 characters")
    try:
        parse_columns(columns)
    except BadTemplate as error:
        raise InvalidFields(columns=str(error)) from error
    titles = {key: str(result.get(key, "")).strip() for key in ("reference", "status", "utr", "reason", "amount")}
    for key in ("reference", "status", "utr"):
        if not titles[key]:
            raise InvalidFields(**{f"{key}_column": "is required"})
    return titles | _clean_words(result)


def _clean_words(result: dict[str, Any]) -> dict[str, Any]:
    words = {key: sorted({plain_word(word) for word in result.get(key, []) if word.strip()})
             for key in ("processed", "rejected", "pending")}
    if not words["processed"] or not words["rejected"]:
        raise InvalidFields(**{"processed" if not words["processed"] else "rejected": "needs at least one word"})
    if len({word for group in words.values() for word in group}) < sum(map(len, words.values())):
        raise InvalidFields(rejected="has a word that stands in another list too")
    return dict(words)


def plain_word(text: str) -> str:
    """Words are compared without regard to case and blanks."""
    return " ".join(text.split()).upper()
