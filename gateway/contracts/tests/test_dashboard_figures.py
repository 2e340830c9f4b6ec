"""Overview, analytics, balance, lists and exports tell the same money, and it is the ledger's, to the last digit.

A few months of sessions are made from a seed, each credited through the ledger as it would be, at moments of the past.
"""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.actors import Viewer
from crypto import accounts, testing
from crypto.exports.links import export_of_link
from crypto.exports.services import path_of
from crypto.models import ChainTransaction, Network, Session
from crypto.queries.analytics import GROUPS, Period, analytics, buckets, tally_of
from gateway.contracts.dashboard.testing import Dashboard, refused
from gateway.lib.money import percent_of
from ledger.models import Entry
from ledger.services import Line, post
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db
NETWORKS = ("BSC", "ETH", "POL", "TRX", "SOL")
NOW = datetime(2026, 5, 14, 15, 30, tzinfo=UTC)  # a Thursday


@pytest.fixture
def dashboard(cast):
    return Dashboard(cast.merchant)


@pytest.fixture
def history(cast, monkeypatch):
    """60 sessions over 100 days up to `NOW`; most paid, some in two parts, some late, some for the other merchant."""
    chance = random.Random(14)
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    pool = {code: testing.add_addresses(code)[0] for code in NETWORKS}
    known = {network.code: network for network in Network.objects.all()}
    for number in range(60):
        opened = NOW - timedelta(seconds=chance.randrange(100 * 86_400) if number > 9 else chance.randrange(50_000))
        owner = cast.other if number % 10 == 9 else cast.merchant
        session = Session.objects.create(
            merchant=owner, mode="test", reference=f"R{number}", amount_minor=chance.choice([10**10, 5 * 10**9, chance.randrange(1, 10**12)]),
            currency=chance.choice(["USDT", "USDC"]), network=known[chance.choice(NETWORKS)], address=pool["BSC"],
            required_confirmations=1, expires_at=opened + timedelta(minutes=15), created_at=opened,
            status=chance.choice(["paid"] * 6 + ["failed", "expired", "pending"]),
        )
        if session.status in ("paid", "failed"):
            pay_in_parts(chance, session)


def pay_in_parts(chance, session):
    """Credits the session in one or two transfers, the last maybe days after it was opened."""
    whole = session.amount_minor if session.status == "paid" else session.amount_minor // 2 or 1
    first = chance.randrange(1, whole) if whole > 1 and chance.random() < 0.3 else whole
    for part in filter(None, (first, whole - first)):
        at = min(NOW - timedelta(seconds=1), session.created_at + timedelta(seconds=chance.randrange(1, 3 * 86_400)))
        credit(session, part, at)


def credit(session, minor, at):
    where = ("test", session.currency, session.network_id)
    fee = percent_of(minor, 100)
    row = ChainTransaction.objects.create(
        type="incoming", status="confirmed", merchant=session.merchant, mode="test", network=session.network,
        currency=session.currency, transaction_hash=f"{session.reference}-{minor}", amount_minor=minor,
        raw_units=str(minor), sender="s", recipient="r", session=session, credited_minor=minor, fee_minor=fee,
        created_at=at, confirmed_at=at,
    )
    lines = [
        Line(accounts.custody(*where), -minor), Line(accounts.fees(*where), fee),
        Line(accounts.available(session.merchant_id, *where), minor - fee),
    ]
    post(kind="crypto.credit", reference=f"crypto:credit:{row.pk}", mode="test", lines=lines)
    Session.objects.filter(pk=session.pk).update(
        received_minor=session.received_minor + minor, fee_minor=session.fee_minor + fee, paid_at=at,
    )
    session.refresh_from_db()


def of_ledger(merchant):
    """(gross, net) of all credits, from the entries themselves."""
    rows = Entry.objects.filter(posting__merchant=merchant, posting__reference__startswith="crypto:credit:")
    gross = -sum(rows.filter(account__kind="clearing").values_list("amount", flat=True))
    return gross, sum(rows.filter(account__kind="available").values_list("amount", flat=True))


def minor(text):
    whole, _, fraction = text.partition(".")
    assert len(fraction) == 8
    return int(whole + fraction)


