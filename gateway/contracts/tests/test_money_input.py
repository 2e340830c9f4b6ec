"""Amounts: one strict ASCII grammar on every field that takes one; nothing is rounded, guessed or converted."""

import pytest

from ledger.testing import assert_ledger_balances
from payments.models import Order, Payment
from payouts.models import Payout

# As they stand in the JSON text, after `"amount": `.
BAD = [
    "true", "false", "null", "[]", "{}", "[5]", '{"a": 1}', '""', '" "', '"five"', "0", "0.0", '"0"', "-0", "-0.0", "-1",
    '"-1"', "0.001", "5.001", "5.000", '"5.001"', "1e2", "1E+2", '"1e2"', "1e400", "1e-400", '"NaN"', '"nan"',
    '"Infinity"', '"-Infinity"', '"1_000"', '"5,000"', '"1 000"', '"+10"', '" 10"', '"10 "', '"10\\n"', '"\\u00a010"',
    '"0x10"', '"010"', '"10."', '".5"', '"5.5.5"', '"₹500"', '"500 INR"', '"５００"', '"٥٠٠"', '"५००"', '"1\\u066c000"',
    '"¹²"', '"Ⅴ"', '"1/2"', "1000000000000000", '"1000000000000000.00"', "9" * 400, '"' + "9" * 400 + '"', "1" + "0" * 5000,
    "0." + "0" * 5000 + "1", '"null"', '"5\\u200b"', '"\\u202e5"', '"5\\u0301"',
]
GOOD = [
    ("500", 500, 50_000), ("499.5", 499.5, 49_950), ("499.50", 499.5, 49_950), ('"500"', 500, 50_000), ('"0.01"', 0.01, 1),
    ("0.01", 0.01, 1), ("5.9", 5.9, 590), ("1.0", 1, 100), ("999999999999999", 999999999999999, 99_999_999_999_999_900),
    ("999999999999999.99", 999999999999999.99, 99_999_999_999_999_999),
    ("90071992547409.93", 90071992547409.93, 9_007_199_254_740_993),
]
ACCOUNT = '"beneficiary_name": "A", "account_number": "123456789", "ifsc": "HDFC0001234"'


@pytest.mark.parametrize("amount", BAD)
@pytest.mark.parametrize(("path", "more"), [("/payments", '"payer": "A"'), ("/payouts", ACCOUNT)])
def test_what_is_no_amount_is_refused_with_the_fields_name(api, cast, fund, refused, path, more, amount):
    fund(cast.merchant, 10_000_00)
    raw = f'{{"amount": {amount}, "order_id": "A-1", {more}}}'.encode()

    error = refused(api("merchant_user", "POST", path, raw=raw), 400, "invalid_fields")

    assert error["fields"] == ["amount"]
    assert Payment.objects.count() == Payout.objects.count() == Order.objects.count() == 0
    assert_ledger_balances()


@pytest.mark.parametrize("amount", [item for item in BAD if item not in ("null", '""')])
@pytest.mark.parametrize("name", ["min_amount", "max_amount"])
@pytest.mark.parametrize("path", ["/payments", "/payouts"])
def test_what_is_no_amount_is_refused_in_a_filter_too(api, refused, path, name, amount):
    from urllib.parse import urlencode

    text = amount.strip('"').encode().decode("unicode_escape") if "\\" in amount else amount.strip('"')

    error = refused(api("merchant_user", "GET", f"{path}?{urlencode({name: text})}"), 400, "invalid_fields")

    assert error["fields"] == [name]


@pytest.mark.parametrize(("sent", "answered", "minor"), GOOD)
def test_an_amount_is_kept_and_answered_to_the_last_digit(api, sent, answered, minor):
    response = api("merchant_user", "POST", "/payments", raw=f'{{"amount": {sent}, "order_id": "A-1"}}'.encode())

    assert response.status_code == 201
    assert response.json()["data"]["amount"] == answered
    assert Payment.objects.get().amount_minor == minor
    whole, _, places = sent.strip('"').partition(".")
    plain = whole + (f".{places.rstrip('0')}" if places.strip("0") else "")
    assert f'"amount":{plain},'.encode() in response.content


def test_a_missing_amount_is_missing_and_not_bad(api, refused):
    assert refused(api("merchant_user", "POST", "/payments", {"order_id": "A"}), 400, "missing_fields")["fields"] == [
        "amount"
    ]


@pytest.mark.parametrize("currency", ["USDT", "inr", "", "USD", 5, True, ["INR"]])
def test_only_rupees_are_paid(api, refused, payment_body, currency):
    error = refused(api("merchant_user", "POST", "/payments", payment_body(currency=currency)), 400, "invalid_fields")

    assert error["fields"] == ["currency"]
