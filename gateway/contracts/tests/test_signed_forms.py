"""The signature, to the letter: every accepted form of a request, and nothing beside them; each byte of it is bound."""

import json

import pytest

from gateway.contracts.models import SeenSignature
from gateway.contracts.signed.testing import LINK, Signed, good, refused, send
from payments.models import Payment

BALANCE, PAYIN = "/api/v1/balance", "/api/v1/payin/generate/link"
FORM = b"--cut\r\nContent-Disposition: form-data; name=\"order_id\"\r\n\r\nA-1\r\n--cut--\r\n"


@pytest.fixture(autouse=True)
def no_limit(settings):
    settings.SIGNED_RATE_LIMIT = 100_000


@pytest.fixture
def signed(cast):
    return Signed(cast.merchant)


def nothing_happened():
    assert not Payment.objects.exists()
    assert not SeenSignature.objects.exists()


# Accepted forms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [BALANCE, "api/v1/balance"])
@pytest.mark.parametrize("body", ["", "{}"])
def test_a_get_is_signed_with_an_empty_line_or_braces(signed, path, body):
    good(send("GET", "/balance", b"", signed.headers("GET", path, body)))


def test_a_get_that_sends_braces_signs_them(signed):
    good(send("GET", "/balance", b"{}", signed.headers("GET", BALANCE, "{}")))
    refused(send("GET", "/balance", b"{}", signed.headers("GET", BALANCE, "")), 401, "invalid_signature")


@pytest.mark.parametrize("path", [PAYIN, "api/v1/payin/generate/link"])
@pytest.mark.parametrize(("wire", "as_signed"), [
    (json.dumps(LINK, separators=(",", ":")), json.dumps(LINK, separators=(",", ":"))),
    (json.dumps(LINK), json.dumps(LINK)),
    (json.dumps(LINK), json.dumps(LINK, separators=(",", ":"))),
    (json.dumps(LINK, indent=4) + "\n", json.dumps(LINK, separators=(",", ":"))),
    (json.dumps(LINK | {"note": "चाय ☕"}, ensure_ascii=False), json.dumps(LINK | {"note": "चाय ☕"}, separators=(",", ":"))),
    (json.dumps(LINK | {"note": "चाय ☕"}, ensure_ascii=False), json.dumps(LINK | {"note": "चाय ☕"}, ensure_ascii=False)),
    (json.dumps(LINK | {"amount": 499.5}), json.dumps(LINK | {"amount": 499.5}, separators=(",", ":"))),
    (json.dumps(LINK | {"x": [1, {"y": [True, None, 1.25]}]}), json.dumps(LINK | {"x": [1, {"y": [True, None, 1.25]}]}, separators=(",", ":"))),
    (json.dumps(LINK).replace("/", "\\/"), json.dumps(LINK).replace("/", "\\/")),
], ids=["compact", "spaced", "spaced, signed compact", "indented", "utf-8 as ascii", "utf-8 raw", "fraction", "nested", "php slashes"])
def test_a_json_body_is_signed_raw_or_compact(signed, path, wire, as_signed):
    data = good(send("POST", "/payin/generate/link", wire.encode(), signed.headers("POST", path, as_signed)))

    assert data["order_id"] == LINK["order_id"]


@pytest.mark.parametrize("as_signed", [
    json.dumps(LINK, sort_keys=True, separators=(",", ":")), json.dumps(LINK, indent=2), "", "{}", "null",
    json.dumps(LINK | {"amount": 101}, separators=(",", ":")), json.dumps(LINK, separators=(",", ":")) + "\n",
], ids=["sorted", "indented", "empty", "braces", "null", "another amount", "one newline more"])
def test_no_other_form_of_a_body_is_accepted(signed, as_signed):
    headers = signed.headers("POST", PAYIN, as_signed)

    refused(send("POST", "/payin/generate/link", json.dumps(LINK).encode(), headers), 401, "invalid_signature")

    nothing_happened()


def test_an_empty_body_of_any_other_method_is_braces(signed):
    body = refused(send("POST", "/payin/generate/link", b"", signed.headers("POST", PAYIN, "{}")), 422, "validation_failed")
    assert set(body["data"]) == set(LINK)
    refused(send("POST", "/payin/generate/link", b"", signed.headers("POST", PAYIN, "")), 401, "invalid_signature")


@pytest.mark.parametrize(("content", "kind", "as_signed"), [
    (b"order_id=A-1", "application/x-www-form-urlencoded", '{"order_id":"A-1"}'),
    (b"order_id=A-1", "application/x-www-form-urlencoded; charset=utf-8", "order_id=A-1"),
    (b"b=2&order_id=A-1&a=%E0%A4%9A+x", "application/x-www-form-urlencoded", '{"b":"2","order_id":"A-1","a":"\\u091a x"}'),
    (FORM, "multipart/form-data; boundary=cut", '{"order_id":"A-1"}'),
    (FORM, "multipart/form-data; boundary=cut", FORM.decode()),
    (b'{"order_id": "A-1"}', "text/plain", '{"order_id":"A-1"}'),
])
def test_a_form_is_signed_as_compact_json_or_raw(signed, content, kind, as_signed):
    headers = signed.headers("POST", "/api/v1/payin/transactions", as_signed)

    refused(send("POST", "/payin/transactions", content, headers, content_type=kind), 404, "not_found")


