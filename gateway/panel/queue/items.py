"""How each kind of work looks in the queue: what it is, whose, why it waits, and what may be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from accounts.actors import Viewer
from accounts.operators import MAY_DECIDE_OWN, is_own
from crypto import formats
from crypto.models import CreditReversal, HouseWithdrawal, Outgoing, Sender, Session, Withdrawal
from crypto.services.gas import native_minor
from crypto.services.records import SERIOUS
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.providers import is_silent
from payments.models import Correction, MatchProposal, Payment, Refund, StatementLine
from payments.services.operators import can_be_captured_by_hand
from payments.services.refunds import can_be_resolved as refund_can_be_resolved
from payouts.models import Payout
from payouts.services.deciding import can_be_resolved
from payouts.services.returning import can_be_returned
from webhooks.models import Endpoint


@dataclass(frozen=True, slots=True)
class Action:
    """A button. `key` is its letter on the keyboard; without `dialog` it is a page of its own."""

    text: str
    href: str
    key: str = ""
    dialog: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """One row. `held` says why this viewer has nothing to decide about it, `payee` in full who is about to be paid.
    `alone`: it has a step of its own, and is not decided with others."""

    title: str
    href: str
    why: str
    detail: str = ""
    owner: str = ""
    amount: Money | None = None
    actions: tuple[Action, ...] = ()
    held: str = ""
    payee: str = ""
    alone: bool = False


def payout_to_approve(row: Payout, viewer: Viewer) -> Item:
    own, first = row.created_by_id == viewer.user.pk, row.first_approved_by_id == viewer.user.pk
    held = "Your own" if own else "Approved by you" if first else ""
    reject = Action("Reject", reverse("panel:payout-reject", args=[row.public_id]), "r")
    approve = Action("Approve", reverse("panel:payout-approve", args=[row.public_id]), "a")
    actions = () if own else (reject,) if first else (reject, approve)
    return _payout(row, why=_approvals(row), actions=actions, held=held)


def _approvals(row: Payout) -> str:
    if row.approvals_needed < 2:
        return "Waits for approval"
    return "Waits for a second approval" if row.first_approved_by_id else "Needs two approvals"


def payout_unheard(row: Payout, viewer: Viewer) -> Item:
    if can_be_resolved(row):
        return _payout_to_resolve(row, viewer, "The bank has not said for a day what became of it")
    return _payout(row, why="The bank has not answered; it is asked again and again")


def payout_unclear(row: Payout, viewer: Viewer) -> Item:
    return _payout_to_resolve(row, viewer, "The bank's result file left it unclear")


def _payout_to_resolve(row: Payout, viewer: Viewer, why: str) -> Item:
    resolve = Action("Resolve", reverse("panel:payout-resolve", args=[row.public_id]), "a")
    own = row.created_by_id == viewer.user.pk
    return _payout(row, why=why, actions=() if own else (resolve,), held="Your own" if own else "")


def payout_for_file(row: Payout, viewer: Viewer) -> Item:
    make = Action("Make a file", reverse("panel:batch-new"), "a", dialog=False)
    return _payout(row, why="Approved, waits for the next bank file", actions=(make,))


def payout_flagged(row: Payout, viewer: Viewer) -> Item:
    own, with_bank = row.created_by_id == viewer.user.pk, row.status == Payout.Status.PROCESSING
    paid = can_be_returned(row)  # whether the bank returned it is asked on its page, beside the other way out
    act = ("Resolve", "panel:payout-resolve") if with_bank else ("Looked at", "panel:payout-flag")
    text, page = ("Open", "panel:payout") if paid else act
    actions = () if own else (Action(text, reverse(page, args=[row.public_id]), "a", dialog=not paid),)
    held = "Your own" if own else ""
    return _payout(row, why=row.get_flag_display(), actions=actions, held=held, alone=with_bank or paid)


def _payout(row: Payout, *, why: str, **more: Any) -> Item:
    return Item(
        title=f"Payout to {row.beneficiary_name}", href=reverse("panel:payout", args=[row.public_id]), why=why,
        detail=f"{row.reference} · {row.bank_name or row.ifsc}\N{NO-BREAK SPACE}··{row.account_number[-4:]}",
        owner=row.merchant.name, amount=row.amount, payee=f"{row.account_number}, {row.ifsc}", **more,
    )


def withdrawal_to_approve(row: Withdrawal, viewer: Viewer) -> Item:
    own = row.created_by_id == viewer.user.pk
    actions = (
        Action("Reject", reverse("panel:withdrawal-reject", args=[row.pk]), "r"),
        Action("Approve", reverse("panel:withdrawal-approve", args=[row.pk]), "a"),
    )
    return Item(
        title=f"Withdrawal {row.pk}", href=reverse("panel:withdrawal", args=[row.pk]), why="Waits for approval",
        detail=withdrawal_target(row), owner=row.merchant.name, amount=row.amount,
        actions=() if own else actions, held="Your own" if own else "", payee=row.address,
    )


def withdrawal_target(row: Withdrawal) -> str:
    if row.network is None or not row.address:
        return "To the settlement account"
    return f"{row.network.name} · {row.address[:8]}…{row.address[-6:]}"


def match_to_confirm(row: MatchProposal, viewer: Viewer) -> Item:
    own = row.proposed_by_id == viewer.user.pk
    withdraw = Action("Withdraw", reverse("panel:match-withdraw", args=[row.public_id]), "r")
    agree = Action("Confirm", reverse("panel:match-confirm", args=[row.public_id]), "a")
    return Item(
        title=f"Payment {row.payment.order.reference or row.payment.public_id}",
        href=reverse("panel:payment", args=[row.payment.public_id]),
        why="A match that a second operator must confirm",
        detail=f"UTR {row.utr}" + (f" · proposed by {row.proposed_by.name}" if row.proposed_by else ""),
        owner=row.payment.merchant.name, amount=row.received,
        actions=(withdraw,) if own else (withdraw, agree), held="Proposed by you" if own else "",
    )


def correction_to_confirm(row: Correction, viewer: Viewer) -> Item:
    own = row.created_by_id == viewer.user.pk
    end = ("Withdraw", "panel:correction-withdraw") if own else ("Reject", "panel:correction-reject")
    other = Action(end[0], reverse(end[1], args=[row.public_id]), "r")
    agree = Action("Confirm", reverse("panel:correction-confirm", args=[row.public_id]), "a")
    alone = own and row.mode == Mode.LIVE
    why = "A second operator must confirm it" if row.created_by_id else "An operator must confirm it"
    return Item(
        title=row.get_kind_display(), href=reverse("panel:correction", args=[row.public_id]),
        why="A correction that must be confirmed" if own and not alone else why,
        detail=f"{row.reason} · proposed by {row.proposer}", owner=row.merchant.name, amount=row.amount,
        actions=(other,) if alone else (other, agree), held="Proposed by you" if alone else "",
    )


def credit_unmatched(row: StatementLine, viewer: Viewer) -> Item:
    href = reverse("panel:statement-line", args=[row.public_id])
    return Item(
        title=f"Credit {row.utr or 'without UTR'}", href=href, why="On the statement, but matches no payment",
        detail=f"{row.day:%d %b %Y} · {row.account.vpa}", amount=row.amount,
        actions=(Action("Match", href, "a", dialog=False),),
    )


def payment_overdue(row: Payment, viewer: Viewer) -> Item:
    href = reverse("panel:payment", args=[row.public_id])
    why = "The payer says it is paid, and no statement shows it"
    return _payment(row, why=why, actions=(Action("Match", href, "a", dialog=False),))


def payment_uncaptured(row: Payment, viewer: Viewer) -> Item:
    """What a provider has only authorised is its merchant's to capture."""
    own, by_hand = is_own(viewer.user, row, MAY_DECIDE_OWN), can_be_captured_by_hand(row)
    book = Action("Book it", reverse("panel:payment-capture", args=[row.public_id]), "a")
    look = Action("Open", reverse("panel:payment", args=[row.public_id]), "a", dialog=False)
    why = "Its money lies in our account, and is not booked" if by_hand else (
        "Authorised for days and not captured: ask its merchant")
    return _payment(
        row, why=why, actions=() if by_hand and own else (book if by_hand else look,),
        held="Your own" if by_hand and own else "",
    )


