"""Who is let in: when, with which pair, from where, once; and the refusals around it."""

import hashlib
import json
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import Actor
from accounts.issuing import regenerate_credential, revoke_credential
from accounts.models import Credential, Merchant
from gateway.contracts import tasks
from gateway.contracts.checkout.testing import Checkout
from gateway.contracts.models import SeenSignature
from gateway.contracts.signed import replays
from gateway.contracts.signed.testing import LINK, Signed, calculate_hmac, good, now_ms, refused, send
from payments.models import Payment

BALANCE, PAYIN = "/api/v1/balance", "/api/v1/payin/generate/link"
FORM = (b"--cut\r\nContent-Disposition: form-data; name=\"order_id\"\r\n\r\nA-1\r\n--cut--\r\n")


@pytest.fixture(autouse=True)
def no_limit(settings):
    settings.SIGNED_RATE_LIMIT = 100_000


@pytest.fixture
def signed(cast):
    return Signed(cast.merchant)


def nothing_happened():
    assert not Payment.objects.exists()
    assert not SeenSignature.objects.exists()


# Time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset", "word"), [
    (-295_000, ""), (-301_000, "timestamp_expired"), (-600_000, "timestamp_expired"), (25_000, ""),
    (35_000, "timestamp_expired"), (600_000, "timestamp_expired"),
])
def test_the_window(signed, offset, word):
    response = send("GET", "/balance", b"", signed.headers("GET", BALANCE, "", timestamp=str(now_ms() + offset)))

    if not word:
        good(response)
    else:
        assert "clock" in refused(response, 401, word)["message"]
        nothing_happened()


@pytest.mark.parametrize(("now", "status"), [
    (1_790_000_300_000, 200), (1_790_000_300_001, 401), (1_789_999_970_000, 200), (1_789_999_969_999, 401),
])
def test_the_windows_edges(signed, monkeypatch, now, status):
    headers = signed.headers("GET", BALANCE, "", timestamp="1790000000000")
    monkeypatch.setattr("gateway.contracts.signed.authentication.time.time_ns", lambda: now * 1_000_000)

    assert send("GET", "/balance", b"", headers).status_code == status


@pytest.mark.parametrize("timestamp", [
    "1790431844", "179000000000", "17900000000000", "0", "-1790431844701", "+790431844701", "1790431844701.0", "1.79e12",
    "1790431844_01", "٠١٢٣٤٥٦٧٨٩٠١٢", "0790431844701", "179043184470x", "2026-11-21T09:00:00Z", "9" * 5000, "１７９０４３１８４４７０１",
])
def test_what_is_no_timestamp(signed, timestamp):
    headers = signed.headers("GET", BALANCE, "", timestamp=timestamp)

    refused(send("GET", "/balance", b"", headers), 401, "invalid_timestamp")
    nothing_happened()


# Keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["Timestamp", "Signature"])
@pytest.mark.parametrize("value", [None, ""])
def test_missing_headers(signed, missing, value):
    headers = signed.headers("GET", BALANCE, "")
    headers = {name: text for name, text in headers.items() if name != missing} | ({missing: ""} if value == "" else {})

    assert missing in refused(send("GET", "/balance", b"", headers), 401, "missing_credentials")["message"]


def test_no_credential_at_all():
    refused(send("POST", "/payin/transactions"), 401, "missing_credentials")
    refused(send("GET", "/payout/X/status"), 401, "missing_credentials")


@pytest.mark.parametrize("key", ["ak_test_x", "ak_test_" + "0" * 24, "AK_TEST_" + "0" * 24, "é" * 32, "x" * 5000, "gw_test_x"])
def test_an_unknown_access_key(signed, key):
    headers = signed.headers("GET", BALANCE, "") | {"Access-Key": key}

    refused(send("GET", "/balance", b"", headers), 401, "invalid_access_key")
    nothing_happened()


