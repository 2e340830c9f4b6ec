"""Bodies that are no JSON object: each is refused with a 4xx in the contract's shape, and stores nothing."""

import json
from io import BytesIO

import pytest
from django.test import RequestFactory

from gateway.contracts.bodies import json_object, raw_body
from gateway.contracts.models import IdempotencyRecord
from gateway.contracts.problems import PayloadTooLarge
from payments.models import Payment

MIB = 1024 * 1024
BROKEN = {
    "no JSON": b"amount=5",
    "cut off": b'{"amount": 5',
    "trailing": b'{"amount": 5} x',
    "a list": b'[{"amount": 5}]',
    "a string": b'"amount"',
    "a number": b"5",
    "null": b"null",
    "true": b"true",
    "single quotes": b"{'amount': 5}",
    "trailing comma": b'{"amount": 5,}',
    "comment": b'{"amount": 5 /* five */}',
    "duplicate key": b'{"amount": 5, "amount": 6, "order_id": "A"}',
    "nested duplicate key": b'{"amount": 5, "order_id": "A", "notes": {"a": 1, "a": 2}}',
    "NaN": b'{"amount": NaN, "order_id": "A"}',
    "Infinity": b'{"amount": -Infinity, "order_id": "A"}',
    "BOM": b'\xef\xbb\xbf{"amount": 5, "order_id": "A"}',
    "UTF-16": '{"amount": 5, "order_id": "A"}'.encode("utf-16"),
    "latin-1": '{"amount": 5, "order_id": "A", "payer": "é"}'.encode("latin-1"),
    "overlong UTF-8": b'{"amount": 5, "order_id": "\xc0\xaf"}',
    "lone surrogate": b'{"amount": 5, "order_id": "A", "payer": "\\ud800"}',
    "lone surrogate in a key": b'{"amount": 5, "order_id": "A", "\\udfff": 1}',
    "NUL": b'{"amount": 5, "order_id": "A", "payer": "a\\u0000b"}',
    "raw NUL": b'{"amount": 5, "order_id": "A\x00"}',
    "unknown field with a NUL": b'{"amount": 5, "order_id": "A", "x": ["\\u0000"]}',
    "deep list": b'{"amount": 5, "order_id": "A", "x": ' + b"[" * 33 + b"]" * 33 + b"}",
    "100,000 deep": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 deep objects": b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_json_object_is_a_400(api, refused, raw):
    response = api("merchant_user", "POST", "/payments", raw=raw, headers={"Idempotency-Key": "k"})

    refused(response, 400, "malformed_request")
    assert Payment.objects.count() == 0
    assert IdempotencyRecord.objects.count() == 0


def test_32_levels_pass_and_unknown_fields_are_ignored(api, payment_body):
    deep = json.loads("[" * 31 + "]" * 31)

    assert api("merchant_user", "POST", "/payments", payment_body(whatever=deep)).status_code == 201


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("raw", [b"amount=5&order_id=A", b'{"amount": 5, "order_id": "A"}'])
def test_a_form_where_json_is_due_is_a_400(api, refused, raw, content_type):
    error = refused(
        api("merchant_user", "POST", "/payments", raw=raw, content_type=content_type), 400, "malformed_request"
    )

    assert "application/json" in error["message"]


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain", "application/vnd.x+json"])
def test_json_is_read_whatever_else_its_type_says(api, payment_body, content_type):
    raw = json.dumps(payment_body()).encode()

    assert api("merchant_user", "POST", "/payments", raw=raw, content_type=content_type).status_code == 201


def test_one_mebibyte_passes_and_one_byte_more_is_a_413(api, refused, payment_body):
    body = json.dumps(payment_body()).encode()
    padded = body[:-1] + b" " * (MIB - len(body)) + b"}"

    assert len(padded) == MIB
    refused(api("merchant_user", "POST", "/payments", raw=padded + b" "), 413, "payload_too_large")
    assert Payment.objects.count() == 0
    assert api("merchant_user", "POST", "/payments", raw=padded).status_code == 201


@pytest.mark.parametrize("length", ["99999999999999999999", "3000000"])
def test_a_length_that_is_too_large_is_refused_before_the_body_is_read(api, refused, length):
    response = api.client.generic(
        "POST", "/api/v1/payments", b"{}", content_type="application/json", CONTENT_LENGTH=length,
        headers={"X-API-KEY": api.key("merchant_user")},
    )

    refused(response, 413, "payload_too_large")


@pytest.mark.parametrize("length", ["-1", "abc", "１２", "1e3", "+2"])
def test_a_length_that_is_no_number_is_no_500(api, length):
    response = api.client.generic(
        "POST", "/api/v1/payments", b"{}", content_type="application/json", CONTENT_LENGTH=length,
        headers={"X-API-KEY": api.key("merchant_user")},
    )

    assert response.status_code == 400


def test_an_empty_body_is_an_empty_object(api, refused):
    refused(api("merchant_user", "POST", "/payments", raw=b""), 400, "missing_fields")
    refused(api("merchant_user", "POST", "/payments", raw=b" \n"), 400, "missing_fields")


def test_a_body_of_a_get_is_not_read(api):
    assert api("merchant_user", "GET", "/balance", raw=b"{broken").status_code == 200


def test_a_chunked_body_is_read_as_far_as_it_may_go():
    """Django alone takes a body without Content-Length for an empty one."""
    def request(body):
        made = RequestFactory().post("/", b"", content_type="application/json")
        made.META |= {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": BytesIO(body)}
        return made

    assert json_object(request(b'{"a": 1}')) == {"a": 1}
    with pytest.raises(PayloadTooLarge):
        raw_body(request(b" " * (MIB + 1)))
