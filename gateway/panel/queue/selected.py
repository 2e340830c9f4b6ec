"""Several records decided at once. The page before it names each, with its payee and the sums; each then goes through
the same service as a single one, in a transaction of its own, and the page after it says what became of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.history import last_by_a_person
from gateway.lib.errors import GatewayError, IllegalTransition
from gateway.lib.money import Money
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.confirming import OnceForm, came_from, only_once
from gateway.panel.queue import reading
from gateway.panel.queue.kinds import BY_NAME, Kind
from gateway.panel.queue.reading import Row
from gateway.panel.rendering import crumbs

AT_MOST = 50
_NUMBER, _UUID = re.compile(r"[0-9]{1,18}", re.ASCII), re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verb:
    """One decision in words. `word` labels what the operator must write with it; empty: nothing."""

    title: str
    text: str
    action: str
    word: str = ""
    danger: bool = False


VERBS = {
    "approve": Verb("Approve", "An approval cannot be taken back: the money goes on its way.", "Approve"),
    "reject": Verb(
        "Reject", "The money goes back to each merchant, who is told your reason.", "Reject", "Reason", danger=True
    ),
    "clear": Verb("Mark as looked at", "Your note is kept with each record.", "Mark as looked at", "Note"),
}


class WordForm(OnceForm):
    word = forms.CharField(max_length=200, widget=forms.Textarea(attrs={"rows": 3}))


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record."""

    title: str
    href: str
    said: str
    good: bool
    detail: str = ""
    amount: Money | None = None


@page(OPERATORS, FORM, proof=True)
def selected(request: PanelRequest, what: str) -> HttpResponse:
    if what not in VERBS:
        raise Http404
    verb, sent = VERBS[what], request.POST if request.method == "POST" else request.GET
    picks = _picks(sent.getlist("pick"))
    form = (WordForm if verb.word else OnceForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _decide(request, what, picks, form)
    return _ask(request, what, picks, form)


def _picks(sent: Sequence[str]) -> list[tuple[Kind, str]]:
    """`kind:key` pairs, each once; what no page of ours would send is left out."""
    pairs = [text.partition(":") for text in dict.fromkeys(sent)]
    return [(BY_NAME[name], key) for name, _, key in pairs if name in BY_NAME and _is_key(BY_NAME[name], key)][:AT_MOST]


def _is_key(kind: Kind, key: str) -> bool:
    return bool((_UUID if kind.by_uuid else _NUMBER).fullmatch(key))


def _rows(request: PanelRequest, picks: Sequence[tuple[Kind, str]]) -> list[Row]:
    now = timezone.now()
    return reading.rows_of(request.viewer, [(kind.name, key, now) for kind, key in picks])


def _ask(request: PanelRequest, what: str, picks: Sequence[tuple[Kind, str]], form: OnceForm) -> HttpResponse:
    verb, back = VERBS[what], came_from(request) or reverse("panel:queue")
    rows = _rows(request, picks)
    able = [row for row in rows if row.kind.decide(what) and not row.item.held and not row.item.alone]
    if not able:
        messages.warning(request, f"Nothing that you selected can be {_PAST[what]} by you.")
        return HttpResponseRedirect(back)
    if verb.word:
        form.fields["word"].label = verb.word
    context = {
        "crumbs": crumbs(("To do", "panel:queue"), verb.title), "verb": verb, "what": what, "rows": able,
        "left_out": [row for row in rows if row not in able], "gone": len(picks) - len(rows),
        "totals": _totals(able), "form": form, "back": back,
    }
    return render(request, "panel/queue/confirm.html", context, status=422 if form.is_bound else 200)


_PAST = {"approve": "approved", "reject": "rejected", "clear": "marked"}


def _totals(rows: Sequence[Row]) -> list[Money]:
    """One sum for each currency."""
    sums: dict[str, int] = {}
    for amount in (row.item.amount for row in rows):
        if amount is not None:
            sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    return [Money(minor, currency) for currency, minor in sorted(sums.items())]


def _decide(request: PanelRequest, what: str, picks: Sequence[tuple[Kind, str]], form: OnceForm) -> HttpResponse:
    with only_once(form.cleaned_data["once"]):
        results = [_one(request, what, kind, key, form.cleaned_data.get("word", "")) for kind, key in picks]
    context = {
        "crumbs": crumbs(("To do", "panel:queue"), VERBS[what].title), "results": results,
        "done": sum(result.good for result in results), "back": came_from(request) or reverse("panel:queue"),
        "past": _PAST[what],
    }
    return render(request, "panel/queue/results.html", context)


def _one(request: PanelRequest, what: str, kind: Kind, key: str, word: str) -> Result:
    """One record through its own service. What somebody else decided since the page was read is left as it is."""
    decide, record = kind.decide(what), kind.waiting(request.viewer).filter(pk=key).first()
    if decide is None or record is None:
        return _meanwhile(request, kind, key)
    item = kind.shown(record, request.viewer)
    result = Result(item.title, item.href, "", good=True, detail=item.detail, amount=item.amount)
    try:
        return replace(result, said=decide(request.actor, record, word))
    except GatewayError as error:
        if isinstance(error, IllegalTransition) and not kind.waiting(request.viewer).filter(pk=key).exists():
            return _meanwhile(request, kind, key)
        return replace(result, said=f"Refused: {error.message}", good=False)


def _meanwhile(request: PanelRequest, kind: Kind, key: str) -> Result:
    """A record that waits no more: who was quicker, and how it stands."""
    record = kind.visible(request.viewer).filter(pk=key).first() if kind.visible else None
    if record is None:
        return Result("A record", reverse("panel:queue"), "It is not there", good=False)
    item, last = kind.shown(record, request.viewer), last_by_a_person(record.public_id)
    said = "It waits no more" if last is None else f"{last.actor} was quicker: {last.title.lower()}"
    return Result(item.title, item.href, said, good=False, detail=item.detail, amount=item.amount)
