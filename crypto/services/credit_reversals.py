"""Taking a credit back: a transfer was credited, and is not on the chain any more. See decision 28.

One operator proposes it, and it is booked when another one confirms; before each, two nodes must deny the transfer.
What the credit had booked is reversed. What the merchant does not have any more the house bears (`losses`), and gets it
back from the transfer itself, should that ever come again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Role
from accounts.notices import tell_super_admins
from accounts.operators import acting_for, check_operator, check_second_person
from crypto import accounts, opinions
from crypto.chains.base import NodeError
from crypto.chains.registry import chain_for
from crypto.errors import NotProven
from crypto.models import ChainTransaction, CreditReversal, Session
from crypto.services import deposits
from crypto.services.credit_rounds import booked_reversals, reversal_reference
from crypto.services.crediting import enough
from crypto.services.records import drop_flag, lock, name_transfer, note, set_flag, token_text, write_down
from crypto.services.sweeps_undone import forget_transfer
from gateway.lib.crash import crash_point
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from ledger.services import Line, post, wallet_minor

Status = CreditReversal.Status
_CREDITED = ChainTransaction.Status.CONFIRMED
_ANY_OPERATOR: tuple[str, ...] = (Role.SUPER_ADMIN, Role.ADMIN)
# Nodes forget old receipts: of what no reorganisation took away, only fresh denials say anything.
_RECENT = timedelta(days=2)
TAKEN_BACK = "Its credit was taken back."


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the booking would do at this moment. `reserved` lies in withdrawals that have not ended."""

    amount: Money
    fee: Money
    taken: Money
    shortfall: Money
    reserved: Money


def foresee(row: ChainTransaction) -> Foreseen:
    """Of a credited transfer."""
    assert row.merchant_id is not None
    where = (row.merchant_id, row.mode, row.currency, row.network_id)
    net = row.credited_minor - row.fee_minor
    taken = min(net, wallet_minor(accounts.available(*where)))
    amounts = (row.credited_minor, row.fee_minor, taken, net - taken, wallet_minor(accounts.reserved(*where)))
    return Foreseen(*(Money(minor, row.currency) for minor in amounts))


def can_be_taken_back(row: ChainTransaction) -> bool:
    """Credited, with something, and flagged as gone, or credited of late."""
    credited = row.type == ChainTransaction.Type.INCOMING and row.status == _CREDITED and row.credited_minor > 0
    fresh = row.confirmed_at is not None and row.confirmed_at > timezone.now() - _RECENT
    return credited and row.merchant_id is not None and (deposits.is_missed(row) or fresh)


def propose_credit_reversal(*, actor: Actor, transfer: ChainTransaction, reason: str) -> CreditReversal:
    """Nothing is booked before it is confirmed. Asks the network; no transaction may be open.

    Raises `NotAllowed`, `NotFound`, `InvalidFields` (reason), `IllegalTransition`, `StillOnChain`, `NotProven`.
    """
    if transfer.merchant_id is None:
        raise NotFound()
    user = acting_for(actor, transfer.merchant_id)
    if not reason.strip() or len(reason.strip()) > 200:
        raise InvalidFields(reason="is required, with at most 200 characters")
    _check_creditable(transfer)
    _ask(transfer)
    with transaction.atomic():
        row = _lock_transfer(transfer)
        _check_creditable(row)
        assert row.merchant is not None
        assert row.confirmed_at is not None
        made = CreditReversal(
            transaction=row, round=len(booked_reversals(row)), merchant=row.merchant, mode=row.mode,
            network=row.network, currency=row.currency, amount_minor=row.credited_minor, fee_minor=row.fee_minor,
            tax_minor=row.tax_minor, credited_at=row.confirmed_at, reason=reason.strip(), created_by=user,
        )
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError as error:
            raise IllegalTransition("It is proposed already, and waits for a second operator.") from error
        _write_down(actor, made, "proposed", f": {made.reason}")
        if made.mode == Mode.LIVE:
            amount = f"{token_text(made.amount_minor, made.currency)} of {made.merchant.name}"
            tell_super_admins(actor, made.public_id, "A credit is to be taken back", f"{amount}: {made.reason}")
    return made


def confirm_credit_reversal(*, actor: Actor, reversal: CreditReversal) -> CreditReversal:
    """Books it, once. Asks the network; no transaction may be open.

    Raises `NotAllowed`, `NotFound`, `OwnRecord` (live, one's own), `IllegalTransition` (decided, the transfer has moved
    on, it is being swept), `StillOnChain`, `NotProven`; then nothing was changed.
    """
    check_operator(actor, reversal, own=_ANY_OPERATOR if reversal.mode == Mode.TEST else ())
    if reversal.mode == Mode.LIVE and actor.user is not None:
        check_second_person(reversal.created_by, actor.user)
    seen = ChainTransaction.objects.select_related("network").get(pk=reversal.transaction_id)
    _ask(seen)
    with transaction.atomic():
        session = lock(seen.session_id) if seen.session_id else None
        row = _lock_transfer(seen)
        made = _fresh(reversal)
        made.advance(Status.CONFIRMED, decided_by=actor.user, booked_at=timezone.now())
        if (row.status, row.height, row.block_hash, row.note) != (_CREDITED, seen.height, seen.block_hash, seen.note):
            raise IllegalTransition("The transfer has moved on meanwhile. Look again.")
        _check_creditable(row)  # two days may have gone by since it was proposed
        crash_point("uncredit.before_posting")
        _post(made)
        crash_point("uncredit.after_posting")
        forget_transfer(row)
        row.advance(
            ChainTransaction.Status.REVERSED, confirmed_at=None, credited_minor=0, fee_minor=0, tax_minor=0,
            note=TAKEN_BACK, checked_at=timezone.now(),
        )
        if session is not None:
            _take_from_session(actor, session, made)
        _write_down(actor, made, "confirmed", _after(made), tell=True)
        crash_point("uncredit.before_commit")
    return made