def test_the_secret_of_another_pair_mode_merchant_or_contract(cast, signed):
    others = [
        Signed(cast.merchant).pair.secret, Signed(cast.merchant, "live").pair.secret, Signed(cast.other).pair.secret,
        Checkout(cast.merchant).pair.secret, cast.keys[cast.merchant_user.public_id, "test"],
        signed.pair.secret.removeprefix("sk_test_"), signed.pair.secret + "\n", "",
    ]
    for secret in others:
        headers = signed.headers("GET", BALANCE, "", secret=secret)
        refused(send("GET", "/balance", b"", headers), 401, "invalid_signature")
    nothing_happened()


def test_a_pair_of_another_contract_is_no_access_key(cast, signed):
    other = Checkout(cast.merchant).pair
    headers = signed.headers("GET", BALANCE, "", secret=other.secret) | {"Access-Key": other.identifier}

    refused(send("GET", "/balance", b"", headers), 401, "invalid_access_key")


@pytest.mark.parametrize("change", [
    {"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}, {"contract": "checkout"},
])
def test_a_pair_that_is_over(signed, change):
    Credential.objects.update(**change)

    refused(signed("POST", "/payin/generate/link", LINK), 401, "invalid_access_key")
    nothing_happened()


def test_revoking_and_regenerating_take_effect_with_the_next_request(cast, signed):
    actor = Actor(cast.merchant_user, "panel")
    good(signed("GET", "/balance"))
    old = signed.pair
    signed.pair = regenerate_credential(actor=actor, credential=signed.credential)

    assert (signed.pair.identifier, signed.pair.secret != old.secret) == (old.identifier, True)
    refused(send("GET", "/balance", b"", signed.headers("GET", BALANCE, "", secret=old.secret)), 401, "invalid_signature")
    good(signed("GET", "/balance"))
    revoke_credential(actor=actor, credential=signed.credential)
    refused(signed("GET", "/balance"), 401, "invalid_access_key")


def test_a_suspended_merchant(signed):
    Merchant.objects.update(status="suspended")

    refused(signed("POST", "/payin/generate/link", LINK), 403, "account_suspended")
    nothing_happened()


@pytest.mark.parametrize(("allowed", "address", "status"), [
    ([], "198.51.100.7", 200), (["198.51.100.7"], "198.51.100.7", 200), (["198.51.100.8"], "198.51.100.7", 403),
    (["198.51.100.0/24", "10.0.0.1"], "198.51.100.7", 200), (["2001:db8::/32"], "2001:db8:1::7", 200),
    (["2001:db8::/32"], "198.51.100.7", 403), (["198.51.100.7"], "::ffff:198.51.100.7", 200), (["2001:db8::1"], "2001:0db8:0::0:1", 200),
    (["198.51.100.7"], "", 403), (["198.51.100.7"], "unix", 403),
])
def test_the_allow_list(cast, allowed, address, status):
    signed = Signed(cast.merchant, allowed_addresses=allowed)

    response = signed("POST", "/payin/generate/link", LINK, REMOTE_ADDR=address)

    assert response.status_code == status
    if status == 403:
        refused(response, 403, "ip_not_allowed")
        nothing_happened()


@pytest.mark.parametrize(("proxies", "forwarded", "status"), [
    (0, "198.51.100.7", 403), (1, "198.51.100.7", 200), (1, "198.51.100.7, 203.0.113.9", 403),
    (1, "203.0.113.9, 198.51.100.7", 200), (2, "198.51.100.7, 10.0.0.1", 200), (2, "1.2.3.4, 203.0.113.9, 10.0.0.1", 403),
])
def test_a_forwarded_address_counts_behind_our_own_proxies_only(cast, settings, proxies, forwarded, status):
    settings.PROXY_COUNT = proxies
    signed = Signed(cast.merchant, allowed_addresses=["198.51.100.7"])

    assert signed("GET", "/balance", headers={"X-Forwarded-For": forwarded}).status_code == status


def test_a_live_pair_without_an_allow_list_reads_its_balance_and_nothing_else(cast):
    live = Signed(cast.merchant, "live")

    assert good(live("GET", "/balance")) == {"balance": "0.00"}
    calls = (
        ("POST", "/payin/generate/link", LINK), ("POST", "/payin/transactions", {"order_id": "A"}),
        ("POST", "/payout/initiate", {}), ("GET", "/payout/A/status", None),
    )
    for method, path, body in calls:
        assert "only read its balance" in refused(live(method, path, body), 403, "ip_not_allowed")["message"]
    Credential.objects.filter(pk=live.credential.pk).update(allowed_addresses=["127.0.0.1"])
    refused(live("POST", "/payin/transactions", {"order_id": "A"}), 404, "not_found")


# Once -----------------------------------------------------------------------------------------------------------


def test_a_signature_works_once(signed):
    wire = json.dumps(LINK).encode()
    headers = signed.headers("POST", PAYIN, wire.decode())
    good(send("POST", "/payin/generate/link", wire, headers))

    refused(send("POST", "/payin/generate/link", wire, headers), 401, "replayed_request")

    assert Payment.objects.count() == SeenSignature.objects.count() == 1


def test_what_was_refused_does_not_spend_it(signed):
    headers = signed.headers("GET", BALANCE, "")
    refused(send("GET", "/balance?x", b"", headers), 400, "unexpected_query")
    refused(send("GET", "/balance", b"x", headers), 401, "invalid_signature")
    assert send("POST", "/balance", b"", headers).status_code == 401
    Merchant.objects.update(status="suspended")
    refused(send("GET", "/balance", b"", headers), 403, "account_suspended")
    Merchant.objects.update(status="active")

    good(send("GET", "/balance", b"", headers))


def test_a_request_over_the_limit_does_not_spend_it(signed, settings):
    settings.SIGNED_RATE_LIMIT = 1
    good(signed("GET", "/balance"))
    headers = signed.headers("GET", BALANCE, "")
    late = send("GET", "/balance", b"", headers)
    refused(late, 429, "rate_limit_exceeded")
    assert 1 <= int(late["Retry-After"]) <= 60
    settings.SIGNED_RATE_LIMIT = 10

    good(send("GET", "/balance", b"", headers))


def test_used_signatures_are_forgotten_when_they_are_too_old_to_be_sent_again(signed):
    good(signed("GET", "/balance"))
    SeenSignature.objects.create(signature="0" * 64, seen_at=timezone.now() - replays.KEPT - timedelta(seconds=1))
    assert replays.KEPT.total_seconds() > 330

    assert tasks.purge() == 1

    assert SeenSignature.objects.exclude(signature="0" * 64).count() == SeenSignature.objects.count() == 1


def test_without_the_store_nobody_is_let_in(signed, monkeypatch):
    def away(_):
        raise OperationalError("gone")

    monkeypatch.setattr(replays, "take", away)

    response = signed("POST", "/payin/generate/link", LINK)

    refused(response, 503, "service_unavailable")
    assert response["Retry-After"]
    nothing_happened()


# Around it ------------------------------------------------------------------------------------------------------


def test_600_a_minute_and_pair(cast, settings):
    settings.SIGNED_RATE_LIMIT = 600
    first = Signed(cast.merchant)("GET", "/balance")

    assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == ("600", "599")
    assert int(first["X-RateLimit-Reset"]) > time.time() - 1


def test_one_query_finds_the_pair_and_one_takes_the_signature(signed):
    good(signed("GET", "/balance"))
    assert Credential.objects.get().last_used_at is not None
    with CaptureQueriesContext(connection) as queries:
        good(signed("GET", "/balance"))

    assert len([query for query in queries if "accounts_credential" in query["sql"]]) == 1
    assert len(queries) == 3


def test_a_test_mode_refusal_tells_what_was_signed(signed):
    wire = json.dumps(LINK).encode()
    headers = signed.headers("POST", PAYIN, "something else")

    body = refused(send("POST", "/payin/generate/link", wire, headers), 401, "invalid_signature")

    data, compact = body["data"], json.dumps(LINK, separators=(",", ":"))
    assert (data["method"], data["path"], data["timestamp"]) == ("POST", PAYIN, headers["Timestamp"])
    assert data["body_sha256"] == hashlib.sha256(wire).hexdigest()
    assert [(form["path"], form["body_as_signed"]) for form in data["accepted"]] == [
        (PAYIN, wire.decode()), (PAYIN[1:], wire.decode()), (PAYIN, compact), (PAYIN[1:], compact),
    ]
    text = f"POST\n{PAYIN}\n{compact}\n{headers['Timestamp']}\n"
    assert data["accepted"][2]["string_to_sign_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    answer = json.dumps(body)
    assert signed.pair.secret not in answer
    for form in data["accepted"]:
        good_one = calculate_hmac(signed.pair.secret, headers["Timestamp"], form["body_as_signed"], form["path"], "POST")
        assert good_one not in answer


def test_a_live_refusal_tells_nothing(cast):
    live = Signed(cast.merchant, "live")

    assert refused(send("GET", "/balance", b"", live.headers("GET", "x", "")), 401, "invalid_signature")["data"] is None


def test_unknown_addresses_and_methods(signed):
    refused(signed("GET", "/nowhere"), 404, "not_found")
    refused(signed("GET", "/nowhere?x=1"), 404, "not_found")
    refused(send("GET", "/nowhere", b"", {"Access-Key": "x"}), 404, "not_found")
    refused(send("GET", "/balance/", b"", {"Access-Key": "x"}), 404, "not_found")
    response = signed("POST", "/balance", {})
    refused(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD"
    refused(signed("GET", "/payin/generate/link"), 405, "method_not_allowed")


@pytest.mark.parametrize("raw", [
    b"{", b"[]", b'"x"', b"\xff", b'{"amount": 1, "amount": 2}', b'{"a":' * 40 + b"1" + b"}" * 40, b'{"amount": NaN}',
    b'{"user_id": "\\u0000"}', b'{"user_id": "\\ud800"}', b"order_id=1", b"[" * 100_000,
])
def test_a_body_that_is_no_json_object(signed, raw):
    refused(signed("POST", "/payin/generate/link", raw=raw, signed=None), 400, "malformed_request") if raw != b"\xff" else None
    headers = signed.headers("POST", PAYIN, "x")
    refused(send("POST", "/payin/generate/link", raw, headers), 401, "invalid_signature")
    assert not Payment.objects.exists()


@pytest.mark.parametrize(("content", "kind"), [
    (b"order_id", "application/x-www-form-urlencoded"), (b"order_id=%ff", "application/x-www-form-urlencoded"),
    (b"order_id=a&order_id=b", "application/x-www-form-urlencoded"), (b"order_id=%00", "application/x-www-form-urlencoded"),
    (b"x", "multipart/form-data; boundary=cut"), (b"x", "multipart/form-data"), (FORM, "multipart/form-data; boundary=other"),
    (FORM.replace(b'"order_id"', b'"order_id"; filename="a"'), "multipart/form-data; boundary=cut"),
    (b"&".join(b"a%d=1" % number for number in range(101)), "application/x-www-form-urlencoded"),
])
def test_a_form_that_is_not_quite_one(signed, content, kind):
    response = signed("POST", "/payin/transactions", raw=content, content_type=kind)

    assert (response.status_code, response.json()["error"]) in [(400, "malformed_request"), (422, "validation_failed")]


def test_only_the_status_call_takes_a_form(signed):
    response = signed("POST", "/payin/generate/link", raw=b"order_id=1", content_type="application/x-www-form-urlencoded")

    refused(response, 400, "malformed_request")


def test_a_body_that_is_too_large(signed):
    wire = json.dumps(LINK | {"note": "x" * 1_100_000}).encode()

    refused(signed("POST", "/payin/generate/link", raw=wire), 413, "payload_too_large")
    assert not Payment.objects.exists()
