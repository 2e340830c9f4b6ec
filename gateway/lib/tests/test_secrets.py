"""Secrets at rest, and secrets kept out of logs."""

import re

import pytest
from cryptography.fernet import Fernet, InvalidToken

from gateway.lib import logs, secrets


def test_a_digest_depends_on_value_purpose_and_pepper(settings):
    first = secrets.digest("value", purpose="a")

    assert re.fullmatch(r"[0-9a-f]{64}", first)
    assert first == secrets.digest("value", purpose="a")
    assert first != secrets.digest("value", purpose="b")
    assert first != secrets.digest("valuf", purpose="a")
    settings.GATEWAY_PEPPER = "another"
    assert first != secrets.digest("value", purpose="a")


def test_purpose_and_value_cannot_be_shifted_into_each_other():
    assert secrets.digest("bc", purpose="a") != secrets.digest("c", purpose="ab")


def test_what_is_encrypted_can_be_read_with_an_old_key_and_moves_to_the_first(settings):
    token = secrets.encrypt("whsec_hello")
    old = settings.GATEWAY_ENCRYPTION_KEYS
    settings.GATEWAY_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *old]

    assert "hello" not in token
    assert secrets.decrypt(token) == "whsec_hello"
    assert not secrets.uses_first_key(token)
    moved = secrets.reencrypt(token)
    settings.GATEWAY_ENCRYPTION_KEYS = settings.GATEWAY_ENCRYPTION_KEYS[:1]
    assert secrets.decrypt(moved) == "whsec_hello"
    with pytest.raises(InvalidToken):
        secrets.decrypt(token)


def test_new_keys_have_32_random_bytes_and_their_prefix():
    keys = {secrets.new_key("gw_test_") for _ in range(200)}

    assert len(keys) == 200
    assert all(re.fullmatch(r"gw_test_[A-Za-z0-9_-]{43}", key) for key in keys)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secrets.new_webhook_secret())


@pytest.mark.parametrize(
    "text",
    [
        "key gw_test_abcdefghijklmnop failed", "Bearer live_sk_abcdefghijklmnop", "whsec_QUJDREVGR0hJSktMTU5P",
        "sk_live_abcdefghij", "card 4111 1111 1111 1111 declined", "4111111111111111",
    ],
)
def test_credentials_and_card_numbers_are_scrubbed_from_any_text(text):
    assert logs.HIDDEN in logs.scrub(text)
    assert logs.HIDDEN in logs.scrub({"nested": [text]})["nested"][0]


def test_values_under_a_sensitive_name_are_hidden_and_others_kept():
    event = {"event": "x", "api_key": "abc", "Authorization": "abc", "cvv": 123, "order_id": "o-1", "count": 3}

    shown = logs.hide_secrets(None, "info", event)

    assert shown == {
        "event": "x", "api_key": logs.HIDDEN, "Authorization": logs.HIDDEN, "cvv": logs.HIDDEN,
        "order_id": "o-1", "count": 3,
    }


def test_ordinary_identifiers_are_not_taken_for_secrets():
    for text in ("pay_8ZcxseV6Ggfe9rze", "order-2026-11-20", "₹1,00,000.00", "2026-11-20T20:39:00.123456Z"):
        assert logs.scrub(text) == text
