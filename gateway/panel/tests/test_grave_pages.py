"""Which pages that change something ask for a fresh proof of who is there. A new page must be put into one of the two
lists, and so must whoever adds it think about it."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from django.urls import reverse

from gateway.panel import urls

# Money, keys, settings, people, fees, formats, secrets.
GRAVE = {
    "queue-selected",
    "payment-succeeded", "payment-capture", "payment-failed", "payment-refund", "refund-resolve",
    "payout-new", "payout-approve", "payout-reject", "payout-resolve", "payout-returned",
    "bank-format-new", "bank-format", "bank-format-retire", "batch-export", "batch-sent", "batch-result-apply",
    "receiving-new", "receiving-edit", "receiving-switch",
    "statement-import", "statement-line-assign", "match-confirm",
    "correction-new", "correction-confirm",
    "beneficiary-unblock",
    "default-fee", "merchant-fee", "merchant-new", "merchant-settings", "merchant-account", "merchant-suspend",
    "merchant-activate",
    "session-secret", "credit-reversal-new", "credit-reversal-confirm",
    "withdrawal-new", "withdrawal-address-new", "withdrawal-address-remove", "settlement-account", "withdrawal-limit",
    "withdrawal-approve", "withdrawal-reject",
    "transaction-give-up", "sender-resume", "wallet-capital", "wallet-coins-correct",
    "house-withdrawal-new", "house-withdrawal-confirm", "house-withdrawal-reject",
    "security-set-up", "security-remove", "security-codes", "user-authenticator",
    "user-new", "user-edit", "user-invitation", "user-suspend", "user-activate",
    "pair-new", "pair-edit", "pair-renew", "pair-revoke", "key-regenerate", "return-secret-show",
    "return-secret-regenerate",
    "endpoint-new", "endpoint-edit", "endpoint-delete", "endpoint-secret", "endpoint-rotate",
    "reference-send",
}
# What only asks, marks, prepares, protects or repeats; or asks for a proof of its own.
LIGHT = {
    "prove", "mode", "profile", "security-end", "signatures", "reference-code", "export-new",
    "payment-new", "payment-flag", "payout-flag", "session-claim", "session-flag",
    "batch-new", "batch-take-out", "batch-cancel", "batch-result-upload", "batch-result-discard",
    "statement-new", "statement", "statement-discard", "statement-line-return", "statement-line-ignore",
    "statement-line-reopen", "match-withdraw", "correction-reject", "correction-withdraw",
    "credit-reversal-reject", "credit-reversal-withdraw",
    "beneficiary-block",
    "endpoint-test", "delivery-retry", "deliveries-retry", "endpoint-retry-failed",
}
_PARTS = {"int": 1, "str": "x", "uuid": "00000000-0000-4000-8000-000000000000"}
CHANGING = {
    pattern.name: pattern for pattern in urls.urlpatterns if "POST" in getattr(pattern.callback, "panel_methods", ())
}


def test_every_page_that_changes_something_has_chosen():
    assert not GRAVE & LIGHT
    assert set(CHANGING) == GRAVE | LIGHT
    assert {name for name, pattern in CHANGING.items() if pattern.callback.panel_proof} == GRAVE


def test_no_two_pages_have_one_name():
    names = Counter(pattern.name for pattern in urls.urlpatterns)

    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_grave_page_asks_for_a_proof_that_is_not_stale(cast, signed_in, method):
    clients = {"super_admin": stale(signed_in(cast.super_admin)), "merchant": stale(signed_in(cast.merchant_user))}

    for name in sorted(GRAVE - {"security-set-up"}):
        pattern = CHANGING[name]
        parts = [_PARTS[kind] for kind in _kinds(pattern)]
        client = next(client for role, client in clients.items() if role in pattern.callback.panel_roles)
        if method.upper() not in pattern.callback.panel_methods:
            continue
        answer = getattr(client, method)(reverse(f"panel:{name}", args=parts))
        assert answer.status_code == 302, name
        assert answer["Location"].startswith(f"{reverse('panel:prove')}?next="), name


def _kinds(pattern):
    kinds = {"IntConverter": "int", "StringConverter": "str", "UUIDConverter": "uuid"}
    return [kinds[type(one).__name__] for one in pattern.pattern.converters.values()]


def stale(client):
    session = client.session
    session["proved_at"] = int(time.time()) - 24 * 3600
    session.save()
    return client


@pytest.mark.parametrize(("method", "headers"), [
    ("get", {"HX-Request": "true", "HX-Current-URL": "http://["}), ("post", {"Referer": "http://[/"}),
])
def test_after_a_proof_nobody_goes_to_what_is_no_address(cast, signed_in, method, headers):
    name = "user-new" if method == "get" else "return-secret-show"

    answer = getattr(stale(signed_in(cast.merchant_user)), method)(reverse(f"panel:{name}"), headers=headers)

    assert answer.get("HX-Redirect", answer.get("Location")) == f"{reverse('panel:prove')}?next="


def test_the_profiles_webhook_asks_for_a_proof_too(cast, signed_in):
    from webhooks.models import Endpoint

    answer = stale(signed_in(cast.merchant_user)).post(
        reverse("panel:profile"), {"form": "webhook", "url": "https://shop.example/hook"}
    )

    assert answer["Location"].startswith(reverse("panel:prove"))
    assert Endpoint.objects.count() == 0
