"""What a crypto session is to its payer: one word, what is still wanted, and how deep each transfer lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.db.models import TextChoices
from django.utils import timezone

from crypto import formats
from crypto.models import ChainState, ChainTransaction, Session, TransactionClaim
from crypto.services.crediting import TOLERANCE_THOUSANDTHS
from gateway.lib.modes import Mode
from gateway.lib.money import Money

Status = Session.Status
_LATE = timedelta(hours=1)


class State(TextChoices):
    WAITING = "waiting", "Send the payment"
    PARTIAL = "partial", "A part has arrived"
    CONFIRMING = "confirming", "Payment seen"
    CHECKING = "checking", "The time is over"
    PAID = "paid", "Payment received"
    FAILED = "failed", "Not all of it arrived"
    EXPIRED = "expired", "The time is over"
    CLOSED = "closed", "This payment cannot be made now"


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer as its payer knows it."""

    row: ChainTransaction
    confirmations: int
    required: int

    @property
    def amount(self) -> Money:
        return Money(self.row.amount_minor, self.row.currency)

    @property
    def is_confirmed(self) -> bool:
        return self.row.status == ChainTransaction.Status.CONFIRMED

    @property
    def explorer_url(self) -> str:
        """The simulated chain is in no explorer."""
        if self.row.mode == Mode.TEST:
            return ""
        return formats.explorer_transaction_url(self.row.network, self.row.transaction_hash)


@dataclass(frozen=True)
class Seen:
    session: Session
    movements: list[Movement]
    claims: list[TransactionClaim]

    @cached_property
    def own(self) -> list[Movement]:
        """In the session's own token."""
        return [one for one in self.movements if one.row.currency == self.session.currency]

    @cached_property
    def others(self) -> list[Movement]:
        return [one for one in self.movements if one.row.currency != self.session.currency]

    @cached_property
    def under_way(self) -> list[Movement]:
        return [one for one in self.own if not one.is_confirmed]

    @cached_property
    def arrived_minor(self) -> int:
        """Confirmed or not."""
        return self.session.received_minor + sum(one.row.amount_minor for one in self.under_way)

    @property
    def arrived(self) -> Money:
        return Money(self.arrived_minor, self.session.currency)

    @property
    def rest(self) -> Money:
        return Money(max(self.session.amount_minor - self.arrived_minor, 0), self.session.currency)

    @property
    def over(self) -> Money:
        return Money(max(self.arrived_minor - self.session.amount_minor, 0), self.session.currency)

    @cached_property
    def slowest(self) -> Movement | None:
        """The transfer that still needs most."""
        return min(self.under_way, key=lambda one: one.confirmations, default=None)

    @cached_property
    def state(self) -> State:
        if self.session.status == Status.PAID:
            return State.PAID
        if self._is_enough and self.under_way:
            return State.CONFIRMING
        if self.session.status == Status.PENDING:
            return self._open_state()
        return State.FAILED if self.arrived_minor else State.EXPIRED

    def _open_state(self) -> State:
        if self.session.expires_at <= timezone.now():
            return State.CHECKING
        if not self.session.merchant.is_active:
            return State.CLOSED
        return State.PARTIAL if self.arrived_minor else State.WAITING

    @property
    def _is_enough(self) -> bool:
        return self.arrived_minor * 1000 >= self.session.amount_minor * (1000 - TOLERANCE_THOUSANDTHS)

    @property
    def came_late(self) -> bool:
        """A part of what arrived came after the end."""
        end = self.session.expires_at
        late = (one.row.block_time is not None and one.row.block_time > end for one in self.under_way)
        return Session.Flag.LATE in self.session.flags or any(late)

    @property
    def is_open(self) -> bool:
        """Whether the page may still change: an ended one too, while a transfer or a claim's answer is to come."""
        if self.state == State.PAID:
            return bool(self.under_way)
        is_asked = any(claim.due_at for claim in self.claims)
        return self.state not in (State.FAILED, State.EXPIRED) or bool(self.under_way) or is_asked

    @property
    def is_watched(self) -> bool:
        """Whether the page goes on asking: for what comes late too, or its payer would believe that it never came."""
        just_over = self.session.expires_at + _LATE >= timezone.now()
        return self.is_open or (just_over and self.state in (State.FAILED, State.EXPIRED))

    @property
    def is_payable(self) -> bool:
        return self.state in (State.WAITING, State.PARTIAL)

    @property
    def mark(self) -> str:
        """Changes with whatever the page shows."""
        depths = "-".join(f"{one.row.pk}:{one.confirmations}:{one.row.status}" for one in self.movements)
        told = "-".join(f"{claim.pk}:{len(claim.result)}" for claim in self.claims)
        return f"{self.state}.{depths}.{told}"


def look_at(session: Session) -> Seen:
    head = (
        ChainState.objects.filter(network=session.network_id, mode=session.mode)
        .values_list("head_height", flat=True).first() or 0
    )
    shown = (ChainTransaction.Status.PENDING, ChainTransaction.Status.CONFIRMED)
    rows = session.transactions.filter(type=ChainTransaction.Type.INCOMING, status__in=shown)
    movements = [_movement(session, row, head) for row in rows.select_related("network").order_by("id")]
    return Seen(session, movements, list(session.claims.order_by("id")))


def _movement(session: Session, row: ChainTransaction, head: int) -> Movement:
    required = session.required_confirmations
    deep = head - row.height + 1 if row.height is not None else 0
    is_confirmed = row.status == ChainTransaction.Status.CONFIRMED
    return Movement(row, required if is_confirmed else min(max(deep, 0), required - 1), required)