def payment_flagged(row: Payment, viewer: Viewer) -> Item:
    own = is_own(viewer.user, row, MAY_DECIDE_OWN)
    look = Action("Looked at", reverse("panel:payment-flag", args=[row.public_id]), "a")
    actions = () if own else (look,)
    return _payment(row, why=row.get_flag_display(), actions=actions, held="Your own" if own else "")


def _payment(row: Payment, *, why: str, **more: Any) -> Item:
    utr = row.utr or row.claimed_utr
    return Item(
        title=f"Payment {row.order.reference or row.public_id}", href=reverse("panel:payment", args=[row.public_id]),
        why=why, detail=f"UTR {utr}" if utr else row.payer_name, owner=row.merchant.name, amount=row.amount, **more,
    )


def refund_for_people(row: Refund, viewer: Viewer) -> Item:
    href = reverse("panel:payment", args=[row.payment.public_id])
    resolve = Action("Resolve", reverse("panel:refund-resolve", args=[row.public_id]), "a")
    look = Action("Open", href, "a", dialog=False)
    own = is_own(viewer.user, row, MAY_DECIDE_OWN)
    return Item(
        title=f"Refund of {row.payment.order.reference or row.payment.public_id}", href=href,
        why=_why_refund(row),
        detail=row.reason, owner=row.merchant.name, amount=row.amount,
        actions=() if own else (resolve if refund_can_be_resolved(row) else look,), held="Your own" if own else "",
        alone=not row.flag,
    )


