"""Reads about money in. Whatever a viewer gets comes through `accounts.actors.scope`; figures count captured money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from django.db.models import Case, Count, Q, QuerySet, When
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from accounts import history
from accounts.actors import Finder, Viewer, scope
from accounts.history import TimelineItem
from gateway.lib.errors import NotFound
from gateway.lib.lines import Lines
from gateway.lib.modes import Mode
from gateway.lib.providers import silent_rows
from gateway.lib.sums import ExactSum
from payments.models import Contract, Order, Payment, Refund
from payments.receiving.queries import bank_name_of as bank_name_of

Status = Payment.Status
# Banks let an authorisation lapse after some days, and the payer has the money back.
CAPTURED_WITHIN = timedelta(days=2)
_TITLES = {
    "payment.created": "Payment created",
    "payment.processing": "Payer confirmed",
    "payment.step_asked": "The payer must confirm at the bank",
    "payment.step_returned": "Payer came back from the bank",
    "payment.succeeded": "Payment succeeded",
    "payment.captured": "Money booked",
    "payment.capture_requested": "Capture asked for",
    "payment.settled": "Money settled",
    "payment.failed": "Payment failed",
    "payment.flagged": "Needs attention",
    "payment.flag_cleared": "Attention no longer needed",
    "payment.match_proposed": "Match proposed, waits for a second operator",
    "payment.match_confirmed": "Match confirmed by a second operator",
    "payment.match_withdrawn": "Proposed match withdrawn",
    "payment.line_attached": "Found on the bank's statement",
    "refund.created": "Refund asked for",
    "refund.processed": "Refund paid",
    "refund.failed": "Refund failed",
    "refund.resolved": "Refund resolved by an operator",
    "refund.flagged": "Refund needs attention",
    "refund.flag_cleared": "Refund needs no more attention",
}


def visible_payments(viewer: Viewer) -> QuerySet[Payment]:
    """Newest first, with a unique last key."""
    rows = scope(Payment.objects.select_related("order", "merchant", "created_by"), viewer)
    return rows.order_by("-created_at", "-id")


def visible_orders(viewer: Viewer) -> QuerySet[Order]:
    return scope(Order.objects.select_related("merchant"), viewer).order_by("-created_at", "-id")


find_payment = Finder(visible_payments).find
find_order = Finder(visible_orders).find


def visible_refunds(viewer: Viewer) -> QuerySet[Refund]:
    rows = scope(Refund.objects.select_related("payment__order", "merchant", "created_by"), viewer)
    return rows.order_by("-created_at", "-id")


def needing_attention(viewer: Viewer) -> QuerySet[Payment]:
    """Payments that an operator must look at; `flag` says why."""
    return visible_payments(viewer).exclude(flag="")


def uncaptured(viewer: Viewer) -> QuerySet[Payment]:
    """Real money that a payer gave and nobody booked, the longest waiting first: authorised for days and not captured,
    and what people had proven before such money was captured with its success."""
    rows = visible_payments(viewer).filter(status=Status.SUCCEEDED, captured_at__isnull=True, flag="")
    if not viewer.user.is_operator or viewer.mode != Mode.LIVE:
        return rows.none()
    late = Q(provider="manual_upi") | Q(completed_at__lt=timezone.now() - CAPTURED_WITHIN)
    return rows.filter(late).order_by("completed_at", "id")


def refunds_for_people(viewer: Viewer) -> QuerySet[Refund]:
    """Refunds that wait for a person, oldest first: flagged ones, and of those that have not ended what is sent by hand
    and what a provider has said nothing of for a day."""
    to_end = Q(status=Refund.Status.PENDING) & (Q(payment__provider="manual_upi") | silent_rows())
    rows = visible_refunds(viewer).filter(Q(status=Refund.Status.PENDING) | ~Q(flag=""))
    return rows.filter(to_end | ~Q(flag="")).order_by("created_at", "id")


def payment_by_token(token: str) -> Payment:
    """The payment of a hosted page; whoever knows the token may see it. Raises `NotFound`."""
    payment = Payment.objects.select_related("order", "merchant").filter(page_token=token).first()
    if payment is None:
        raise NotFound()
    return payment


def payment_of_order(viewer: Viewer, order_id: str) -> Payment:
    """The payment of the merchant's own `order_id`, or of ours (`order_…`): the paid one, else the newest try.

    Raises `NotFound`.
    """
    first = Case(When(status=Status.SUCCEEDED, then=0), default=1)
    rows = visible_payments(viewer).order_by(first, "-created_at", "-id")
    payment = rows.filter(order__reference=order_id).first() or rows.filter(order__public_id=order_id).first()
    if payment is None:
        raise NotFound()
    return payment


def order_of_page(public_id: str) -> Order:
    """The order of a hosted checkout; whoever knows its id may see it. Raises `NotFound`.

    Orders of the other contracts are not paid here: each has one payment, with a page of its own.
    """
    rows = Order.objects.select_related("merchant").filter(public_id=public_id, contract=Contract.CHECKOUT)
    order = rows.first()
    if order is None:
        raise NotFound()
    return order


def search(rows: QuerySet[Payment], text: str) -> QuerySet[Payment]:
    """Payments whose order id, payment id, payer, UTR or VPA has `text` in it."""
    text = text.strip()
    if not text:
        return rows
    if "\0" in text:
        return rows.none()
    own = Payment.objects.alias(words=Lines(*_SEARCHED)).filter(words__icontains=text)
    by_order = Payment.objects.filter(order__reference__icontains=text)
    return rows.filter(pk__in=own.values("pk").union(by_order.values("pk")))


def with_gross(rows: QuerySet[Payment]) -> QuerySet[Payment]:
    """To be filtered by `gross_minor`: the amount as it is told (`Payment.gross`)."""
    return rows.alias(gross_minor=Coalesce("received_minor", "amount_minor"))


# On PostgreSQL an index knows what is in them (migration 0005).
_SEARCHED = ("public_id", "payer_name", "payer_email", "utr", "vpa")


def timeline(payment: Payment) -> list[TimelineItem]:
    """What happened to a payment and its refunds, oldest first."""
    refunds = Refund.objects.filter(payment=payment).values_list("public_id", flat=True)
    return history.timeline([payment.public_id, *refunds], _TITLES)


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Payments that ended on `day`: minor units of INR, gross of fees and refunds."""

    day: date
    count: int = 0  # succeeded
    failed: int = 0
    succeeded_minor: int = 0  # captured
    fee_minor: int = 0

    @property
    def success_rate(self) -> float | None:
        """Percent of the payments that ended; None where none did."""
        ended = self.count + self.failed
        return round(100 * self.count / ended, 1) if ended else None