def test_every_place_tells_the_ledgers_money(cast, dashboard, history):
    gross, net = of_ledger(cast.merchant)
    assert gross > 10**12

    balance = dashboard.get("/balance/crypto")
    whole = dashboard.get("/analytics/payments", period="all")
    networks = dashboard.get("/balance/networks")["networks"]
    assert minor(balance["total_earnings"]["all_time"]) == minor(whole["overview"]["total_volume"]) == gross
    assert minor(balance["platform_fees_paid"]["all_time"]) == minor(whole["overview"]["platform_fees"]) == gross - net
    assert minor(balance["available_balance"]["amount"]) == net
    assert minor(dashboard.get("/overview")["balance"]["available"]) == net
    assert sum(minor(row["total_balance"]) for row in networks) == net
    assert minor(dashboard.get("/transactions")["summary"]["total_volume"]) == gross
    for breakdown in balance["available_balance"]["breakdown"]:
        assert sum(minor(row["amount"]) for row in breakdown["networks"]) == minor(breakdown["amount"])
    assert_ledger_balances()


def test_each_periods_figures_agree_wherever_they_are_told(cast, dashboard, history):
    balance, overview = dashboard.get("/balance/crypto"), dashboard.get("/overview")
    starts = {"today": "2026-05-14", "this_week": "2026-05-11", "this_month": "2026-05-01"}

    for name, start in starts.items():
        told = dashboard.get("/analytics/payments", start_date=start)["overview"]
        assert overview[name]["volume"] == told["total_volume"] == balance["total_earnings"][name]
        assert minor(overview[name]["revenue"]) == minor(told["total_volume"]) - minor(told["platform_fees"])
        assert (overview[name]["sessions"], overview[name]["successful"]) == (
            told["total_sessions"], told["successful_sessions"]
        )
        listed = dashboard.get("/sessions", start_date=start)["summary"]
        assert (listed["total_sessions"], listed["total_paid"]) == (told["total_sessions"], told["successful_sessions"])
    assert minor(overview["today"]["volume"]) > 0
    assert minor(balance["platform_fees_paid"]["this_month"]) > 0


def test_the_parts_of_a_period_add_up_to_it(dashboard, history):
    custom = {"start_date": "2026-03-03T04:05:06Z", "end_date": "2026-04-20"}
    for query in ({"period": "90d"}, custom, {"period": "24h"}):
        for group_by in GROUPS:
            adds_up(dashboard.get("/analytics/payments", group_by=group_by, **query))


def adds_up(told):
    whole = told["overview"]
    for parts in ("by_network", "by_currency", "timeline"):
        assert sum(minor(row["volume"]) for row in told[parts]) == minor(whole["total_volume"])
    assert sum(row["sessions"] for row in told["timeline"]) == whole["total_sessions"]
    for parts, field in (("by_network", "sessions"), ("by_currency", "sessions"), ("timeline", "successful")):
        assert sum(row[field] for row in told[parts]) == whole["successful_sessions"]
    dates = [row["date"] for row in told["timeline"]]
    assert dates == sorted(set(dates))
    assert abs(sum(row["percentage"] for row in told["by_network"]) - 100) < 0.05 or minor(whole["total_volume"]) == 0


def test_an_export_adds_up_to_the_same(cast, dashboard, history):
    gross, net = of_ledger(cast.merchant)
    wanted = {"format": "csv", "start_date": "2026-01-01", "end_date": "2026-05-14"}

    def sums(kind, *columns):
        made = dashboard.get("/analytics/export", type=kind, **wanted)
        name, _, token = made["download_url"].rpartition("/")[2].partition("?token=")
        rows = list(csv.DictReader(io.StringIO(path_of(export_of_link(name, token)).read_text())))
        assert made["record_count"] == len(rows)
        return tuple(sum(minor(row[column]) for row in rows) for column in columns)

    assert sums("transactions", "Amount") == (gross,)
    assert sums("sessions", "Paid", "Fee", "Net") == (gross, gross - net, net)