def _why_refund(row: Refund) -> str:
    if row.flag:
        return str(row.get_flag_display())
    if is_silent(row):
        return "The provider has not said for a day whether it was sent"
    return "Is sent by hand: send it, and say so"


def session_flagged(row: Session, viewer: Viewer) -> Item:
    look = Action("Looked at", reverse("panel:session-flag", args=[row.pk]), "a")
    why = "; ".join(Session.Flag(flag).label for flag in row.flags if flag in SERIOUS)
    return Item(
        title=f"Crypto payment {row.reference}", href=reverse("panel:session", args=[row.pk]), why=why,
        detail=row.network.name, owner=row.merchant.name, amount=row.amount, actions=(look,),
    )


def credit_reversal_to_confirm(row: CreditReversal, viewer: Viewer) -> Item:
    own = row.created_by_id == viewer.user.pk
    alone = own and row.mode == Mode.LIVE
    end = ("Withdraw", "panel:credit-reversal-withdraw") if own else ("Reject", "panel:credit-reversal-reject")
    other = Action(end[0], reverse(end[1], args=[row.pk]), "r")
    agree = Action("Confirm", reverse("panel:credit-reversal-confirm", args=[row.pk]), "a")
    session = row.transaction.session
    return Item(
        title=f"Credit of {session.reference if session is not None else row.transaction}",
        href=reverse("panel:transfer", args=[row.transaction_id]),
        why="Its transfer left the chain: a second operator must confirm",
        detail=f"{row.network.name} · {row.reason} · proposed by {row.created_by.name}", owner=row.merchant.name,
        amount=row.amount, actions=(other,) if alone else (other, agree), held="Proposed by you" if alone else "",
    )


def endpoint_stopped(row: Endpoint, viewer: Viewer) -> Item:
    href = reverse("panel:endpoint", args=[row.pk])
    return Item(
        title="Webhook switched off", href=href, why=row.disabled_reason[:1].upper() + row.disabled_reason[1:],
        detail=row.url, owner=row.merchant.name, actions=(Action("Open", href, "a", dialog=False),),
    )


def house_withdrawal_to_confirm(row: HouseWithdrawal, viewer: Viewer) -> Item:
    own = row.created_by_id == viewer.user.pk and row.mode == Mode.LIVE
    reject = Action("Reject", reverse("panel:house-withdrawal-reject", args=[row.pk]), "r")
    agree = Action("Confirm", reverse("panel:house-withdrawal-confirm", args=[row.pk]), "a")
    return Item(
        title=f"House withdrawal {row.pk}", href=reverse("panel:house-withdrawal", args=[row.pk]),
        why="A second person must confirm", detail=f"{row.network.name} · {row.address[:8]}…{row.address[-6:]}",
        owner="The house", amount=row.amount, actions=(reject,) if own else (reject, agree),
        held="Proposed by you" if own else "", payee=row.address,
    )


def transaction_odd(row: Outgoing, viewer: Viewer) -> Item:
    href = reverse("panel:transaction", args=[row.pk])
    token = row.token
    minor = native_minor(row.network, int(row.raw_units)) if token is None else _minor(row.raw_units, token.decimals)
    return Item(
        title=f"{row.get_purpose_display()} on {row.network.name}", href=href,
        why=row.get_flag_display() or row.get_waits_for_display(),
        detail=f"to {row.recipient[:8]}…{row.recipient[-6:]}",
        amount=Money(minor, row.network.native if token is None else token.currency),
        actions=(Action("Open", href, "a", dialog=False),),
    )


def _minor(raw_units: str, decimals: int) -> int:
    return formats.to_minor(int(raw_units), decimals)[0]


def sender_stopped(row: Sender, viewer: Viewer) -> Item:
    resume = Action("Resume", reverse("panel:sender-resume", args=[row.pk]), "a")
    return Item(
        title=f"Sending on {row.network.name} is stopped", href=reverse("panel:wallets"), why=row.stopped_reason,
        detail=f"{row.address[:8]}…{row.address[-6:]}", actions=(resume,),
    )
