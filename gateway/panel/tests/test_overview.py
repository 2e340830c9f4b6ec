"""The overview's figures: of the period asked for, of what the viewer may see, and never counted twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.utils import timezone

from crypto import testing
from crypto.models import Withdrawal
from gateway.panel.periods import period_of
from payments.models import Payment

HOME = "/panel/"


def figure(page, label):
    found = re.search(rf"<dt>{label}</dt>\s*<dd[^>]*>(?:<a[^>]*>)?([^<]*)<.*?(?:figure-note\">([^<]*)<|</div>)", page, re.S)
    return found and (found[1], found[2])


def ended(payment, ago, **changes):
    Payment.objects.filter(pk=payment.pk).update(completed_at=timezone.now() - ago, **changes)


@pytest.fixture
def page(signed_in):
    def read(user, period="", mode="test", **headers):
        return signed_in(user, mode).get(HOME, {"period": period} if period else {}, headers=headers).content.decode()

    return read


@pytest.fixture
def history(cast, make_payment, paid):
    """₹1,000 two hours ago, ₹200 three days ago, ₹30 forty days ago; a card of ₹7 that failed ten days ago."""
    ended(paid(cast.merchant, 100_000, operator=cast.admin), timedelta(hours=2))
    ended(paid(cast.merchant, 20_000, operator=cast.admin), timedelta(days=3))
    ended(paid(cast.merchant, 3_000, operator=cast.admin), timedelta(days=40))
    ended(make_payment(cast.merchant, 700), timedelta(days=10), status="failed", method="card")


@pytest.mark.parametrize(
    ("period", "volume", "count", "rate", "bars"),
    [
        ("24h", "₹1,000.00", "1 payment", "100%", 24), ("7d", "₹1,200.00", "2 payments", "100%", 7),
        ("30d", "₹1,200.00", "2 payments", "66.7%", 30), ("90d", "₹1,230.00", "3 payments", "75%", 90),
        ("", "₹1,200.00", "2 payments", "66.7%", 30), ("1y", "₹1,200.00", "2 payments", "66.7%", 30),
    ],
)
def test_figures_are_those_of_the_period(cast, page, history, period, volume, count, rate, bars):
    shown = page(cast.admin, period)

    assert figure(shown, "Volume") == (volume, count)
    assert figure(shown, "Success rate")[0] == rate
    assert shown.count('class="chart-slot"') == bars
    assert page(cast.other_admin, period).count("₹1,2") == 0


def test_each_method_has_its_own_success_rate(cast, page, history):
    shown = page(cast.merchant_user, "30d")

    rows = re.findall(r'<tr><th scope="row">(UPI|Card)</th><td class="end"><strong>([^<]+)<', shown)
    assert rows == [("UPI", "100%"), ("Card", "0%")]


def test_tokens_are_beside_rupees_and_in_a_chart_of_their_own(cast, page, settings, history):
    settings.SIMULATED_BLOCK_SECONDS = 0
    session = testing.open_session(cast.merchant, "250", reference="S-1")
    testing.pay(session)
    testing.confirm(session)

    operators, merchants = page(cast.super_admin, "24h"), page(cast.merchant_user, "24h")

    assert figure(operators, "Crypto volume") == figure(merchants, "Crypto volume") == ("250.00 USDT", "1 transfer")
    assert figure(operators, "Volume") == ("₹1,000.00", "1 payment")
    assert "Crypto received" in merchants
    assert re.search(r'<th scope="row">Crypto</th><td class="end"><strong>100%<', merchants)
    assert figure(page(cast.other_user, "24h"), "Crypto volume")[0] == "0.00 USDT"
    assert figure(page(cast.api_user, "24h"), "Crypto volume")[0] == "0.00 USDT"


def test_fees_of_payments_payouts_and_tokens_are_added_up_once(cast, page, paid):
    payment = paid(cast.merchant, 100_000, operator=cast.admin)

    assert figure(page(cast.admin), "Fees charged")[0] == f"₹{payment.fee_minor / 100:.2f}"
    assert figure(page(cast.merchant_user), "Fees charged") is None


def test_fees_of_withdrawals_that_were_paid_are_among_those_of_tokens(cast, page, settings):
    settings.SIMULATED_BLOCK_SECONDS = 0
    session = testing.open_session(cast.merchant, "250")
    testing.pay(session)
    testing.confirm(session)
    now, was = timezone.now(), timezone.now() - timedelta(days=40)
    for status, at, fee in [("completed", now, 4 * 10**6), ("failed", now, 10**8), ("completed", was, 10**8)]:
        Withdrawal.objects.create(
            merchant=cast.merchant, mode="test", method="crypto", currency="USDT", network_id="BSC", status=status,
            completed_at=at, amount_minor=40 * 10**8, fee_minor=fee,
        )

    assert figure(page(cast.super_admin), "Fees charged") == ("₹0.00", "GST included + 2.54 USDT")
    assert figure(page(cast.other_admin), "Fees charged") == ("₹0.00", "GST included")


def test_number_and_volume_are_of_the_same_payments(cast, page, history, paid):
    """One that succeeded and waits for its capture is a success, and not yet volume."""
    ended(paid(cast.merchant, 5_000, operator=cast.admin), timedelta(hours=1), captured_at=None)

    shown = page(cast.admin, "30d")

    assert figure(shown, "Volume") == ("₹1,200.00", "2 payments")
    assert figure(shown, "Success rate") == ("75%", "1 of 4 failed")


def test_another_mode_has_figures_of_its_own(cast, page, history):
    assert figure(page(cast.merchant_user, "90d", mode="live"), "Volume") == ("₹0.00", "0 payments")


def test_only_part_of_the_page_is_sent_for_another_period(cast, page, history):
    part = page(cast.admin, "7d", **{"HX-Request": "true"})

    assert "<html" not in part
    assert figure(part, "Volume") == ("₹1,200.00", "2 payments")


def test_days_that_are_over_are_kept_and_today_is_not(cast, page, paid, history):
    page(cast.admin, "7d")
    paid(cast.merchant, 5_000, operator=cast.admin)
    ended(paid(cast.merchant, 9_900, operator=cast.admin), timedelta(days=2))

    assert figure(page(cast.admin, "7d"), "Volume")[0] == "₹1,250.00"
    cache.clear()
    assert figure(page(cast.admin, "7d"), "Volume")[0] == "₹1,349.00"


@pytest.mark.parametrize("gone", [["get", "set"], ["set"]], ids=["away", "gone-meanwhile"])
def test_the_page_opens_while_the_cache_is_away(cast, page, history, monkeypatch, gone):
    def away(*_, **__):
        raise ConnectionError

    for call in gone:
        monkeypatch.setattr(f"payments.figures.cache.{call}", away)

    assert figure(page(cast.admin, "30d"), "Volume")[0] == "₹1,200.00"


@pytest.mark.parametrize(("who", "most"), [("super_admin", 40), ("admin", 40), ("merchant_user", 28), ("api_user", 24)])
def test_the_number_of_queries_is_bounded(
    cast, signed_in, make_payment, make_payout, who, most, django_assert_max_num_queries
):
    for _ in range(10):
        make_payment(cast.merchant)
        make_payout(cast.merchant)
    client = signed_in(getattr(cast, who))
    client.get("/panel/profile")

    with django_assert_max_num_queries(most):
        client.get(HOME, {"period": "90d"})


def test_closed_networks_are_named(cast, page):
    from crypto.models import ChainState

    ChainState.objects.update_or_create(network_id="BSC", mode="test", defaults={
        "scanned_height": 1, "closed_since": timezone.now(), "closed_reason": "No node answers.",
    })

    value, note = figure(page(cast.admin), "Networks")
    assert value.endswith("open")
    assert note == "closed: BSC"


def test_periods_begin_where_the_readers_hours_and_days_do():
    india, now = ZoneInfo("Asia/Kolkata"), datetime(2026, 11, 21, 20, 10, tzinfo=UTC)  # 01:40 on the 22nd there

    hours, days = period_of("24h", india, now), period_of("7d", india, now)

    assert (hours.mark(hours.slots[-1]), len(hours.slots), hours.slots[-1] - hours.start) == (
        "01:00", 24, timedelta(hours=23)
    )
    assert [days.mark(slot) for slot in (days.start, days.slots[-1])] == ["16 Nov", "22 Nov"]
    assert days.today == datetime(2026, 11, 22, tzinfo=india)
