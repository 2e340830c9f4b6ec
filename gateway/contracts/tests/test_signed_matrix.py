"""The matrix of the signed contract: every address, for every caller, about an own, another's, the other mode's and an
unknown record. Each cell says what must come back; an address that is not listed here fails.
"""

from datetime import timedelta
from itertools import product

import pytest
from django.urls import get_resolver
from django.utils import timezone

from accounts.models import Credential, Merchant
from gateway.contracts.signed.testing import LINK, PAYOUT, Signed, send
from payments.models import Order, Payment
from payouts.models import Payout

CALLS = {
    "balance": "GET", "payin/generate/link": "POST", "payin/transactions": "POST", "payout/initiate": "POST",
    "payout/<id>/status": "GET",
}
CREATE = {"payin/generate/link": LINK, "payout/initiate": PAYOUT}
ABOUT_ONE = ("payin/transactions", "payout/<id>/status")
OWNERS = ("own", "portals", "others", "live", "unknown")
LET_IN = ("merchant", "with_its_address", "second_pair")
REFUSED = {
    "nobody": (401, "missing_credentials"), "unknown_key": (401, "invalid_access_key"),
    "revoked": (401, "invalid_access_key"), "expired": (401, "invalid_access_key"),
    "wrong_secret": (401, "invalid_signature"), "stale": (401, "timestamp_expired"),
    "suspended": (403, "account_suspended"), "elsewhere": (403, "ip_not_allowed"),
}


def test_no_address_and_no_method_is_missing_from_this_matrix():
    known = {}
    for pattern in get_resolver("gateway.contracts.signed.urls").url_patterns:
        address = "/".join("<id>" if part.startswith("<") else part for part in pattern.pattern._route.split("/"))
        (known[address],) = {name for name in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(pattern.callback.cls, name.lower())}

    assert known == CALLS


@pytest.fixture
def world(cast, fund, api, payment_body, payout_body, settings):
    """A payment and a payout of each owner, named by whose they are; `canary` is in all that strangers must not see."""
    settings.SIGNED_RATE_LIMIT = 100_000
    fund(cast.merchant, 10_000_00)
    fund(cast.other, 10_000_00)
    for merchant, name in ((cast.merchant, "own"), (cast.other, "others"), (cast.merchant, "live")):
        signed = Signed(merchant)
        assert signed("POST", "/payin/generate/link", LINK | {"order_id": name, "user_id": f"canary-{name}"}).status_code == 200
        assert signed("POST", "/payout/initiate", PAYOUT | {"order_id": name, "beneficiary_name": f"canary-{name}"}).status_code == 200
    api("merchant_user", "POST", "/payments", payment_body(order_id="portals"))
    api("merchant_user", "POST", "/payouts", payout_body(order_id="portals"))
    for model, field in ((Order, "reference"), (Payment, "order__reference"), (Payout, "reference")):
        model.objects.filter(**{field: "live"}).update(mode="live")


def caller(cast, who):
    """The client of a caller, and what is odd about its requests."""
    addresses = {"with_its_address": ["127.0.0.1"], "elsewhere": ["203.0.113.7"]}.get(who, [])
    signed = Signed(cast.merchant, allowed_addresses=addresses)
    rows = Credential.objects.filter(pk=signed.credential.pk)
    if who == "revoked":
        rows.update(revoked_at=timezone.now())
    if who == "expired":
        rows.update(expires_at=timezone.now() - timedelta(seconds=1))
    Merchant.objects.filter(pk=cast.merchant.pk).update(status="suspended" if who == "suspended" else "active")
    return signed


def call(cast, who, address, owner):
    signed, method = caller(cast, who), CALLS[address]
    path = "/" + address.replace("<id>", owner)
    body = CREATE.get(address) or ({"order_id": owner} if address == "payin/transactions" else None)
    if address in CREATE:
        body = body | {"order_id": f"new-{who}-{owner}"}
    if who == "nobody":
        return send(method, path, b"", {"Access-Key": ""})  # or `GET /balance` would be the portal's
    if who == "unknown_key":
        return signed(method, path, body, headers={"Access-Key": "ak_test_" + "0" * 24})
    if who == "wrong_secret":
        signed.pair = type(signed.pair)(signed.pair.identifier, "sk_test_wrong")
    if who == "stale":
        return signed(method, path, body, headers={"Timestamp": "1700000000000"})
    return signed(method, path, body)


@pytest.mark.parametrize("address", CALLS)
def test_every_caller_and_every_owner(cast, world, address):
    wrong, cells = [], 0
    before = (Payment.objects.count(), Payout.objects.count())
    for who, owner in product((*LET_IN, *REFUSED), OWNERS):
        response = call(cast, who, address, owner)
        cells += 1
        if who in REFUSED:
            expected = REFUSED[who]
        elif address in ABOUT_ONE and owner not in ("own", "portals"):
            expected = (404, "not_found")
        else:
            expected = (200, "")
        if (response.status_code, response.json()["error"]) != expected:
            wrong.append((who, owner, response.status_code, response.content, expected))
        if response.status_code != 200 and b"canary" in response.content:
            wrong.append((who, owner, "leaks"))

    assert wrong == []
    assert cells == 55
    made = len(LET_IN) * len(OWNERS)
    assert (Payment.objects.count(), Payout.objects.count()) == (
        before[0] + made * (address == "payin/generate/link"), before[1] + made * (address == "payout/initiate"),
    )
