"""Amounts: integers of minor units, one grammar at the edge, no rounding but where its mode is named."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lib.money import MAX_MINOR, PLACES, InvalidAmount, Money, parse_amount, percent_of
from gateway.lib.strict_json import JsonNumber, dumps

CURRENCIES = st.sampled_from(sorted(PLACES))


@given(st.integers(1, MAX_MINOR), CURRENCIES)
def test_every_amount_is_read_back_from_its_text(minor, currency):
    money = Money(minor, currency)
    if len(str(money).partition(".")[0]) <= 15:
        assert parse_amount(str(money), currency) == money


@given(st.integers(-MAX_MINOR, MAX_MINOR), CURRENCIES)
def test_an_amount_is_shown_with_exactly_its_digits(minor, currency):
    money = Money(minor, currency)

    assert Decimal(dumps(money.exact_number).decode()) == money.decimal
    assert b"e" not in dumps(money.exact_number)


@pytest.mark.parametrize(("text", "currency", "minor"), [
    ("5", "INR", 500), ("5.9", "INR", 590), ("0.01", "INR", 1), ("999999999999999.99", "INR", 99_999_999_999_999_999),
    ("0.00000001", "USDT", 1), ("1", "USDC", 10**8), (7, "INR", 700), (JsonNumber("7.50"), "INR", 750),
])
def test_plain_amounts_are_read(text, currency, minor):
    assert parse_amount(text, currency) == Money(minor, currency)


@pytest.mark.parametrize("value", [
    "", " ", "-1", "+1", "0", "0.00", "1.234", "1e2", "1_0", "1,000", "１", "٣", "²", ".5", "5.", "05", "NaN", "inf", "0x1",
    "1" * 16, "1" * 5000, 0, -5, 10**400, -(10**400), True, False, None, 1.5, Decimal(1), [], {}, b"5", "5\n", "\u00a05",
])
def test_everything_else_is_refused(value):
    with pytest.raises(InvalidAmount):
        parse_amount(value, "INR")


def test_what_a_bigint_could_not_hold_is_refused():
    with pytest.raises(InvalidAmount, match="too large"):
        parse_amount("999999999999999", "USDT")


def test_currencies_do_not_mix():
    with pytest.raises(ValueError, match="mix"):
        Money(1, "INR") + Money(1, "USDT")
    with pytest.raises(InvalidAmount):
        Money(1, "USD")
    assert -(Money(5, "INR") - Money(7, "INR")) == Money(2, "INR")


@pytest.mark.parametrize(("minor", "points", "share"), [
    (100_000, 200, 2000), (1, 200, 0), (25, 200, 1), (24, 200, 0), (75, 200, 2), (99_999, 18, 180), (0, 500, 0),
])
def test_shares_are_rounded_half_up(minor, points, share):
    assert percent_of(minor, points) == share
