"""`GET /balance`: whose money, in which mode, in which currencies."""

import re

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def data(response):
    assert response.status_code == 200, response.content
    return response.json()["data"]


def test_a_balance_has_exactly_these_fields(api, cast, fund):
    fund(cast.merchant, 10_000_050)
    fund(cast.merchant, 1_000 * 10**8, "USDT", network="BSC")
    fund(cast.merchant, 25 * 10**7, "USDT", network="TRX")
    fund(cast.merchant, 1, "USDC", network="ETH")

    response = api("merchant_user", "GET", "/balance")

    found = data(response)
    assert list(found) == ["currency", "available", "pending", "reserved", "wallets", "as_of"]
    assert TIMESTAMP.fullmatch(found.pop("as_of"))
    assert found == {
        "currency": "INR", "available": 100_000.5, "pending": 0, "reserved": 0,
        "wallets": [
            {"currency": "INR", "available": 100_000.5, "pending": 0, "reserved": 0},
            {"currency": "USDC", "available": 0.00000001, "pending": 0, "reserved": 0},
            {"currency": "USDT", "available": 1002.5, "pending": 0, "reserved": 0},
        ],
    }
    assert b'"available":0.00000001' in response.content


def test_whole_rupees_have_no_fraction(api, cast, fund):
    fund(cast.merchant, 10_000_000)

    assert b'"available":100000,' in api("merchant_user", "GET", "/balance").content


def test_an_api_user_sees_its_merchants_balance(api, cast, fund):
    fund(cast.merchant, 500)

    assert data(api("api_user", "GET", "/balance"))["available"] == 5
    assert data(api("other_user", "GET", "/balance"))["available"] == 0


def test_modes_do_not_mix(api, cast, fund):
    fund(cast.merchant, 500)
    fund(cast.merchant, 900, mode="live")

    assert data(api("merchant_user", "GET", "/balance"))["available"] == 5
    assert data(api("merchant_user", "GET", "/balance", mode="live"))["available"] == 9


def test_an_admin_names_a_merchant_of_its_team(api, cast, fund, refused):
    fund(cast.merchant, 500)

    assert refused(api("admin", "GET", "/balance"), 400, "missing_fields")["fields"] == ["merchant_id"]
    assert refused(api("admin", "GET", "/balance?merchant_id="), 400, "missing_fields")["fields"] == ["merchant_id"]
    assert data(api("admin", "GET", f"/balance?merchant_id={cast.merchant.public_id}"))["available"] == 5
    refused(api("admin", "GET", f"/balance?merchant_id={cast.other.public_id}"), 404, "not_found")
    refused(api("other_admin", "GET", f"/balance?merchant_id={cast.merchant.public_id}"), 404, "not_found")
    refused(api("admin", "GET", "/balance?merchant_id=mrc_unknown"), 404, "not_found")


def test_a_super_admin_names_any_merchant_or_sees_the_whole_platform(api, cast, fund, refused):
    fund(cast.merchant, 500)
    fund(cast.other, 700)

    assert data(api("super_admin", "GET", f"/balance?merchant_id={cast.other.public_id}"))["available"] == 7
    assert data(api("super_admin", "GET", "/balance"))["available"] == 12
    refused(api("super_admin", "GET", "/balance?merchant_id=mrc_unknown"), 404, "not_found")


def test_a_merchant_who_names_another_finds_nothing(api, cast, fund, refused):
    fund(cast.other, 700)

    for who in ("merchant_user", "api_user"):
        refused(api(who, "GET", f"/balance?merchant_id={cast.other.public_id}"), 404, "not_found")
        assert data(api(who, "GET", f"/balance?merchant_id={cast.merchant.public_id}"))["available"] == 0
