"""Lists of payments at 10,000 and at 1,000,000: two merchants in the same tables, calls in this process, in turn.

`TITLES` are calls of the portal, and the panel's free-text search. The goal is a time at 1,000,000 of at most 3 times
that at 10,000.
"""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

SIZES = (10_000, int(os.environ.get("BENCH_ROWS", "1000000")))
TURNS = 15
_FILL = """
WITH made AS (
  INSERT INTO payments_order (public_id, merchant_id, mode, contract, status, reference, receipt, amount_minor, currency,
    notes, public, manual_capture, redirect_url, created_at, updated_at)
  SELECT 'order_' || substr(md5(%(m)s || 'o' || n), 1, 16), %(m)s, 'test', 'portal', 'paid', 'ORDER-' || lpad(n::text, 8, '0'),
    '', 50000, 'INR', '{}', false, false, '', now() - interval '365 days' * (n::float / %(rows)s), now()
  FROM generate_series(1, %(rows)s) n RETURNING id, reference, created_at
)
INSERT INTO payments_payment (@columns) SELECT @values
FROM (SELECT id, substr(reference, 7)::int AS n, created_at AS at FROM made) o
"""
_OWN = {
    "public_id": "'pay_' || substr(md5(%(m)s || 'p' || n), 1, 16)", "page_token": "substr(md5(%(m)s || 't' || n), 1, 24)",
    "order_id": "o.id", "merchant_id": "%(m)s", "mode": "'test'", "contract": "'portal'", "method": "'upi'", "currency": "'INR'",
    "status": "CASE WHEN n %% 10 < 8 THEN 'succeeded' ELSE 'failed' END", "amount_minor": "50000", "provider": "'sandbox'",
    "payer_name": "'Payer ' || n", "payer_email": "'payer' || n || '@shop.example'", "created_at": "o.at", "updated_at": "o.at",
    "utr": "lpad((%(m)s::bigint * 10000000 + n)::text, 12, '0')", "provider_state": "'none'",
}
TITLES: dict[str, Any] = {
    "first page": lambda rows, turn: "",
    "page in the middle": lambda rows, turn: f"?page={rows // 40 + turn}",
    "last page": lambda rows, turn: f"?page={rows // 20}",
    "failed only": lambda rows, turn: "?status=failed",
    "search, a reference": lambda rows, turn: f"?search=ORDER-0000{7000 + turn}",
    "search, an e-mail": lambda rows, turn: f"?search=payer77{turn:02}%40shop",
    "search, found nowhere": lambda rows, turn: f"?search=nowhere{turn}",
}


def rates() -> list[tuple[str, float, float]]:
    """Per call: its title, and milliseconds (median) at the small and at the large size."""
    import django

    django.setup()
    from bench.floor import _values

    own = _values("payments_payment") | _OWN
    statement = _FILL.replace("@columns", ", ".join(own)).replace("@values", ", ".join(own.values()))
    merchants = [_fill(statement, number, rows) for number, rows in enumerate(SIZES)]
    return [(title, *_time(query, merchants)) for title, query in TITLES.items()]


def _fill(statement: str, number: int, rows: int) -> tuple[str, int]:
    from django.db import connection

    from accounts.actors import Actor
    from accounts.models import Role, User
    from accounts.services import create_user

    root = User.objects.get(email="root@bench.example")
    user, keys = create_user(
        actor=Actor(root, "bench"), email=f"list{number}@bench.example", name="List", role=Role.MERCHANT, parent=root,
        business_name="List", password="correct-horse-battery",
    )
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET session_replication_role = replica")  # no look at each row's foreign keys
        cursor.execute(statement, {"m": user.merchant_id, "rows": rows})
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE payments_payment")
        cursor.execute("VACUUM ANALYZE payments_order")
    return keys["test"], rows


def _time(query: Any, merchants: list[tuple[str, int]]) -> tuple[float, float]:
    from django.test import Client

    client, times = Client(), [[], []]  # type: ignore[var-annotated]
    for turn in range(TURNS + 1):
        for place, (key, rows) in enumerate(merchants):
            began = time.perf_counter()
            answer = client.get(f"/api/v1/payments{query(rows, turn)}", headers={"X-API-KEY": key})
            assert answer.status_code == 200, answer.content
            if turn:
                times[place].append((time.perf_counter() - began) * 1000)
    small, large = (statistics.median(found) for found in times)
    return small, large
