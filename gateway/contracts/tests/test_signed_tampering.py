"""A signed request with one byte of it changed, anywhere, is not the request that was signed."""

from __future__ import annotations

import json

import pytest

from gateway.contracts.models import SeenSignature
from gateway.contracts.signed.testing import LINK, Signed, good, send
from payments.models import Payment

PATH = "/payin/generate/link"
BODY = json.dumps(LINK, separators=(",", ":")).encode()


@pytest.fixture
def signed(cast, settings):
    settings.SIGNED_RATE_LIMIT = settings.FAILED_AUTH_RATE_LIMIT = 1_000_000
    return Signed(cast.merchant)


def other(byte: int) -> int:
    """A printable neighbour, so that the request stays readable where it can."""
    return byte - 1 if byte in (0x7E, 0x5B) else byte + 1


def each_byte_changed(text: bytes) -> list[bytes]:
    return [text[:at] + bytes([other(byte)]) + text[at + 1:] for at, byte in enumerate(text)]


def refused_and_nothing_kept(response, status=401):
    assert response.status_code == status, (response.status_code, response.content)
    assert not Payment.objects.exists()
    assert not SeenSignature.objects.exists()


def test_any_byte_of_the_body(signed):
    for changed in [*each_byte_changed(BODY), BODY[:-1], BODY + BODY, b"{}", b""]:
        headers = signed.headers("POST", f"/api/v1{PATH}", BODY.decode())
        response = send("POST", PATH, changed, headers, documented=False)
        # What is no JSON any more may be told so first; either way it is refused, and nothing was done.
        refused_and_nothing_kept(response, 400 if response.status_code == 400 else 401)


@pytest.mark.parametrize("header", ["Timestamp", "Signature", "Access-Key"])
def test_any_character_of_a_header(signed, header):
    headers = signed.headers("POST", f"/api/v1{PATH}", BODY.decode())

    for changed in each_byte_changed(headers[header].encode()):
        refused_and_nothing_kept(send("POST", PATH, BODY, headers | {header: changed.decode()}, documented=False))


def test_another_path_or_method_than_was_signed(signed):
    signed_path = f"/api/v1{PATH}"
    for path in [changed.decode() for changed in each_byte_changed(signed_path.encode())] + ["/api/v1/balance", signed_path + "/"]:
        refused_and_nothing_kept(send("POST", PATH, BODY, signed.headers("POST", path, BODY.decode())))
    for method in ("GET", "PUT", "DELETE", "post", "POST "):
        refused_and_nothing_kept(send("POST", PATH, BODY, signed.headers(method, signed_path, BODY.decode())))


def test_what_was_signed_is_let_in_once_after_all_that(signed):
    headers = signed.headers("POST", f"/api/v1{PATH}", BODY.decode())

    good(send("POST", PATH, BODY, headers))

    assert send("POST", PATH, BODY, headers).status_code == 401
    assert Payment.objects.count() == 1
