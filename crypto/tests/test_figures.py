"""The kept figures are those of a direct count: of random histories whose rows change long after, folded at any time,
for any period; and the place of a page is where stepping over all rows before it leads.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F, Q
from django.utils import timezone

from accounts.actors import Viewer
from crypto import testing
from crypto.models import ChainTransaction, Network, Session, SessionFigure, TransferFigure
from crypto.models.figures import amount_bucket
from crypto.queries.analytics import GROUPS, Period, analytics, tally_of
from crypto.queries.balances import credited
from crypto.queries.figures import STATUSES, count_opened
from crypto.queries.places import (
    Choice,
    counted_sessions,
    counted_transactions,
    place_of_sessions,
    place_of_transactions,
)
from crypto.queries.sessions import count_by_status, visible_sessions
from crypto.queries.transactions import totals_of, visible_transactions
from crypto.services.figuring import fold_figures, rebuild_figures, wrong_figures
from gateway.lib.racing import together

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 14, 15, 30, tzinfo=UTC)
NETWORKS, TOKENS = ("BSC", "TRX", "SOL"), ("USDT", "USDC")
AMOUNTS = (1, 999, 1234, 12_345, 10**8, 10**10, 123_456_789_012)


class History:
    """Sessions and movements of three months, made and changed by chance; changes are folded now and then."""

    def __init__(self, cast, seed):
        self.chance, self.cast = random.Random(seed), cast
        self.networks = {network.code: network for network in Network.objects.all()}
        self.address = testing.add_addresses("BSC")[0]
        self.sessions, self.transfers = [], []

    def moment(self):
        exact = [NOW.replace(minute=0), NOW.replace(hour=0, minute=0), NOW.replace(day=1, hour=0, minute=0)]
        return self.chance.choice(exact) if self.chance.random() < 0.1 else NOW - timedelta(
            microseconds=self.chance.randrange(90 * 86_400 * 10**6)
        )

    def where(self):
        owner = self.cast.other if self.chance.random() < 0.2 else self.cast.merchant
        return {
            "merchant": owner, "mode": "live" if self.chance.random() < 0.1 else "test",
            "network": self.networks[self.chance.choice(NETWORKS)], "currency": self.chance.choice(TOKENS),
        }

    def open(self):
        number = len(self.sessions)
        status = self.chance.choice(STATUSES)
        self.sessions.append(Session.objects.create(
            reference=f"R{number}", amount_minor=self.chance.choice(AMOUNTS), address=self.address, status=status,
            required_confirmations=1, expires_at=NOW, created_at=self.moment(),
            paid_at=self.moment() if status == "paid" else None,
            created_by=self.cast.api_user if self.chance.random() < 0.5 else None, **self.where(),
        ))

    def move(self):
        kind, status = self.chance.choice(("incoming", "incoming", "sweep", "outgoing")), self.chance.choice(ChainTransaction.Status.values)
        confirmed = status == "confirmed"
        minor = self.chance.choice((*AMOUNTS, 2**62))
        self.transfers.append(ChainTransaction.objects.create(
            type=kind, status=status, transaction_hash=f"t{len(self.transfers)}", amount_minor=minor, raw_units="1",
            sender="s", recipient="r", created_at=self.moment(), credited_minor=minor if confirmed else 0,
            fee_minor=minor // 97 if confirmed else 0, confirmed_at=self.moment() if confirmed else None, **self.where(),
        ))

    def change_a_session(self):
        row = self.chance.choice(self.sessions)
        status = self.chance.choice(STATUSES)
        Session.objects.filter(pk=row.pk).update(status=status, paid_at=self.moment() if status == "paid" else None)

    def change_a_transfer(self):
        row = self.chance.choice(self.transfers)
        Status = ChainTransaction.Status
        changes = self.chance.choice((
            {"status": Status.ORPHANED, "confirmed_at": None, "credited_minor": 0, "fee_minor": 0},
            {"status": Status.CONFIRMED, "confirmed_at": self.moment(), "credited_minor": 5 * 10**8 + 7, "fee_minor": 3},
            {"session": self.chance.choice(self.sessions)},
        ))
        ChainTransaction.objects.filter(pk=row.pk).update(**changes)

    def play(self, steps):
        self.open()
        self.move()
        for _ in range(steps):
            step = self.chance.choice((self.open, self.open, self.move, self.change_a_session, self.change_a_transfer))
            step()
            if self.chance.random() < 0.05:
                fold_figures()


@pytest.fixture(params=[3, 14])
def history(request, cast, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    made = History(cast, request.param)
    made.play(90)
    return made


def periods(chance):
    yield Period("custom", NOW - timedelta(days=200), NOW + timedelta(days=1))
    yield Period("custom", NOW - timedelta(minutes=1), NOW)
    yield Period("custom", NOW.replace(minute=0), NOW.replace(minute=0) + timedelta(hours=1))
    yield Period("custom", NOW.replace(hour=0, minute=0) - timedelta(days=9), NOW.replace(hour=0, minute=0))
    for _ in range(6):
        start = NOW - timedelta(seconds=chance.randrange(1, 90 * 86_400))
        yield Period("custom", start, start + timedelta(seconds=chance.randrange(1, 40 * 86_400)))


def directly(viewer, period):
    """The same by reading every row: sessions opened and credits of the period."""
    sessions = [
        row for row in Session.objects.filter(merchant=viewer.user.merchant, mode=viewer.mode)
        if period.start <= row.created_at < period.end
    ]
    moved = ChainTransaction.objects.filter(
        merchant=viewer.user.merchant, mode=viewer.mode, type="incoming", status="confirmed", confirmed_at__isnull=False
    )
    return sessions, [row for row in moved if period.start <= row.confirmed_at < period.end]


def test_analytics_are_those_of_a_direct_count(cast, history):
    viewer = Viewer(cast.merchant_user, "test")
    for period in periods(history.chance):
        sessions, credits = directly(viewer, period)
        statuses = Counter(row.status for row in sessions)
        told = tally_of(viewer, period)
        found = analytics(viewer, period, history.chance.choice(GROUPS))

        assert told == found.total
        assert (told.sessions, told.paid, told.failed, told.expired) == (
            len(sessions), statuses["paid"], statuses["failed"], statuses["expired"]
        )
        assert (told.volume_minor, told.fee_minor, told.credits) == (
            sum(row.credited_minor for row in credits), sum(row.fee_minor for row in credits), len(credits)
        )
        assert {name: row.volume_minor for name, row in found.networks.items() if row.volume_minor} == sums(credits, "network_id")
        assert {name: row.volume_minor for name, row in found.currencies.items() if row.volume_minor} == sums(credits, "currency")
        hours = Counter(row.created_at.hour for row in sessions)
        assert found.hours == sorted(hours.items(), key=lambda item: (-item[1], item[0]))[:5]
        amounts = Counter(row.amount_minor for row in sessions if row.status == "paid")
        assert found.amounts == sorted(amounts.items(), key=lambda item: (-item[1], item[0]))[:5]
    assert list(wrong_figures()) == []


def sums(rows, column):
    found = Counter()
    for row in rows:
        found[getattr(row, column)] += row.credited_minor
    return dict(found)


def test_a_time_line_is_that_of_a_direct_count(cast, history):
    viewer = Viewer(cast.merchant_user, "test")
    period = Period("custom", NOW - timedelta(days=6, minutes=7), NOW)
    sessions, credits = directly(viewer, period)
    for group_by, cut in (("hour", 13), ("day", 10)):
        found = analytics(viewer, period, group_by).timeline
        told = {f"{at:%Y-%m-%dT%H}"[:cut]: (row.sessions, row.volume_minor) for at, row in found.items()}
        opened = Counter(f"{row.created_at:%Y-%m-%dT%H}"[:cut] for row in sessions)
        money = Counter()
        for row in credits:
            money[f"{row.confirmed_at:%Y-%m-%dT%H}"[:cut]] += row.credited_minor
        assert told == {at: (opened[at], money[at]) for at in told}
        assert sum(opened.values()) == sum(count for count, _ in told.values())


def test_an_api_user_is_told_of_its_own_sessions_alone(cast, history):
    own = Viewer(cast.api_user, "test")
    assert cast.api_user.merchant == cast.merchant

    assert count_opened(own) == count_by_status(visible_sessions(own))
    assert sum(count_opened(own).values()) < sum(count_opened(Viewer(cast.merchant_user, "test")).values())
    assert credited(own, {"all_time": None})["all_time"].gross_minor == 0


def test_an_operator_is_told_of_its_team(cast, history):
    for user in (cast.super_admin, cast.admin, cast.other_admin):
        viewer = Viewer(user, "test")

        assert count_opened(viewer) == count_by_status(visible_sessions(viewer))
        assert counted_transactions(viewer, Choice()) == totals_of(visible_transactions(viewer))


def test_all_money_ever_credited_is_that_of_the_rows(cast, history):
    viewer = Viewer(cast.merchant_user, "test")
    rows = ChainTransaction.objects.filter(merchant=cast.merchant, mode="test", type="incoming", status="confirmed")
    months = NOW.replace(day=1, hour=0, minute=0)

    told = credited(viewer, {"ever": None, "month": months})

    assert told["ever"].gross_minor == sum(row.credited_minor for row in rows)
    assert told["month"].fee_minor == sum(row.fee_minor for row in rows if row.confirmed_at and row.confirmed_at >= months)


def test_folding_changes_no_figure_and_rebuilding_none(cast, history):
    viewer, period = Viewer(cast.merchant_user, "test"), Period("custom", NOW - timedelta(days=50, minutes=3), NOW)
    history.open()
    before = analytics(viewer, period, "day")
    assert SessionFigure.objects.filter(kind="change").exists()

    fold_figures()
    assert not SessionFigure.objects.filter(kind="change").exists()
    assert not TransferFigure.objects.filter(kind="change").exists()
    assert analytics(viewer, period, "day") == before

    assert rebuild_figures() == Session.objects.count() + ChainTransaction.objects.count()
    assert analytics(viewer, period, "day") == before
    assert list(wrong_figures()) == []


def test_a_figure_that_is_wrong_is_found_and_made_good(cast, history):
    fold_figures()
    TransferFigure.objects.filter(kind="credit_day").order_by("pk")[:1].get().delete()
    SessionFigure.objects.filter(kind="day", paid__gt=0).order_by("pk").first().delete()

    found = list(wrong_figures())
    rebuild_figures()

    assert sorted(line.split(" of ")[1] for line in found) == ["credits", "sessions"]
    assert list(wrong_figures()) == []


# Where a page lies ----------------------------------------------------------------------------------------------
CHOICES = [
    {}, {"only": "paid"}, {"words": {"network": "BSC"}}, {"words": {"network": "TRX", "currency": "USDC"}, "only": "expired"},
]


@pytest.mark.parametrize("sort", ["created_at", "amount_minor", "paid_at"])
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("chosen", CHOICES)
def test_every_page_is_found_where_it_lies(cast, history, sort, descending, chosen):
    viewer, choice = Viewer(cast.merchant_user, "test"), Choice(sort=sort, descending=descending, **chosen)
    rows = visible_sessions(viewer).filter(**choice.words, **({"status": choice.only} if choice.only else {}))
    nulls = {"nulls_last": True} if sort == "paid_at" else {}
    rows = rows.order_by(*((f.desc(**nulls) if descending else f.asc(**nulls)) for f in (F(sort), F("pk"))))
    everything = list(rows)

    assert counted_sessions(viewer, choice) == count_by_status(rows)
    for offset in range(0, len(everything), 7):
        found = place_of_sessions(viewer, choice, offset, 7)
        if found is None:  # the page reaches from the paid to the unpaid
            assert sort == "paid_at"
            assert {row.paid_at is None for row in everything[offset : offset + 7]} == {True, False}
            continue
        assert list(rows.filter(found.rows)[found.offset : found.offset + 7]) == everything[offset : offset + 7]
        assert found.offset <= offset


def test_pages_of_a_period_are_found_where_they_lie(cast, history):
    viewer = Viewer(cast.merchant_user, "test")
    for period in periods(history.chance):
        choice = Choice(start=period.start, end=period.end, only="paid", descending=False)
        rows = visible_sessions(viewer).filter(status="paid", created_at__gte=period.start, created_at__lt=period.end)
        rows = rows.order_by("created_at", "id")
        everything = list(rows)
        assert counted_sessions(viewer, choice) == count_by_status(rows)
        for offset in range(0, len(everything), 3):
            found = place_of_sessions(viewer, choice, offset, 3)
            assert list(rows.filter(found.rows)[found.offset : found.offset + 3]) == everything[offset : offset + 3]


@pytest.mark.parametrize("chosen", [{}, {"only": "incoming"}, {"only": "sweep", "words": {"network": "SOL"}}])
def test_pages_of_movements_are_found_where_they_lie(cast, history, chosen):
    viewer = Viewer(cast.merchant_user, "test")
    for period in (Period("all", None, None), *periods(history.chance)):
        choice = Choice(start=period.start, end=period.end, **chosen)
        between = Q(created_at__gte=period.start, created_at__lt=period.end) if period.start else Q()
        rows = visible_transactions(viewer).filter(between, **choice.words, **({"type": choice.only} if choice.only else {}))
        everything = list(rows)
        assert counted_transactions(viewer, choice) == totals_of(rows)
        for offset in range(0, len(everything), 5):
            found = place_of_transactions(viewer, choice, offset, 5)
            assert list(rows.filter(found.rows)[found.offset : found.offset + 5]) == everything[offset : offset + 5]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_figures_read_while_they_are_folded_and_rebuilt_miss_nothing(cast):
    """Six change sessions, one folds, one counts anew; whoever reads sees every session once, at every moment."""
    viewer, address = Viewer(cast.merchant_user, "test"), testing.add_addresses("BSC")[0]
    for number in range(60):
        Session.objects.create(
            merchant=cast.merchant, mode="test", reference=f"R{number}", amount_minor=1, currency="USDT", address=address,
            network_id="BSC", required_confirmations=1, expires_at=NOW, created_at=NOW - timedelta(hours=number),
        )
    keys, ended = list(Session.objects.values_list("pk", flat=True)), threading.Event()

    def work(index):
        if index == 0:
            return until(ended, lambda: fold_figures(seconds=5))
        if index == 1:
            return until(ended, rebuild_figures)
        if index == 2:
            return until(ended, lambda: seen.append(sum(count_opened(viewer).values())))
        for turn in range(40):
            key = keys[(index * 13 + turn * 7) % len(keys)]
            Session.objects.filter(pk=key).update(status=STATUSES[(index + turn) % 4], paid_at=NOW)
        finished.append(index)
        if len(finished) == 6:
            ended.set()
        return None

    seen, finished = [], []
    results = together(9, work)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert len(seen) > 3
    assert set(seen) == {60}
    assert count_opened(viewer) == count_by_status(visible_sessions(viewer))
    assert list(wrong_figures()) == []


def until(ended, step):
    while not ended.is_set():
        step()


def test_buckets_of_amounts_hold_each_amount_once():
    chance = random.Random(5)
    for minor in [1, 9, 10, 999, 1000, 1001, 10**18, *(chance.randrange(1, 10**12) for _ in range(500))]:
        first, end = amount_bucket(minor)
        assert first <= minor < end
        assert amount_bucket(first) == amount_bucket(end - 1) == (first, end)
        assert (end - first) * 100 <= first or end - first == 1
