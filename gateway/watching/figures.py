"""What the database knows about how things stand: asked for at each scrape, from indexes that stay small.

Every figure is a gauge of this moment, so that whichever process answers, the answer is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, QuerySet, Value, When
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from crypto.chains.registry import is_enabled
from crypto.models import ChainState, Outgoing, ScanGap, Session, SessionFigure, TransferFigure
from crypto.queries import sending
from gateway.lib.modes import Mode
from gateway.lib.providers import ProviderState
from gateway.lib.work import work_due
from ledger.verify import last_verification
from payments.models import Payment, Refund
from payouts.models import Payout
from payouts.providers.bank_file import BANK_FILE
from webhooks.models import Delivery, Endpoint

_DAY, _SILENCE = timedelta(days=1), timedelta(minutes=5)


class Figures:
    """A collector for `prometheus_client`: `collect` gives all gauges."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield _of_last_day("gateway_payments_24h", "Payments made in the last 24 hours.", _ended_how(), now, (
            "mode", "status", "method",
        ))
        payouts = Payout.objects.annotate(how=F("status"))
        yield _of_last_day("gateway_payouts_24h", "Payouts made in the last 24 hours.", payouts, now, (
            "mode", "status",
        ))
        yield _flagged(now)
        yield from _work(now)
        yield from _webhooks(now)
        yield from _chains(now)
        yield from _books(now)
        yield _unfolded()


def _of_last_day(
    name: str, text: str, rows: QuerySet[Any], now: datetime, labels: tuple[str, ...]
) -> Metric:
    """`rows` have their status, as it is told here, in `how`."""
    family = GaugeMetricFamily(name, text, labels=labels)
    columns = ["how" if label == "status" else label for label in labels]
    for row in rows.filter(created_at__gt=now - _DAY).order_by().values(*columns).annotate(count=Count("pk")):
        family.add_metric([row[column] for column in columns], row["count"])
    return family


def _ended_how() -> QuerySet[Any]:
    """A link that nobody paid has failed as well, but says nothing of a provider: `expired` here."""
    expired = When(status=Payment.Status.FAILED, failure_code="expired", then=Value("expired"))
    return Payment.objects.annotate(how=Case(expired, default=F("status")))


def _flagged(now: datetime) -> Metric:
    family = GaugeMetricFamily("gateway_flagged", "Records that a person must look at.", labels=("kind", "mode"))
    for kind, rows in _for_a_person(now):
        for row in rows.order_by().values("mode").annotate(count=Count("pk")):
            family.add_metric([kind, row["mode"]], row["count"])
    return family


def _for_a_person(now: datetime) -> Iterator[tuple[str, QuerySet[Any]]]:
    """What is odd, what could not be signed for long, and payouts of which nobody knows whether they were made: those
    that a bank's file left unclear, and those about which a bank is asked in vain."""
    unknown = Payout.objects.filter(status=Payout.Status.PROCESSING, provider_state=ProviderState.UNKNOWN)
    yield "payment", Payment.objects.exclude(flag="")
    yield "refund", Refund.objects.exclude(flag="")
    yield "payout", Payout.objects.exclude(flag="")
    yield "unclear payout", unknown.filter(provider=BANK_FILE.name)
    yield "unanswered payout", unknown.filter(due_at__isnull=False, flag="", sent_at__lt=now - _SILENCE)
    yield "session", Session.objects.filter(for_person=True)
    yield "transaction", Outgoing.objects.filter(sending.for_people(now))


def _work(now: datetime) -> Iterator[Metric]:
    """Rows are the queue: how many are due, and for how long the oldest has been."""
    due = GaugeMetricFamily("gateway_work_due", "Rows that wait for a worker.", labels=("kind",))
    age = GaugeMetricFamily("gateway_work_oldest_seconds", "How long the oldest of them has waited.", labels=("kind",))
    for label, count, oldest in work_due(now):
        due.add_metric([label], count)
        age.add_metric([label], _seconds(now, oldest))
    yield due
    yield age


def _webhooks(now: datetime) -> Iterator[Metric]:
    states = GaugeMetricFamily("gateway_deliveries_24h", "Deliveries of the last 24 hours.", labels=("mode", "status"))
    rows = Delivery.objects.filter(created_at__gt=now - _DAY).order_by().values("mode", "status")
    for row in rows.annotate(count=Count("pk")):
        states.add_metric([row["mode"], row["status"]], row["count"])
    yield states
    yield _failing()


def _failing() -> Metric:
    """Of those that are sent to: one that was switched off fails no more, and its owner has been told."""
    family = GaugeMetricFamily(
        "gateway_endpoints_failing", "Endpoints that are on and whose last deliveries all failed.", labels=("mode",)
    )
    rows = Endpoint.objects.filter(failing_since__isnull=False, enabled=True, deleted_at=None)
    found = dict(rows.order_by().values_list("mode").annotate(Count("pk")))
    for mode in Mode.values:
        family.add_metric([mode], found.get(mode, 0))
    return family


def _chains(now: datetime) -> Iterator[Metric]:
    labels = ("network", "mode")
    behind = GaugeMetricFamily("gateway_chain_blocks_behind", "Blocks between head and scanned.", labels=labels)
    silent = GaugeMetricFamily("gateway_chain_silent_seconds", "Since a node last answered.", labels=labels)
    closed = GaugeMetricFamily("gateway_chain_closed", "1 while a network's checkout is closed.", labels=labels)
    for state in ChainState.objects.all():
        label = [state.network_id, state.mode]
        if not is_enabled(*label):
            continue  # nobody watches it any more
        # Before the first range nothing is behind: it is read from near the head on.
        behind.add_metric(label, 0 if state.scanned_height is None else state.head_height - state.scanned_height)
        silent.add_metric(label, _seconds(now, state.checked_at))
        closed.add_metric(label, 0 if state.closed_since is None else 1)
    gaps = GaugeMetricFamily("gateway_chain_gaps", "Ranges of blocks that no node has answered yet.")
    rows = ScanGap.objects.filter(closed_at=None).order_by().values_list("state__network_id", "state__mode")
    found = rows.annotate(Count("pk"))
    gaps.add_metric([], sum(count for network, mode, count in found if is_enabled(network, mode)))
    yield from (behind, silent, closed, gaps)


def _books(now: datetime) -> Iterator[Metric]:
    """Nothing while the books were never verified: an alert on its absence tells."""
    last = last_verification()
    problems = GaugeMetricFamily("gateway_books_problems", "Problems found when the books were last verified.")
    age = GaugeMetricFamily("gateway_books_verified_seconds", "Since the books were last verified.")
    if last is not None:
        problems.add_metric([], last.problems)
        age.add_metric([], _seconds(now, last.ended_at))
    yield problems
    yield age


def _unfolded() -> Metric:
    """Each is read by whoever asks for a figure: many make the figures slow, none makes them wrong."""
    family = GaugeMetricFamily("gateway_figure_changes", "Changes of kept figures, not folded yet.", labels=("of",))
    for name, model in (("sessions", SessionFigure), ("movements", TransferFigure)):
        family.add_metric([name], model._default_manager.filter(kind=model.CHANGE).count())
    return family


def _seconds(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
