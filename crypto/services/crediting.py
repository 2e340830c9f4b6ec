"""A confirmed transfer becomes money: one posting each, under the transaction's own reference, and what follows for
its session.

Called for a transfer whose receipt has been read at depth. The session's lock is taken first, so that of two transfers
confirmed at once the second sees the first; the fee is that of the session's running total, so that a payment in parts
costs what it costs in one.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from crypto import accounts
from crypto.chains.base import Receipt
from crypto.models import ChainTransaction, CreditReversal, DepositAddress, Session
from crypto.services import addresses
from crypto.services.credit_rounds import booked_reversals, credit_reference
from crypto.services.records import WATCHER, drop_flag, lock, note, set_flag, token_text, write_down
from gateway.lib.crash import crash_point
from gateway.lib.money import Money
from ledger import fees
from ledger.models import FeePlan
from ledger.services import Line, post

log = structlog.get_logger(__name__)
Status = ChainTransaction.Status
# An underpayment of so many thousandths still counts as paid.
TOLERANCE_THOUSANDTHS = 5


@transaction.atomic
def credit(*, row: ChainTransaction, receipt: Receipt, actor: Actor = WATCHER) -> bool:
    """Books a pending transfer and moves its session on; False if somebody did before, or gave it to another session
    since it was read: then the next round books it there."""
    session = lock(row.session_id) if row.session_id else None
    row = ChainTransaction.objects.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
    if row.status != Status.PENDING or row.session_id != (session.pk if session else None):
        return False
    charge = _charge(row, session)
    reversals = booked_reversals(row)
    owed = min(reversals[-1].shortfall_minor, row.amount_minor - charge.fee_minor) if reversals else 0
    crash_point("credit.before_posting")
    _post(row, charge, len(reversals), owed)
    crash_point("credit.after_posting")
    row.advance(
        Status.CONFIRMED, confirmed_at=timezone.now(), credited_minor=row.amount_minor, fee_minor=charge.fee_minor,
        tax_minor=charge.tax_minor, block_time=receipt.time, note="", **_gas(row, receipt),
    )
    if reversals:
        _came_back(reversals[-1], owed)
    _add_to_address(row)
    if session is not None:
        _add_to_session(actor, session, row)
    crash_point("credit.before_commit")
    return True


def _charge(row: ChainTransaction, session: Session | None) -> fees.Quote:
    """What this transfer adds to the fee on everything that came in its currency, never more than itself."""
    if row.merchant_id is None or session is None:
        return fees.Quote(0, 0)
    before = ChainTransaction.objects.filter(session=session, currency=row.currency, status=Status.CONFIRMED).aggregate(
        amount=Sum("amount_minor", default=0), fee=Sum("fee_minor", default=0), tax=Sum("tax_minor", default=0)
    )
    total = Money(before["amount"] + row.amount_minor, row.currency)
    whole = fees.quote(
        merchant_id=row.merchant_id, product=FeePlan.Product.CRYPTO_PAYIN, amount=total, at=session.created_at
    )
    fee = min(max(whole.fee_minor - before["fee"], 0), row.amount_minor)
    return fees.Quote(fee, min(max(whole.tax_minor - before["tax"], 0), fee))


def _post(row: ChainTransaction, charge: fees.Quote, round_: int, owed: int) -> None:
    """A transfer to an address that nobody ever had, or of less than the ledger's smallest unit, books nothing. `owed`
    is the house's: what it bore when the credit was taken back."""
    if row.merchant_id is None or not row.amount_minor:
        return
    where = (row.mode, row.currency, row.network_id)
    post(
        kind="crypto.credit", reference=credit_reference(row.pk, round_), mode=row.mode,
        lines=[
            Line(accounts.custody(*where), -row.amount_minor),
            Line(accounts.available(row.merchant_id, *where), row.amount_minor - charge.fee_minor - owed),
            Line(accounts.losses(*where), owed),
            Line(accounts.fees(*where), charge.fee_minor - charge.tax_minor),
            Line(accounts.tax(*where), charge.tax_minor),
        ],
    )


