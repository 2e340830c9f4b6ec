"""`python -m proof.state`: what an installation's database says of the load, as one JSON object.

Names and ids of what was made, what is still under way, what happened more than once or not at all, which events there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import django

django.setup()

from django.db.models import Count, Q, QuerySet  # noqa: E402

from crypto.models import Withdrawal  # noqa: E402
from payments.models import Payment, SandboxCharge  # noqa: E402
from payouts.models import Payout, SandboxTransfer  # noqa: E402
from webhooks.models import Delivery, Event  # noqa: E402

ENDS = {Payout: ("processed", "rejected", "failed", "cancelled"), Withdrawal: ("completed", "failed")}


def main() -> None:
    print(json.dumps({
        "payouts": _by_name(Payout.objects.values_list("reference", "public_id")),
        "payments": _by_name(Payment.objects.values_list("order__reference", "public_id")),
        "withdrawals": _by_name(Withdrawal.objects.values_list("note", "pk")),
        "under_way": _under_way(),
        "doubled": list(_doubled()),
        "lost": list(_lost()),
        "events": list(Delivery.objects.values_list("event__public_id", flat=True).distinct()),
    }))


def _by_name(pairs: Any) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for name, public_id in pairs:
        named.setdefault(str(name), []).append(str(public_id))
    return named


def _under_way() -> dict[str, int]:
    open_payments = Payment.objects.filter(status="processing")
    return {
        "payments": open_payments.count(),
        "payouts": Payout.objects.exclude(status__in=ENDS[Payout]).count(),
        "withdrawals": Withdrawal.objects.exclude(status__in=ENDS[Withdrawal]).count(),
        "deliveries": Delivery.objects.exclude(status="succeeded").count(),
    }


def _doubled() -> Iterator[str]:
    ends = Q(type__startswith="payment.") | Q(type__startswith="payout.") | Q(type__startswith="withdrawal.")
    rows: QuerySet[Any, Any] = Event.objects.filter(ends).values("type", "subject").annotate(times=Count("pk"))
    for row in rows.filter(times__gt=1).order_by():
        yield f"{row['type']} {row['subject']} was told {row['times']} times"
    paid = set(SandboxTransfer.objects.filter(decision="pay").values_list("reference", flat=True))
    processed = Q(status="processed") | Q(returned_at__isnull=False)
    known = set(Payout.objects.filter(processed).values_list("public_id", flat=True))
    for reference in paid - known:
        yield f"the bank paid {reference}, which is no processed payout"
    for reference in known - paid:
        yield f"{reference} is processed, and the bank never paid it"


def _lost() -> Iterator[str]:
    """Once nothing is under way: money that a payer paid and nobody has, and ends that nobody is told of."""
    paid = SandboxCharge.objects.filter(kind="charge", decision="succeed").values_list("reference", flat=True)
    known = Payment.objects.filter(status="succeeded").values_list("public_id", flat=True)
    for reference in sorted(set(paid) - set(known)):
        yield f"the provider took the money of {reference}, which is no succeeded payment"
    told = set(Event.objects.values_list("subject", "type"))
    for public_id in known:
        if (public_id, "payment.succeeded") not in told:
            yield f"{public_id} succeeded, and nobody is told"
    for public_id, status in Payout.objects.filter(status__in=ENDS[Payout]).values_list("public_id", "status"):
        if (public_id, "payout.processed" if status == "processed" else "payout.rejected") not in told:
            yield f"{public_id} is {status}, and nobody is told"


if __name__ == "__main__":
    main()
