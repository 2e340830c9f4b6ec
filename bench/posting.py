"""`ledger.post` from Python: `python -m bench.posting SECONDS MERCHANTS` posts for so long and prints how often it did."""

from __future__ import annotations

import os
import random
import sys
import time

from bench import crowd


def rate(case: str, clients: int, seconds: int) -> float:
    """Postings a second of `clients` processes."""
    command = [sys.executable, "-m", "bench.posting", str(seconds), str(crowd.WALLETS[case])]
    return crowd.rate(command, clients)


def main(seconds: float, merchants: int) -> float:
    import django

    django.setup()
    from accounts.models import Merchant
    from ledger.services import Line, merchant_account, post

    ids = list(Merchant.objects.order_by("pk").values_list("pk", flat=True)[:merchants])
    names, count = f"bench:{os.getpid()}:", 0
    crowd.wait_for_the_others()
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        merchant = random.choice(ids)
        count += 1
        lines = [
            Line(merchant_account(merchant, "test", "INR", "available"), -100),
            Line(merchant_account(merchant, "test", "INR", "reserved"), 100),
        ]
        post(kind="bench", reference=f"{names}{count}", mode="test", lines=lines)
    return count / (time.monotonic() - began)


if __name__ == "__main__":
    print(main(float(sys.argv[1]), int(sys.argv[2])))