def _came_back(reversal: CreditReversal, recovered: int) -> None:
    reversal.returned_at, reversal.recovered_minor = timezone.now(), recovered
    reversal.save(update_fields=["returned_at", "recovered_minor"])
    ours = Money(recovered, reversal.currency)
    detail = f"{reversal.amount} {reversal.currency} credited again, {ours} of it to the house"
    audit.record(WATCHER, "credit_reversal.returned", reversal.public_id, mode=reversal.mode, detail=detail)


def _gas(row: ChainTransaction, receipt: Receipt) -> dict[str, Any]:
    """What the payer's transaction cost, for those who look at it."""
    decimals = row.network.native_decimals
    fee = receipt.fee // 10 ** (decimals - 9) if decimals >= 9 else receipt.fee * 10 ** (9 - decimals)
    return {
        "gas_used": str(receipt.gas_used), "gas_price": str(receipt.gas_price),
        "gas_fee_minor": fee if fee < 2**62 else None,
    }


def _add_to_address(row: ChainTransaction) -> None:
    if row.address_id is None or not row.amount_minor:
        return
    DepositAddress.objects.filter(pk=row.address_id).update(
        received_minor=F("received_minor") + row.amount_minor, sweep_status=DepositAddress.SweepStatus.PENDING,
        updated_at=timezone.now(),
    )


# The session ------------------------------------------------------------------------------------------------
def _add_to_session(actor: Actor, session: Session, row: ChainTransaction) -> None:
    text = token_text(row.amount_minor, row.currency)
    note(session, "payment_confirmed", "Payment confirmed on blockchain")
    write_down(actor, session, "session.credited", detail=f"{text} in {row.transaction_hash}", fee_minor=row.fee_minor)
    if row.currency != session.currency:
        return _other_token(session, text)
    Session.objects.filter(pk=session.pk).update(
        received_minor=F("received_minor") + row.amount_minor, fee_minor=F("fee_minor") + row.fee_minor,
        tax_minor=F("tax_minor") + row.tax_minor, updated_at=timezone.now(),
    )
    session.refresh_from_db(fields=["received_minor", "fee_minor", "tax_minor"])
    _flag(session, row)
    if enough(session):
        _pay(actor, session)
    return None


def _other_token(session: Session, text: str) -> None:
    set_flag(session, Session.Flag.WRONG_TOKEN)
    note(session, "wrong_token", f"{text} credited as such; it does not count towards {session.currency}")


def _flag(session: Session, row: ChainTransaction) -> None:
    if _counted(session) > 1:
        set_flag(session, Session.Flag.SEVERAL)
    ended = session.status in (Session.Status.EXPIRED, Session.Status.FAILED)
    if ended or (row.block_time is not None and row.block_time > session.expires_at):
        set_flag(session, Session.Flag.LATE)
    if session.received_minor > session.amount_minor:
        set_flag(session, Session.Flag.OVERPAID)


def _counted(session: Session) -> int:
    return session.transactions.filter(status=Status.CONFIRMED, currency=session.currency).count()


def enough(session: Session) -> bool:
    """Within the tolerance, in whole numbers."""
    return session.received_minor * 1000 >= session.amount_minor * (1000 - TOLERANCE_THOUSANDTHS)


def _pay(actor: Actor, session: Session) -> None:
    """Money that comes on top of a paid session is credited, and ends nothing again."""
    if session.status == Session.Status.PAID:
        return
    drop_flag(session, Session.Flag.UNDERPAID)
    was_open = session.status == Session.Status.PENDING
    now = timezone.now()
    session.advance(Session.Status.PAID, paid_at=now, ended_at=now)
    write_down(actor, session, "session.paid", tell=True, detail=token_text(session.received_minor, session.currency))
    if was_open:
        addresses.release(session)