@transaction.atomic
def reject_credit_reversal(*, actor: Actor, reversal: CreditReversal, note: str) -> CreditReversal:
    """Another operator says no. Raises `NotAllowed`, `OwnRecord`, `InvalidFields`, `IllegalTransition`."""
    check_operator(actor, reversal)
    return _end(actor, reversal, Status.REJECTED, note)


@transaction.atomic
def withdraw_credit_reversal(*, actor: Actor, reversal: CreditReversal, note: str) -> CreditReversal:
    """The proposer, and nobody else, takes it back. Raises `NotAllowed`, `InvalidFields`, `IllegalTransition`."""
    check_operator(actor, reversal, own=_ANY_OPERATOR)
    if actor.user is None or reversal.created_by_id != actor.user.pk:
        raise NotAllowed("Only whoever proposed it withdraws it.")
    return _end(actor, reversal, Status.WITHDRAWN, note)


def _end(actor: Actor, reversal: CreditReversal, status: str, note: str) -> CreditReversal:
    if not note.strip():
        raise InvalidFields(note="is required")
    made = _fresh(reversal)
    made.advance(status, decided_by=actor.user, note=note.strip()[:200])
    _write_down(actor, made, status, f": {made.note}")
    return made


def _check_creditable(row: ChainTransaction) -> None:
    if not can_be_taken_back(row):
        raise IllegalTransition("Only a credit whose transfer has left the chain can be taken back.")


def _ask(row: ChainTransaction) -> None:
    try:
        opinions.check_gone(row, chain_for(row.network, row.mode))
    except (NodeError, LookupError) as error:
        raise NotProven("No node of this network answers at the moment. Nothing was changed.") from error


def _lock_transfer(transfer: ChainTransaction) -> ChainTransaction:
    rows = ChainTransaction.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("network", "merchant").get(pk=transfer.pk)


def _fresh(reversal: CreditReversal) -> CreditReversal:
    """A copy of its own: what is refused leaves the caller's row as it was."""
    return CreditReversal.objects.select_related("merchant", "network", "created_by").get(pk=reversal.pk)


def _post(made: CreditReversal) -> None:
    """The merchant's wallet is locked before it is read: what it lacks is known, and stays so."""
    where = (made.mode, made.currency, made.network_id)
    available = accounts.available(made.merchant_id, *where)
    made.shortfall_minor = max(made.net_minor - wallet_minor(available, lock=True), 0)
    CreditReversal.objects.filter(pk=made.pk).update(shortfall_minor=made.shortfall_minor)
    post(
        kind="crypto.uncredit", reference=reversal_reference(made.transaction_id, made.round), mode=made.mode,
        lines=[
            Line(accounts.custody(*where), made.amount_minor),
            Line(available, -made.taken_minor),
            Line(accounts.fees(*where), made.tax_minor - made.fee_minor),
            Line(accounts.tax(*where), -made.tax_minor),
            Line(accounts.losses(*where), -made.shortfall_minor),
        ],
    )


# The session ------------------------------------------------------------------------------------------------
def _take_from_session(actor: Actor, session: Session, made: CreditReversal) -> None:
    text = token_text(made.amount_minor, made.currency)
    note(session, "payment_reversed", f"The payment left the chain: the credit of {text} was taken back")
    write_down(actor, session, "session.credit_reversed", detail=f"{text}: {made.reason}", fee_minor=made.fee_minor)
    name_transfer(session)
    deposits.drop_vanished(session)
    if made.currency != session.currency:
        return
    Session.objects.filter(pk=session.pk).update(
        received_minor=F("received_minor") - made.amount_minor, fee_minor=F("fee_minor") - made.fee_minor,
        tax_minor=F("tax_minor") - made.tax_minor, updated_at=timezone.now(),
    )
    session.refresh_from_db(fields=["received_minor", "fee_minor", "tax_minor"])
    if session.received_minor <= session.amount_minor:
        drop_flag(session, Session.Flag.OVERPAID)
    if session.status == Session.Status.PAID and not enough(session):
        set_flag(session, Session.Flag.UNDERPAID)
        session.advance(Session.Status.FAILED, paid_at=None)
        left = token_text(session.received_minor, session.currency)
        wanted = token_text(session.amount_minor, session.currency)
        write_down(actor, session, "session.failed", tell=True, detail=f"credit taken back: {left} of {wanted} left")


def _after(made: CreditReversal) -> str:
    bears = f", {Money(made.shortfall_minor, made.currency)} of it borne by the house" if made.shortfall_minor else ""
    return f"{bears}: {made.reason}. Proposed by {made.created_by.name}"


def _write_down(actor: Actor, made: CreditReversal, what: str, more: str, *, tell: bool = False) -> None:
    """`tell`: in the merchant's own trail too. What only waits is not: whoever reads there of it could take the money
    out before."""
    transfer = made.transaction
    audit.record(
        actor, f"credit_reversal.{what}", made.public_id, merchant=made.merchant_id if tell else None, mode=made.mode,
        detail=f"{made.amount} {made.currency} of {transfer.transaction_hash} on {made.network_id}{more}"[:300],
        shortfall_minor=made.shortfall_minor,
    )
