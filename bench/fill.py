"""`python -m bench.fill KEYS N`: N merchants, each with a test key (written to KEYS), a second digest for the floor's
statement to look up, and ₹100,000.00."""

from __future__ import annotations

import sys
from pathlib import Path

import django

django.setup()

from django.db import transaction  # noqa: E402

from accounts.credentials import portal_digest  # noqa: E402
from accounts.models import Merchant, PortalKey, Role, User  # noqa: E402
from gateway.lib import secrets  # noqa: E402
from ledger.deposits import deposit  # noqa: E402


@transaction.atomic
def fill(count: int) -> list[str]:
    root = User.objects.create(email="root@bench.example", name="Root", role=Role.SUPER_ADMIN)
    merchants = Merchant.objects.bulk_create(Merchant(name=f"Merchant {n}") for n in range(count))
    users = User.objects.bulk_create(
        User(email=f"m{n}@bench.example", name=f"M {n}", role=Role.MERCHANT, parent=root, merchant=merchant)
        for n, merchant in enumerate(merchants)
    )
    keys = [secrets.new_key("gw_test_") for _ in users]
    PortalKey.objects.bulk_create(
        PortalKey(user=user, mode="test", digest=portal_digest(key), last_four=key[-4:])
        for user, key in zip(users, keys, strict=True)
    )
    # pgbench cannot compute our digests: it looks these up instead, by number.
    PortalKey.objects.bulk_create(
        PortalKey(user=user, mode="live", digest=str(n).zfill(64), last_four="0000")
        for n, user in enumerate(users, start=1)
    )
    for merchant in merchants:
        deposit(merchant=merchant, minor=10_000_000, currency="INR", mode="test", reference=merchant.public_id)
    return keys


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("\n".join(fill(int(sys.argv[2]))) + "\n")
