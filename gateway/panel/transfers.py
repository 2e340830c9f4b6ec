"""One transfer to a merchant's address, for operators; and taking its credit back, which two of them do.

What the nodes say, and whether they were asked, is the service's business: these pages only show what would be booked.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import get_or_404
from accounts.operators import others_who_may_decide
from crypto import formats
from crypto.models import ChainTransaction, CreditReversal
from crypto.queries.reversals import (
    entries_of_transfers,
    reversal_history,
    visible_credit_reversals,
    visible_transfers,
)
from crypto.queries.transactions import confirmations, heads
from crypto.services.credit_reversals import (
    Foreseen,
    can_be_taken_back,
    confirm_credit_reversal,
    foresee,
    propose_credit_reversal,
    reject_credit_reversal,
    withdraw_credit_reversal,
)
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.confirming import PlainNoteForm, Step, confirm
from gateway.panel.forms import PanelForm
from gateway.panel.rendering import crumbs
from gateway.panel.words import money_text

Status = CreditReversal.Status
_LOOK = (
    "Look the transaction up in an explorer of another company first. The nodes are asked too, and nothing is booked "
    "unless two of them say that it is not on the chain."
)


@page(OPERATORS)
def transfer(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(visible_transfers(request.viewer), pk=pk)
    reversals = list(visible_credit_reversals(request.viewer).filter(transaction=row))
    waits = next((one for one in reversals if one.status == Status.OPEN), None)
    credited = row.status == ChainTransaction.Status.CONFIRMED
    own = waits is not None and waits.created_by_id == request.user.pk
    context = {
        "crumbs": crumbs(("Crypto payments", "panel:sessions"), f"Transfer {row.pk}"),
        "transfer": row, "reversals": reversals, "waits": waits, "is_own": own,
        "amount": Money(row.amount_minor, row.currency),
        "depth": confirmations(row, heads(row.mode)),
        "foreseen": foresee(row) if waits is not None and credited else None,
        "may_propose": waits is None and can_be_taken_back(row),
        "may_confirm": waits is not None and (not own or row.mode == Mode.TEST),
        "may_reject": waits is not None and not own,
        "nobody_else": waits is not None and row.mode == Mode.LIVE and not others_who_may_decide(waits),
        "entries": list(entries_of_transfers([row.pk])),
        "timeline": reversal_history(reversals),
        "transaction_url": (
            formats.explorer_transaction_url(row.network, row.transaction_hash) if row.mode == Mode.LIVE else ""
        ),
    }
    return render(request, "panel/transfers/detail.html", context)


class ReversalForm(PanelForm):
    reason = forms.CharField(
        max_length=200, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What you found, and where. The second operator reads it, and the merchant once it is booked.",
    )


@page(OPERATORS, FORM, proof=True)
def propose(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(visible_transfers(request.viewer), pk=pk)
    facts: list[tuple[str, object]] = [
        ("Transaction", row.transaction_hash), ("Network", row.network.name), ("Merchant", _owner(row)),
    ]
    if row.status == ChainTransaction.Status.CONFIRMED:
        facts += _would_book(foresee(row))
    step = Step(
        title="Take this credit back?", action="Propose", back=_page(row.pk), facts=facts, danger=True,
        text=f"Nothing is booked before it is confirmed. {_LOOK}",
    )

    def act(data: dict[str, Any]) -> CreditReversal:
        return propose_credit_reversal(actor=request.actor, transfer=row, reason=data["reason"])

    live = row.mode == Mode.LIVE
    said = "It is proposed, and waits for a second operator." if live else "It is proposed. Confirm it."
    return confirm(request, step, act, form=ReversalForm, message=said)


@page(OPERATORS, FORM, proof=True)
def agree(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(visible_credit_reversals(request.viewer), pk=pk)
    facts = _facts(row)
    if row.status == Status.OPEN and row.transaction.status == ChainTransaction.Status.CONFIRMED:
        facts += _would_book(foresee(row.transaction))
    step = Step(
        title=f"Take {money_text(row.amount)} back?", action=f"Take {money_text(row.amount)} back", danger=True,
        text=_LOOK, back=_page(row.transaction_id), facts=facts,
    )

    def act(_: dict[str, Any]) -> CreditReversal:
        return confirm_credit_reversal(actor=request.actor, reversal=row)

    return confirm(request, step, act, message=f"The credit of {money_text(row.amount)} is taken back.")


@page(OPERATORS, FORM)
def reject(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(visible_credit_reversals(request.viewer), pk=pk)
    step = _ending(row, "Reject", "The credit stands. Whoever proposed it reads your note.")

    def act(data: dict[str, Any]) -> CreditReversal:
        return reject_credit_reversal(actor=request.actor, reversal=row, note=data["note"])

    return confirm(request, step, act, form=PlainNoteForm, message="It is rejected: the credit stands.")


@page(OPERATORS, FORM)
def withdraw(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(visible_credit_reversals(request.viewer), pk=pk)
    step = _ending(row, "Withdraw", "The credit stands. Only whoever proposed it can withdraw it.")

    def act(data: dict[str, Any]) -> CreditReversal:
        return withdraw_credit_reversal(actor=request.actor, reversal=row, note=data["note"])

    return confirm(request, step, act, form=PlainNoteForm, message="It is withdrawn: the credit stands.")


def _ending(row: CreditReversal, verb: str, text: str) -> Step:
    title, back = f"{verb} this proposal?", _page(row.transaction_id)
    return Step(title=title, action=verb, text=text, back=back, facts=_facts(row), danger=True)


def _page(transfer_id: int) -> str:
    return reverse("panel:transfer", args=[transfer_id])


def _owner(row: ChainTransaction) -> str:
    return row.merchant.name if row.merchant is not None else ""


def _facts(row: CreditReversal) -> list[tuple[str, object]]:
    return [
        ("Transaction", row.transaction.transaction_hash), ("Network", row.network.name),
        ("Merchant", row.merchant.name), ("Reason", row.reason), ("Proposed by", row.created_by.name),
    ]


def _would_book(seen: Foreseen) -> list[tuple[str, object]]:
    """What nobody should be surprised by: most of all what the merchant does not have any more."""
    facts: list[tuple[str, object]] = [
        ("Credited", money_text(seen.amount)), ("Our fee, given back", money_text(seen.fee)),
        ("From the merchant", money_text(seen.taken)),
    ]
    if seen.shortfall.minor:
        facts.append(("Missing: the house bears", money_text(seen.shortfall)))
        if seen.reserved.minor:
            facts.append(("In withdrawals that have not ended", money_text(seen.reserved)))
    return facts
