"""What postings are about: the record's own page, and the merchant's own reference of it.

A posting's reference names its record (`payment:pay_…:capture`). Records are looked up together, some hundred at a
time, and nothing is checked here: whoever may see a posting may see what it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import F
from django.urls import reverse

from crypto.models import ChainTransaction
from payments.models import Correction, Payment, Refund
from payouts.models import Payout

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Subject:
    """`name`: the record's id. `own`: the merchant's reference, where it gave one. `href`: its page, where there is."""

    name: str
    own: str = ""
    href: str = ""


def subjects(references: Iterable[str]) -> dict[str, Subject]:
    """By posting reference."""
    wanted = list(references)
    found: dict[str, Subject] = {}
    for at in range(0, len(wanted), _AT_ONCE):
        some = {reference: _parts(reference) for reference in wanted[at : at + _AT_ONCE]}
        known = dict(_look_up(some.values()))
        found |= {reference: known.get(parts) or _unlisted(*parts) for reference, parts in some.items()}
    return found


def _parts(reference: str) -> tuple[str, str]:
    """(`payment`, `pay_…`), (`crypto:withdrawal`, `7`); of a reference of another form, its words as they are."""
    words = reference.split(":")
    if words[0] == "crypto" and len(words) > 2:
        return f"crypto:{words[1]}", words[2]
    return (words[0], words[1]) if len(words) == 3 else ("", reference)


def _look_up(parts: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], Subject]]:
    ids: dict[str, list[str]] = {}
    for kind, name in parts:
        ids.setdefault(kind, []).append(name)
    payments = Payment.objects.filter(public_id__in=ids.get("payment", ()))
    for name, *words in payments.values_list("public_id", "order__reference", "order__receipt"):
        yield ("payment", name), Subject(name, _first(words), reverse("panel:payment", args=[name]))
    refunds = Refund.objects.filter(public_id__in=ids.get("refund", ())).annotate(paid=F("payment__public_id"))
    order = ("payment__order__reference", "payment__order__receipt")
    for name, payment, *words in refunds.values_list("public_id", "paid", *order):
        yield ("refund", name), Subject(name, _first(words), reverse("panel:payment", args=[payment]))
    corrections = Correction.objects.filter(public_id__in=ids.get("correction", ()))
    for name, *words in corrections.values_list("public_id", *order, "bank_reference", "reason"):
        yield ("correction", name), Subject(name, _first(words), reverse("panel:correction", args=[name]))
    payouts = Payout.objects.filter(public_id__in=ids.get("payout", ()))
    for name, own in payouts.values_list("public_id", "reference"):
        yield ("payout", name), Subject(name, own, reverse("panel:payout", args=[name]))
    numbers = _numbers([*ids.get("crypto:credit", ()), *ids.get("crypto:uncredit", ())])
    credits = ChainTransaction.objects.filter(pk__in=numbers, session__isnull=False)
    for pk, session, own in credits.values_list("pk", "session_id", "session__reference"):
        subject = Subject(str(session), own, reverse("panel:session", args=[session]))
        yield from ((("crypto:credit", str(pk)), subject), (("crypto:uncredit", str(pk)), subject))


def _first(words: Iterable[str | None]) -> str:
    """An order of checkout has a receipt where the others have a reference."""
    return next((word for word in words if word), "")


def _numbers(names: Iterable[str]) -> list[int]:
    return [int(name) for name in names if name.isascii() and name.isdigit()]


_BY_NUMBER = {
    "crypto:withdrawal": ("Withdrawal", "panel:withdrawal"), "crypto:gas": ("Transaction", "panel:transaction"),
    "crypto:house": ("House withdrawal", "panel:house-withdrawal"),
}


def _unlisted(kind: str, name: str) -> Subject:
    if kind in _BY_NUMBER and _numbers([name]):
        word, page = _BY_NUMBER[kind]
        return Subject(f"{word} {name}", "", reverse(page, args=[name]))
    return Subject(name)
