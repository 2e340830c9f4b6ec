"""`python -m bench.fill FOLDER N`: N merchants, each with ₹100,000.00, a portal key, a checkout pair, a signed pair and one
payment, all of which the floor's statements find by the merchant's number; the first merchant has enough for every payout.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import django

django.setup()

from django.db import transaction  # noqa: E402

from accounts.credentials import portal_digest  # noqa: E402
from accounts.models import Credential, Merchant, PortalKey, Role, User  # noqa: E402
from gateway.lib import secrets  # noqa: E402
from ledger.deposits import deposit  # noqa: E402
from payments.models import Order, Payment  # noqa: E402

SECRET = "bench" * 8


@transaction.atomic
def fill(count: int) -> dict[str, list[str]]:
    root = User.objects.create(email="root@bench.example", name="Root", role=Role.SUPER_ADMIN)
    merchants = Merchant.objects.bulk_create(Merchant(name=f"Merchant {n}") for n in range(1, count + 1))
    users = User.objects.bulk_create(
        User(email=f"m{n}@bench.example", name=f"M {n}", role=Role.MERCHANT, parent=root, merchant=merchant)
        for n, merchant in enumerate(merchants, start=1)
    )
    keys = [_key(user, n) for n, user in enumerate(users, start=1)]
    pairs = [_pair(merchant, n) for n, merchant in enumerate(merchants, start=1)]
    for n, merchant in enumerate(merchants, start=1):
        minor = 10**14 if n == 1 else 10**7
        deposit(merchant=merchant, minor=minor, currency="INR", mode="test", reference=merchant.public_id)
        _payment(merchant, users[n - 1], n)
    return {"portal": keys, "checkout": [pair[0] for pair in pairs], "signed": [pair[1] for pair in pairs]}


def _key(user: User, number: int) -> str:
    """Beside the key that works, a digest for the floor's statement, since pgbench cannot compute ours."""
    key = secrets.new_key("gw_test_")
    for mode, digest in (("test", portal_digest(key)), ("live", str(number).zfill(64))):
        PortalKey.objects.create(user=user, mode=mode, digest=digest, last_four="0000")
    return key


def _pair(merchant: Merchant, number: int) -> tuple[str, str]:
    names = f"key_test_{number:016}", f"ak_test_{number:024}"
    digest, encrypted = secrets.digest(SECRET, purpose="checkout-secret"), secrets.encrypt(SECRET)
    for contract, name in zip(("checkout", "signed"), names, strict=True):
        Credential.objects.create(
            merchant=merchant, contract=contract, mode="test", identifier=name, hint=name[-4:],
            secret_digest=digest, secret_encrypted=encrypted,
        )
    return names


def _payment(merchant: Merchant, user: User, number: int) -> None:
    shared = {
        "merchant": merchant, "mode": "test", "contract": "portal", "amount_minor": 50_000, "currency": "INR",
        "created_by": user,
    }
    order = Order.objects.create(reference=f"first-{number}", status="attempted", **shared)
    Payment.objects.create(
        order=order, public_id=f"pay_{number:016}", method="upi", provider="sandbox", **shared,
    )


if __name__ == "__main__":
    for name, lines in fill(int(sys.argv[2])).items():
        (Path(sys.argv[1]) / f"{name}.txt").write_text("\n".join(lines) + "\n")
    print(json.dumps({"filled": int(sys.argv[2])}))
