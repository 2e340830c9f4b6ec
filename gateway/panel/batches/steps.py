"""What an operator does with a batch: take a payout out, make and fetch its files, mark it sent, cancel it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse

from accounts.actors import get_or_404
from gateway.lib.money import Money
from gateway.panel.access import FORM, OPERATORS, POST, PanelRequest, page
from gateway.panel.batches.lists import visible
from gateway.panel.confirming import Step, confirm
from gateway.panel.payments import ReasonForm
from gateway.panel.rendering import done
from gateway.panel.words import count_text, money_text
from payouts.batches import cancel_batch, export_batch, mark_sent, queries, take_export, take_out
from payouts.models import PayoutBatch

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def address(row: PayoutBatch) -> str:
    return reverse("panel:batch", args=[row.public_id])


@page(OPERATORS, POST, proof=True)
def export(request: PanelRequest, public_id: str, file_type: str) -> HttpResponse:
    if file_type not in TYPES:
        raise Http404
    row = visible(request.viewer, public_id)
    made = export_batch(actor=request.actor, batch=row, file_type="csv" if file_type == "csv" else "xlsx")
    return done(request, address(row), f"{made.name} is made. Download it below and upload it at the bank.")


@page(OPERATORS)
def download(request: PanelRequest, public_id: str, number: int) -> HttpResponse:
    row = visible(request.viewer, public_id)
    made = get_or_404(row.exports.select_related("batch"), pk=number)
    response = HttpResponse(take_export(actor=request.actor, export=made), TYPES[made.name.rpartition(".")[2]])
    response["Content-Disposition"] = f'attachment; filename="{made.name}"'
    response["Cache-Control"] = "no-store"
    return response


@page(OPERATORS, FORM)
def remove(request: PanelRequest, public_id: str, number: int) -> HttpResponse:
    row = visible(request.viewer, public_id)
    line = get_or_404(queries.lines_of(row).filter(live=True), number=number)
    step = Step(
        title=f"Take {money_text(line.amount)} to {line.payout.beneficiary_name} out?", action="Take it out",
        text="The payout stays approved, and can go into another batch.", back=address(row),
        facts=[("Account", f"{line.payout.account_number}, {line.payout.ifsc}"), ("Order ID", line.payout.reference)],
    )

    def act(_: dict[str, Any]) -> None:
        take_out(actor=request.actor, batch=row, number=number)

    return confirm(request, step, act, message="The payout is out of this batch.")


@page(OPERATORS, FORM, proof=True)
def sent(request: PanelRequest, public_id: str) -> HttpResponse:
    row = visible(request.viewer, public_id)
    last = row.exports.defer("content").order_by("-id").first()
    facts = _facts(row)
    if last:
        facts += [("Last file", last.name), ("Its SHA-256", last.sha256)]
    step = Step(
        title=f"Mark {_figure(row)} as sent?", action="It is with the bank", back=address(row), facts=facts,
        text="Do this after the bank has taken the file. From then on the batch cannot be cancelled, "
        "and its payouts wait for the bank's result file.",
    )

    def act(_: dict[str, Any]) -> PayoutBatch:
        return mark_sent(actor=request.actor, batch=row)

    return confirm(request, step, act, message="The batch is with the bank.")


@page(OPERATORS, FORM)
def cancel(request: PanelRequest, public_id: str) -> HttpResponse:
    row = visible(request.viewer, public_id)
    step = Step(
        title=f"Cancel this batch of {_figure(row)}?", action="Cancel the batch", danger=True, back=address(row),
        text="Only if no file of it was given to the bank: its payouts become free for another batch, "
        "and would be paid twice.",
        facts=_facts(row),
    )

    def act(data: dict[str, Any]) -> PayoutBatch:
        return cancel_batch(actor=request.actor, batch=row, reason=data["reason"])

    return confirm(request, step, act, form=ReasonForm, message="The batch is cancelled; its payouts wait again.")


def _figure(row: PayoutBatch) -> str:
    return money_text(Money(row.total_minor, "INR"))  # type: ignore[attr-defined]


def _facts(row: PayoutBatch) -> list[tuple[str, object]]:
    count = row.count  # type: ignore[attr-defined]
    return [("Payouts", count_text(count)), ("Sum", _figure(row)), ("Batch", row.public_id)]
