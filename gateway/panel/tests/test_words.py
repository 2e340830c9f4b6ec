"""How numbers, times and charts are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone

from gateway.lib.money import Money
from gateway.panel import charts, words, zones
from gateway.panel.charts import Slot, bars


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "INR", "₹0.00"), (5, "INR", "₹0.05"), (99_900, "INR", "₹999.00"), (100_000, "INR", "₹1,000.00"),
        (9_999_999, "INR", "₹99,999.99"), (10_000_000, "INR", "₹1,00,000.00"), (1_234_567_890, "INR", "₹1,23,45,678.90"),
        (-123_456, "INR", "−₹1,234.56"), (2**63 - 1, "INR", "₹92,23,37,20,36,85,47,758.07"),
        (100_000_000_000, "USDT", "1,000.00 USDT"), (123_456_789, "USDT", "1.23456789 USDT"), (1, "USDC", "0.00000001 USDC"),
        (150_000_000, "USDT", "1.50 USDT"),
    ],
)
def test_money(minor, currency, text):
    assert words.money_text(Money(minor, currency)) == text


@pytest.mark.parametrize(
    ("digits", "text"), [("1", "1"), ("12", "12"), ("123", "123"), ("1234", "1,234"), ("12345", "12,345"),
                         ("123456", "1,23,456"), ("1234567", "12,34,567"), ("12345678", "1,23,45,678")],
)
def test_indian_grouping(digits, text):
    assert words.group(digits) == text


@pytest.mark.parametrize(
    ("minor", "text"), [(0, "₹0"), (50_000, "₹500"), (2_000_000, "₹20k"), (12_000_000, "₹1.2 lakh"), (4_000_000_000, "₹4 cr")]
)
def test_axis_words(minor, text):
    assert words.short_rupees(minor) == text


def _render(source, **context):
    return Template("{% load panel %}" + source).render(Context(context))


def test_tags_write_money_and_states():
    assert _render("{{ m|money }}", m=Money(12_345_678, "INR")) == "₹1,23,456.78"
    assert _render("{{ m|money:'USDT' }}", m=150_000_000) == "1.50 USDT"
    assert _render("{{ m|money }}", m=None) == "–"
    assert _render("{{ m|signed_money }} {{ n|signed_money }}", m=100, n=-100) == "+₹1.00 −₹1.00"
    assert _render("{% pill 'failed' text %}", text="<b>") == '<span class="pill pill-bad">&lt;b&gt;</span>'


def test_times_are_the_readers_with_utc_on_hover():
    moment = datetime(2026, 11, 20, 21, 26, 16, tzinfo=UTC)

    utc = _render("{% when m %}", m=moment)
    with timezone.override("Asia/Kolkata"):
        indian = _render("{% when m %}", m=moment)
        day = _render("{% when m 'day' %}", m=moment)

    assert ">20 Nov 2026, 21:26 UTC</time>" in utc
    assert ">21 Nov 2026, 02:56</time>" in indian
    assert 'title="20 Nov 2026, 21:26:16 UTC"' in indian
    assert ">21 Nov 2026</time>" in day
    assert _render("{% when m %}", m=None) == "–"


@pytest.mark.parametrize(
    ("cookie", "zone"),
    [
        ("Asia/Kolkata", "Asia/Kolkata"), ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("", "UTC"), ("Mars/Olympus", "UTC"), ("../../etc/passwd", "UTC"), ("/etc/localtime", "UTC"), ("A" * 300, "UTC"),
        ("Asia/Kolkata\n", "UTC"), ("Asia", "UTC"),
    ],
)
def test_a_zone_is_believed_only_if_there_is_one(cookie, zone):
    request = RequestFactory().get("/")
    request.COOKIES["zone"] = cookie

    assert zones.zone_of(request).key == zone


# Charts -------------------------------------------------------------------------------------------------
def _chart(*values):
    slots = [Slot(f"{1 + i} Nov", value, f"day {i}", (str(i), str(value))) for i, value in enumerate(values)]
    return bars(slots, label="x", columns=("Day", "Value"), tick_text=str)


def test_bars_are_proportional_and_the_scale_is_round():
    chart = _chart(0, 5, 10)

    assert [tick.text for tick in chart.ticks] == ["0", "3", "6", "9", "12"]
    assert [bar.height for bar in chart.bars] == [0, round(charts.PLOT_HEIGHT * 5 / 12, 1), round(charts.PLOT_HEIGHT * 10 / 12, 1)]
    assert all(bar.y + bar.height == pytest.approx(charts.TOP + charts.PLOT_HEIGHT, abs=0.11) for bar in chart.bars if bar.height)


def test_the_smallest_amount_still_shows():
    chart = _chart(1, 10**12)

    assert chart.bars[0].height == 2.0


def test_a_chart_of_nothing_is_still_a_chart():
    chart = _chart(0, 0)

    assert [tick.text for tick in chart.ticks] == ["0", "1", "2", "3", "4"]
    assert _chart().bars == []
    assert list(chart.rows) == [("0", "0"), ("1", "0")]


def test_bars_never_leave_the_drawing():
    chart = _chart(*range(30))

    assert chart.bars[-1].slot_x + chart.bars[-1].slot_width == pytest.approx(100, abs=0.05)
    assert all(bar.y >= charts.TOP for bar in chart.bars if bar.height)


@pytest.mark.parametrize(("written", "shown"), [
    ("12499.00 INR received, UTR 4125", "₹12,499.00 received, UTR 4125"),
    ("3 payouts, 3453300.33 INR", "3 payouts, ₹34,53,300.33"),
    ("0.00 INR", "₹0.00"),
    ("1,234.50 INR", "1,234.50 INR"),
    ("25.00000000 USDT held", "25.00000000 USDT held"),
    ("<b>1.00 INR</b>", "&lt;b&gt;₹1.00&lt;/b&gt;"),
])
def test_amounts_in_what_was_written_down_are_shown_as_everywhere_else(written, shown):
    assert _render("{{ m|with_amounts }}", m=written) == shown
