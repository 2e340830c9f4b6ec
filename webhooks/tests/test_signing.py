"""Who signs what: checked against the public Standard Webhooks library and against hmac by hand."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from gateway.lib.secrets import new_webhook_secret
from webhooks import signing

AT = datetime(2026, 1, 31, 17, 0, 0, 250_000, tzinfo=UTC)
BODY = '{"event":"payment.completed","payer":"Zoë ₹"}'.encode()


def headers(**more):
    given = {
        "contract": "portal", "url": "https://shop.example/hooks/pay?token=1", "event_id": "evt_8ZcxseV6Ggfe9rze",
        "event_name": "payment.completed", "body": BODY, "secrets": [new_webhook_secret()], "at": AT,
    }
    return signing.headers(**given | more)


def hexdigest(secret, message):
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def test_every_delivery_has_the_same_headers_and_no_other():
    secret = new_webhook_secret()

    sent = headers(secrets=[secret])

    assert sent == {
        "Content-Type": "application/json",
        "User-Agent": "Gateway-Webhooks/1.0",
        "X-Event": "payment.completed",
        "X-Signature": hexdigest(secret, BODY),
        "webhook-id": "evt_8ZcxseV6Ggfe9rze",
        "webhook-timestamp": "1769878800",
        "webhook-signature": Webhook(secret).sign("evt_8ZcxseV6Ggfe9rze", AT, BODY.decode()),
    }


def test_known_values():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, tz=UTC)

    sent = headers(secrets=[secret], event_id="msg_p5jXN8AQM9LWM0D4loKWxJek", body=b'{"test": 2432232314}', at=at)

    assert sent["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("body", [b"", b"{}", b'{"a":"\\u0000"}', "½".encode(), b"x" * 100_000])
def test_the_library_signs_any_body_alike(body):
    secret = new_webhook_secret()

    sent = headers(secrets=[secret], body=body)

    assert sent["webhook-signature"] == Webhook(secret).sign(sent["webhook-id"], AT, body.decode())
    assert sent["X-Signature"] == hexdigest(secret, body)


def test_during_a_rotation_both_secrets_sign():
    new, old = new_webhook_secret(), new_webhook_secret()

    sent = headers(secrets=[new, old])

    expected = [Webhook(secret).sign(sent["webhook-id"], AT, BODY.decode()) for secret in (new, old)]
    assert sent["webhook-signature"].split(" ") == expected
    assert sent["X-Signature"] == hexdigest(new, BODY)


def test_signed_endpoints_get_their_contracts_own_signature_over_the_urls_path():
    secret = new_webhook_secret()

    sent = headers(contract="signed", secrets=[secret])

    assert sent["Timestamp"] == "1769878800250"
    assert sent["Signature"] == hexdigest(secret, b"POST\n/hooks/pay\n" + BODY + b"\n1769878800250\n")
    assert "Timestamp" not in headers(contract="portal")


@pytest.mark.parametrize(("url", "path"), [("https://a.example", "/"), ("https://a.example/?x", "/"),
                                           ("https://a.example/a%2Fb//c/", "/a%2Fb//c/")])
def test_the_signed_path_is_the_one_requested(url, path):
    assert signing.sign_request("s", "POST", url, b"{}", "1") == hexdigest("s", f"POST\n{path}\n{{}}\n1\n".encode())


def test_checkout_secrets_are_hex_and_have_a_standard_form():
    secret = "455be43ec4cd144f242a503e1eb909b9"

    sent = headers(contract="checkout", secrets=[secret])

    form = signing.standard_form(secret)
    assert form == "whsec_" + base64.b64encode(bytes.fromhex(secret)).decode()
    values = sent["webhook-signature"].split(" ")
    assert values[0] == Webhook(form).sign(sent["webhook-id"], AT, BODY.decode())
    assert values[1:] == [Webhook(secret.encode()).sign(sent["webhook-id"], AT, BODY.decode())]
    assert sent["X-Signature"] == hexdigest(secret, BODY)


def test_a_standard_secret_is_its_own_standard_form():
    secret = new_webhook_secret()

    assert signing.standard_form(secret) == secret
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