def test_figures_by_hand(cast, history):
    """Against a count that reads every row: the sums of a period, per hour, and the tops."""
    viewer = Viewer(cast.merchant_user, "test")
    period = Period("custom", NOW - timedelta(days=40), NOW - timedelta(days=3))
    opened = [row for row in Session.objects.filter(merchant=cast.merchant) if period.start <= row.created_at < period.end]
    credits = [
        row for row in ChainTransaction.objects.filter(merchant=cast.merchant)
        if period.start <= row.confirmed_at < period.end
    ]

    tally = tally_of(viewer, period)
    found = analytics(viewer, period, "hour")

    statuses = Counter(row.status for row in opened)
    assert (tally.sessions, tally.paid, tally.failed, tally.expired) == (
        len(opened), statuses["paid"], statuses["failed"], statuses["expired"]
    )
    assert tally.volume_minor == sum(row.credited_minor for row in credits)
    assert tally.fee_minor == sum(row.fee_minor for row in credits)
    assert (tally.credits, found.total) == (len(credits), tally)
    assert len(found.timeline) == len(list(buckets(period, "hour"))) == 37 * 24 + 1
    for row in credits:
        hour = row.confirmed_at.replace(minute=0, second=0)
        same = [other for other in credits if other.confirmed_at.replace(minute=0, second=0) == hour]
        assert found.timeline[hour].volume_minor == sum(other.credited_minor for other in same)
    hours = Counter(row.created_at.hour for row in opened)
    assert found.hours == sorted(hours.items(), key=lambda item: (-item[1], item[0]))[:5]
    amounts = Counter(row.amount_minor for row in opened if row.status == "paid")
    assert found.amounts == sorted(amounts.items(), key=lambda item: (-item[1], item[0]))[:5]


@pytest.mark.parametrize(("query", "start", "end", "count", "first"), [
    ({}, "2026-04-14T00:00:00Z", "2026-05-14T23:59:59Z", 31, "2026-04-14"),
    ({"period": "7d"}, "2026-05-07T00:00:00Z", "2026-05-14T23:59:59Z", 8, "2026-05-07"),
    ({"period": "24h", "group_by": "hour"}, "2026-05-13T15:30:00Z", "2026-05-14T15:29:59Z", 25, "2026-05-13T15:00:00Z"),
    ({"period": "90d", "group_by": "week"}, "2026-02-13T00:00:00Z", "2026-05-14T23:59:59Z", 14, "2026-02-09"),
    ({"period": "1y", "group_by": "month"}, "2025-05-14T00:00:00Z", "2026-05-14T23:59:59Z", 13, "2025-05-01"),
    ({"period": "all"}, "2026-05-14T00:00:00Z", "2026-05-14T23:59:59Z", 1, "2026-05-14"),
    ({"start_date": "2026-01-30", "end_date": "2026-02-02"}, "2026-01-30T00:00:00Z", "2026-02-02T23:59:59Z", 4, "2026-01-30"),
])
def test_periods_and_their_time_lines(dashboard, monkeypatch, query, start, end, count, first):
    monkeypatch.setattr(timezone, "now", lambda: NOW)

    told = dashboard.get("/analytics/payments", **query)

    assert (told["start_date"], told["end_date"], len(told["timeline"])) == (start, end, count)
    assert told["timeline"][0] == {"date": first, "sessions": 0, "successful": 0, "volume": "0.00000000"}
    assert told["period"] == ("custom" if "start_date" in query else query.get("period", "30d"))
    assert (told["overview"]["success_rate"], told["overview"]["average_transaction"]) == (0, "0.00000000")


def test_a_period_that_ends_before_it_begins_and_one_of_too_many_hours(dashboard):
    path = "/dashboard/analytics/payments"

    refused(dashboard("GET", f"{path}?start_date=2026-02-02&end_date=2026-02-01"), 400, "INVALID_PARAMETER", "start_date")
    error = refused(dashboard("GET", f"{path}?start_date=2001-01-01&group_by=hour"), 400, "INVALID_PARAMETER", "group_by")
    assert error["details"]["allowed_values"] == ["day", "week", "month"]


def test_dollars_are_of_one_table(dashboard, history, settings):
    before = dashboard.get("/balance/crypto")["available_balance"]
    settings.CRYPTO_USD_RATES = {"USDT": 200, "USDC": 50}

    after = dashboard.get("/balance/crypto")["available_balance"]

    usdt, usdc = (row["usd_value"] for row in before["breakdown"])
    assert after["breakdown"][0]["usd_value"] == pytest.approx(2 * usdt, abs=0.011)
    assert after["breakdown"][1]["usd_value"] == pytest.approx(usdc / 2, abs=0.011)
    assert after["amount"] == before["amount"]
    assert after["usd_value"] == pytest.approx(2 * usdt + usdc / 2, abs=0.02)
