"""The bank's answer to a batch: uploaded, shown as what it would do, applied by the worker or discarded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import Viewer, get_or_404
from gateway.lib.money import Money
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.batches.lists import AREA, visible
from gateway.panel.batches.steps import address
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import PanelForm, carry_out
from gateway.panel.rendering import Crumb, crumbs, done, page_or_part
from gateway.panel.words import count_text, money_text
from payouts.batches import apply_result, discard_result, queries, upload_result
from payouts.batches.formats import result_mapping_of
from payouts.batches.reading import Judged
from payouts.batches.results import judged_rows
from payouts.models import PayoutBatch, ResultFile

Status = ResultFile.Status
_MOST_BYTES = 2 * 1024 * 1024
_ROWS_SHOWN = 300
# What needs an eye comes first.
_ORDER = ("contradiction", "unclear", "foreign", "rejected", "processed", "pending", "same", "ended")
_WORDS = {
    "contradiction": "Contradiction", "unclear": "Unclear", "foreign": "Not of this batch", "rejected": "Rejected",
    "processed": "Paid", "pending": "Still with the bank", "same": "Known already", "ended": "Ended already",
}
_TONES = {
    "contradiction": "failed", "unclear": "flagged", "foreign": "flagged", "rejected": "failed",
    "processed": "processed", "pending": "processing",
}


@dataclass(frozen=True, slots=True)
class ShownRow:
    judged: Judged
    word: str
    tone: str


class ResultForm(PanelForm):
    file = forms.FileField(
        label="Result file", help_text="CSV or XLSX, as the bank gives it.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )

    def clean_file(self) -> Any:
        sent = self.cleaned_data["file"]
        if sent.size > _MOST_BYTES:
            raise forms.ValidationError("The file may have at most 2 MiB.")
        return sent


@page(OPERATORS, FORM)
def upload(request: PanelRequest, public_id: str) -> HttpResponse:
    batch = visible(request.viewer, public_id)
    form = ResultForm(request.POST, request.FILES) if request.method == "POST" else ResultForm()
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data["file"]
        made = carry_out(form, lambda: upload_result(
            actor=request.actor, batch=batch, name=sent.name.replace("\0", ""), content=sent.read()
        ))
        if made:
            return done(request, reverse("panel:batch-result", args=[made.public_id]))
    context = {
        "crumbs": [*crumbs(AREA), Crumb("Batch", address(batch)), Crumb("Result file")], "form": form,
        "batch": batch, "mapping": result_mapping_of(batch),
    }
    return render(request, "panel/batches/upload.html", context, status=422 if form.is_bound else 200)


@page(OPERATORS)
def result(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    judged = sorted(judged_rows(row), key=lambda one: (_ORDER.index(one.effect), one.row.number))
    batch = row.batch
    same = ResultFile.objects.filter(batch=batch, sha256=row.sha256, status=Status.APPLIED).exclude(pk=row.pk)
    context = {
        "crumbs": [*crumbs(AREA), Crumb("Batch", address(batch)), Crumb("Result file")],
        "result": row, "batch": batch,
        "rows": [_shown(one) for one in judged[:_ROWS_SHOWN]],
        "rest": max(0, len(judged) - _ROWS_SHOWN),
        "figures": _figures(judged),
        "missing": _missing(batch, judged),
        "applied_before": same.exists(),
        "is_preview": row.status == Status.PREVIEW,
        "is_moving": row.status == Status.APPLYING,
    }
    return page_or_part(request, "panel/batches/result.html", "panel/batches/_result.html", context)


def _visible(viewer: Viewer, public_id: str) -> ResultFile:
    return get_or_404(queries.visible_results(viewer).defer("content"), public_id=public_id)


def _shown(one: Judged) -> ShownRow:
    return ShownRow(one, _WORDS[one.effect], _TONES.get(one.effect, "ended"))


def _figures(judged: list[Judged]) -> list[dict[str, str]]:
    """What it does, in counts and money; zero counts are left out but for the two that everybody looks for."""
    counts = Counter(one.effect for one in judged)
    figures = []
    for effect in ("processed", "rejected", "unclear", "contradiction", "foreign", "pending", "same", "ended"):
        if counts[effect] or effect in ("processed", "rejected"):
            value, note = count_text(counts[effect]), _note(judged, effect)
            figures.append({"label": _WORDS[effect], "value": value, "note": note})
    return figures


def _note(judged: list[Judged], effect: str) -> str:
    total = sum(one.line.payout.amount_minor for one in judged if one.effect == effect and one.line)
    return money_text(Money(total, "INR")) if total else ""


def _missing(batch: PayoutBatch, judged: list[Judged]) -> int:
    """Payouts still with the bank that the file says nothing about."""
    named = {one.line.payout_id for one in judged if one.line}
    open_lines = batch.lines.filter(live=True, payout__status="processing")
    return open_lines.exclude(payout_id__in=named).count()


@page(OPERATORS, FORM, proof=True)
def apply(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    judged = judged_rows(row)
    step = Step(
        title="Apply this result file?", action="Apply", back=_address(row),
        text="Paid payouts are settled, rejected ones go back to their merchants, both of which are told. "
        "Unclear lines change nothing and wait for you.",
        facts=[(figure["label"], f"{figure['value']} {figure['note']}".strip()) for figure in _figures(judged)],
    )

    def act(_: dict[str, Any]) -> ResultFile:
        return apply_result(actor=request.actor, result=row)

    return confirm(request, step, act, message="The file is being applied.")


@page(OPERATORS, FORM)
def discard(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = Step(
        title="Discard this result file?", action="Discard", danger=True, back=_address(row),
        text="Nothing of it counts. It is kept, and the same file can be uploaded again.",
    )

    def act(_: dict[str, Any]) -> None:
        discard_result(actor=request.actor, result=row)

    return confirm(request, step, act, message="The file is discarded.", to=address(row.batch))


def _address(row: ResultFile) -> str:
    return reverse("panel:batch-result", args=[row.public_id])