@pytest.mark.parametrize(("content", "as_signed"), [
    (b"b=2&order_id=A-1", '{"order_id":"A-1","b":"2"}'), (b"order_id=A-1", '{"order_id": "A-1"}'),
    (b"order_id=A-1", "{}"), (b"order_id=A-1", ""), (b"order_id=A-1&order_id=A-2", '{"order_id":"A-2"}'),
])
def test_no_other_form_of_a_form(signed, content, as_signed):
    headers = signed.headers("POST", "/api/v1/payin/transactions", as_signed)
    kind = "application/x-www-form-urlencoded"

    refused(send("POST", "/payin/transactions", content, headers, content_type=kind), 401, "invalid_signature")
    assert not SeenSignature.objects.exists()


@pytest.mark.parametrize("path", [
    "/balance", "balance", "v1/balance", BALANCE + "/", "//api/v1/balance", "https://testserver/api/v1/balance", BALANCE.upper(), "",
])
def test_no_other_path(signed, path):
    refused(send("GET", "/balance", b"", signed.headers("GET", path, "")), 401, "invalid_signature")
    nothing_happened()


# Each byte ------------------------------------------------------------------------------------------------------


def test_each_byte_of_the_signature_is_needed(signed):
    headers = signed.headers("GET", BALANCE, "")
    for place, digit in enumerate(headers["Signature"]):
        other = "0" if digit != "0" else "1"
        changed = headers["Signature"][:place] + other + headers["Signature"][place + 1:]
        refused(send("GET", "/balance", b"", headers | {"Signature": changed}), 401, "invalid_signature")

    good(send("GET", "/balance", b"", headers))


@pytest.mark.parametrize("change", [
    lambda text: text.upper(), lambda text: text[:-1], lambda text: text + "0", lambda text: f" {text}", lambda text: "é" * 64,
    lambda text: bytes.fromhex(text).decode("latin-1"), lambda text: "0x" + text, lambda text: "a" * 100_000,
])
def test_only_lower_case_hex_is_a_signature(signed, change):
    headers = signed.headers("GET", BALANCE, "")
    changed = change(headers["Signature"])
    if changed.strip() == headers["Signature"]:
        return  # HTTP itself takes the spaces off

    refused(send("GET", "/balance", b"", headers | {"Signature": changed}), 401, "invalid_signature")


def test_each_byte_of_the_body_is_bound(signed):
    wire = json.dumps(LINK, separators=(",", ":")).encode()
    headers = signed.headers("POST", PAYIN, wire.decode())
    for place in range(len(wire)):
        changed = wire[:place] + bytes([wire[place] ^ 1]) + wire[place + 1:]
        refused(send("POST", "/payin/generate/link", changed, headers), 401, "invalid_signature")

    nothing_happened()
    good(send("POST", "/payin/generate/link", wire, headers))


def test_each_byte_of_the_path_is_bound(signed):
    headers = signed.headers("GET", "/api/v1/payout/ORDER-1/status", "")
    for place in range(len("ORDER-1")):
        order_id = "ORDER-1"[:place] + "x" + "ORDER-1"[place + 1:]
        refused(send("GET", f"/payout/{order_id}/status", b"", headers), 401, "invalid_signature")
    refused(send("GET", "/balance", b"", headers), 401, "invalid_signature")

    nothing_happened()
    refused(send("GET", "/payout/ORDER-1/status", b"", headers), 404, "not_found")


def test_the_method_is_bound(signed):
    for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD", "get"):
        headers = signed.headers(method, BALANCE, "")
        assert send("GET", "/balance", b"", headers).status_code == 401
    nothing_happened()


def test_each_digit_of_the_timestamp_is_bound(signed):
    timestamp = signed.fresh()
    headers = signed.headers("GET", BALANCE, "", timestamp=timestamp)
    for place in range(8, 13):
        other = timestamp[:place] + str((int(timestamp[place]) + 1) % 10) + timestamp[place + 1:]
        response = send("GET", "/balance", b"", headers | {"Timestamp": other})
        assert (response.status_code, response.json()["error"]) in [(401, "invalid_signature"), (401, "timestamp_expired")]

    nothing_happened()
    good(send("GET", "/balance", b"", headers))


@pytest.mark.parametrize("query", ["a=1", "x", "%00", "order_id=1&a"])
def test_a_query_string_is_refused(signed, query):
    refused(signed("GET", f"/balance?{query}"), 400, "unexpected_query")
    refused(signed("POST", f"/payin/generate/link?{query}", LINK), 400, "unexpected_query")
    with_it = signed.headers("GET", f"{BALANCE}?{query}", "")
    refused(send("GET", f"/balance?{query}", b"", with_it), 400, "unexpected_query")
    nothing_happened()