def daily_totals(viewer: Viewer, days: int = 30, zone: tzinfo | None = None) -> list[DayTotals]:
    """One row a day, oldest first, today last, days without payments included. A day is one of `zone`'s."""
    zone = zone or timezone.get_current_timezone()
    today = timezone.localdate(timezone=zone)
    first = today - timedelta(days=days - 1)
    rows = _ended_since(viewer, _midnight(first, zone)).annotate(day=TruncDate("completed_at", tzinfo=zone))
    found = {row[0]: DayTotals(*row) for row in rows.values_list("day").annotate(**SUMS).order_by()}
    wanted = (first + timedelta(days=offset) for offset in range(days))
    return [found.get(day) or DayTotals(day) for day in wanted]


CAPTURED = Q(captured_at__isnull=False)
# In the order of `DayTotals`.
SUMS = {
    "succeeded": Count("id", filter=Q(status=Status.SUCCEEDED)),
    "not_succeeded": Count("id", filter=Q(status=Status.FAILED)),
    "gross": ExactSum("received_minor", filter=CAPTURED, default=0),
    "fees": ExactSum("fee_minor", filter=CAPTURED, default=0),
}


def _ended_since(viewer: Viewer, moment: datetime) -> QuerySet[Payment]:
    return scope(Payment.objects.filter(completed_at__gte=moment, currency="INR"), viewer)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=zone)


@dataclass(frozen=True, slots=True)
class TodayFigures:
    """`totals` of today, what is still open, what was given back today, and what needs an operator."""

    totals: DayTotals
    open: int
    refunded_minor: int
    flagged: int


def today_figures(viewer: Viewer, zone: tzinfo | None = None) -> TodayFigures:
    zone = zone or timezone.get_current_timezone()
    midnight = _midnight(timezone.localdate(timezone=zone), zone)
    refunds = scope(Refund.objects.filter(completed_at__gte=midnight, currency="INR"), viewer)
    refunded = refunds.filter(status=Refund.Status.PROCESSED).aggregate(total=ExactSum("amount_minor", default=0))
    payments = scope(Payment.objects.all(), viewer)
    return TodayFigures(
        totals=daily_totals(viewer, 1, zone)[0],
        open=payments.filter(status=Status.PROCESSING).count(),
        refunded_minor=refunded["total"],
        flagged=payments.exclude(flag="").count(),
    )
