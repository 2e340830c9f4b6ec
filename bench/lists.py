"""`python -m bench.lists`: every filter and order of the dashboard's lists at 10,000 and at 1,000,000 sessions.

Two merchants in the same tables of an own database (`gateway_bench_lists`, made and dropped; `KEEP=1` keeps it), filled
by `generate_series`; calls in this process, small and large in turn. Quote the ratios: the goal is a 95th percentile at
1,000,000 of at most 3 times that at 10,000. `EXPORTS=1` also writes 1,000,000 rows in each format and tells the memory.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from datetime import timedelta

NAME = "gateway_bench_lists"
SERVER = os.environ.get("BENCH_POSTGRES", "postgres://postgres@127.0.0.1:5432")
SMALL, LARGE = 10_000, int(os.environ.get("BENCH_ROWS", "1000000"))
TURNS = int(os.environ.get("BENCH_TURNS", "40"))
FILL = """
INSERT INTO crypto_depositaddress (network_id, mode, address, lookup, index, is_active, merchant_id, currency, times_used,
    received_minor, swept_minor, sweep_status, created_at, updated_at)
SELECT (ARRAY['BSC','ETH','POL','TRX','SOL'])[1 + n %% 5], 'test', '0x' || md5(%(merchant)s || 'a' || n),
    md5(%(merchant)s || 'a' || n), %(merchant)s * 1000000 + n, n %% 50 <> 0, %(merchant)s, 'USDT', 50, 5000000000, 5000000000,
    'swept', now() - interval '400 days', now() FROM generate_series(1, %(addresses)s) n;
ANALYZE crypto_depositaddress;
INSERT INTO crypto_session (id, merchant_id, mode, status, reference, amount_minor, currency, network_id, address_id,
    customer_email, customer_name, description, callback_url, metadata, required_confirmations, expires_at,
    received_minor, fee_minor, tax_minor, transaction_hash, flags, created_at, updated_at, paid_at)
SELECT md5(%(merchant)s || 's' || n)::uuid, %(merchant)s, 'test', s.status, 'ORDER-' || lpad(n::text, 8, '0'),
    (1 + n %% 500) * 100000000::bigint, (ARRAY['USDT','USDC'])[1 + n %% 2], a.network_id, a.id,
    'customer' || n || '@shop.example', 'Customer', 'Order', '', '{}', 12, c.at + interval '15 minutes',
    CASE s.status WHEN 'paid' THEN (1 + n %% 500) * 100000000::bigint ELSE 0 END,
    CASE s.status WHEN 'paid' THEN (1 + n %% 500) * 1000000::bigint ELSE 0 END, 0,
    CASE s.status WHEN 'paid' THEN '0x' || md5('t' || %(merchant)s || n) || md5('u' || n) ELSE '' END, '[]', c.at, c.at,
    CASE s.status WHEN 'paid' THEN c.at + interval '5 minutes' END
FROM (SELECT n, now() - interval '365 days' * (n::float / %(rows)s) AS at, %(merchant)s * 1000000 + 1 + n %% %(addresses)s AS place
        FROM generate_series(1, %(rows)s) n) c
    CROSS JOIN LATERAL (SELECT CASE WHEN n %% 20 < 15 THEN 'paid' WHEN n %% 20 < 17 THEN 'pending'
        WHEN n %% 20 < 19 THEN 'expired' ELSE 'failed' END AS status) s
    JOIN crypto_depositaddress a ON a.index = c.place;
INSERT INTO crypto_chaintransaction (type, status, merchant_id, mode, network_id, currency, transaction_hash, position,
    amount_minor, raw_units, sender, recipient, block_hash, gas_used, gas_price, credited_minor, fee_minor, tax_minor,
    note, address_id, session_id, created_at, updated_at, confirmed_at, height)
SELECT 'incoming', 'confirmed', merchant_id, mode, network_id, currency, transaction_hash, 0, received_minor, '1', '0xsender',
    '0xrecipient', '', '', '', received_minor, fee_minor, 0, '', address_id, id, paid_at, paid_at, paid_at, 1
FROM crypto_session WHERE merchant_id = %(merchant)s AND status = 'paid'
"""
LISTS = {
    "sessions": "",
    "sessions, page in the middle": "?page={middle}",
    "sessions, last page": "?page={last}",
    "sessions, 100 rows": "?limit=100",
    "status=pending": "?status=pending",
    "status=failed, middle": "?status=failed&page={failed}",
    "network=TRX": "?network=TRX",
    "currency=USDC, network=SOL, status=failed": "?currency=USDC&network=SOL&status=failed",
    "a month": "?start_date={start}&end_date={end}",
    "sort_by=amount": "?sort_by=amount",
    "sort_by=amount asc, middle": "?sort_by=amount&sort_order=asc&page={middle}",
    "sort_by=paid_at": "?sort_by=paid_at",
    "sort_by=paid_at, middle": "?sort_by=paid_at&page={middle}",
    "status=paid, sort_by=amount, middle": "?status=paid&sort_by=amount&page={half}",
    "network=BSC, middle": "?network=BSC&page={tenth}",
    "sort_by=paid_at asc": "?sort_by=paid_at&sort_order=asc",
    "search=reference": "?search=ORDER-00009{digit}",
    "search=e-mail": "?search=customer99{digit}7@shop",
    "search=id": "?search={id}",
}
OTHERS = {
    "transactions": "/transactions", "transactions, middle": "/transactions?page={half}",
    "transactions, min_amount": "/transactions?min_amount=499",
    "transactions, min_amount, middle": "/transactions?min_amount=250&page={quarter}",
    "transactions, type and network, middle": "/transactions?type=incoming&network=BSC&page={tenth}",
    "addresses": "/addresses", "addresses, has_balance": "/addresses?has_balance=false&sort_by=balance",
    "overview": "/overview", "balance": "/balance/crypto", "balance by network": "/balance/networks", "analytics 30d": "/analytics/payments", "analytics 1y by day": "/analytics/payments?period=1y",
}


def main() -> int:
    subprocess.run(["psql", "-q", f"{SERVER}/postgres", "-c", f"DROP DATABASE IF EXISTS {NAME}"], check=True)
    subprocess.run(["psql", "-q", f"{SERVER}/postgres", "-c", f"CREATE DATABASE {NAME}"], check=True)
    try:
        os.environ |= {"DATABASE_URL": f"{SERVER}/{NAME}", "DJANGO_SETTINGS_MODULE": "gateway.settings"}
        run()
    finally:
        if not os.environ.get("KEEP"):
            from django.db import connections

            connections.close_all()
            subprocess.run(["psql", "-q", f"{SERVER}/postgres", "-c", f"DROP DATABASE {NAME} WITH (FORCE)"], check=True)
    return 0


def run() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    settings.DASHBOARD_RATE_LIMITS = dict.fromkeys(settings.DASHBOARD_RATE_LIMITS, (10 ** 9, 60))
    indexes = take_indexes()
    merchants = [fill(SMALL), fill(LARGE)]
    finish(indexes)
    print(f"{'':<44}{'10,000 p50':>12}{'p95':>8}{'1,000,000 p50':>16}{'p95':>8}{'worst':>8}{'p95 ratio':>11}")
    for title, path in [(name, f"/sessions{query}") for name, query in LISTS.items()] + list(OTHERS.items()):
        measure(title, path, merchants)
    if os.environ.get("EXPORTS"):
        write_exports(merchants[1][0])


def fill(rows: int):  # type: ignore[no-untyped-def]
    from django.db import connection

    from accounts.models import Merchant
    from gateway.contracts.dashboard.testing import Dashboard

    merchant = Merchant.objects.create(name=f"{rows} sessions")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET session_replication_role = replica")  # no look at each row's foreign keys
        values = {"merchant": merchant.pk, "rows": rows, "addresses": max(100, rows // 50)}
        for statement in FILL.split(";\n"):
            cursor.execute(statement, values)
    return merchant, Dashboard(merchant).key, rows


def take_indexes() -> list[str]:
    """Takes the plain indexes off the two large tables, which fills them in minutes instead of an hour; their SQL."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("""SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('crypto_session', 'crypto_chaintransaction')
            AND indexname NOT IN (SELECT conname FROM pg_constraint) AND indexname NOT LIKE '%pkey'""")
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in found]


def finish(indexes: list[str]) -> None:
    from django.db import connection

    from crypto.services.figuring import rebuild_figures

    with connection.cursor() as cursor:
        for definition in indexes:
            cursor.execute(definition)
        started = time.perf_counter()
        print(f"{rebuild_figures()} rows counted anew in {time.perf_counter() - started:.0f} s", flush=True)
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SET statement_timeout = 30000")
        cursor.execute("SET session_replication_role = origin")


def measure(title, path, merchants) -> None:  # type: ignore[no-untyped-def]
    """Both merchants in turn, after one call each that warms up what a database keeps in memory."""
    from django.test import Client

    client, times = Client(), {merchant.pk: [] for merchant, _, _ in merchants}
    for turn in range(TURNS + 1):
        for merchant, key, rows in merchants:
            address = "/api/v1/dashboard" + path.format(**words(merchant, rows, turn))
            started = time.perf_counter()
            answer = client.get(address, headers={"X-API-Key": key})
            if turn:
                times[merchant.pk].append((time.perf_counter() - started) * 1000)
            assert answer.status_code == 200, (address, answer.content)
    small, large = (sorted(found) for found in times.values())
    p95 = [found[int(len(found) * 0.95) - 1] for found in (small, large)]
    print(f"{title:<44}{statistics.median(small):>12.1f}{p95[0]:>8.1f}{statistics.median(large):>16.1f}{p95[1]:>8.1f}{large[-1]:>8.1f}{p95[1] / p95[0]:>11.1f}", flush=True)


def words(merchant, rows, turn):  # type: ignore[no-untyped-def]
    from hashlib import md5

    from django.utils import timezone

    today = timezone.now()
    return {
        "tenth": rows // 400 + turn, "quarter": rows * 3 // 320 + turn,
        "middle": rows // 40 + turn, "last": rows // 20, "failed": rows // 800 + turn, "half": rows * 3 // 160, "digit": turn % 10,
        "start": f"{today - timedelta(days=100 + turn):%Y-%m-%d}", "end": f"{today - timedelta(days=70 + turn):%Y-%m-%d}",
        "id": md5(f"{merchant.pk}s{turn + 7}".encode()).hexdigest()[:12],
    }


def write_exports(merchant) -> None:  # type: ignore[no-untyped-def]
    """Each in a process of its own, so that its peak is its own; a PDF of as many rows as one may have."""
    for format in ("csv", "json", "xlsx", "pdf"):
        code = WRITE.format(merchant=merchant.pk, format=format, days=17 if format == "pdf" else 400)
        started = time.perf_counter()
        told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
        print(f"export {format:<6} {told[0]:>9} rows, {int(told[1]) // 2**20:>5} MB file, {int(told[2]) // 1024:>5} MB of memory "
              f"(of which {int(told[3]) // 1024} before it began), {time.perf_counter() - started:.0f} s", flush=True)


WRITE = """
import resource
import django; django.setup()
from django.conf import settings
from django.db import connection
from django.utils import timezone
from datetime import timedelta
from accounts.models import Merchant
from crypto.models import Export
from crypto.exports import services
from gateway.lib.work import claim_due
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
row = Export.objects.create(merchant_id={merchant}, mode="test", format="{format}", type="sessions",
    starts_at=timezone.now() - timedelta(days={days}), ends_at=timezone.now(), due_at=timezone.now())
(mine,) = claim_due(Export.objects.filter(pk=row.pk))
services.make(mine)
row.refresh_from_db()
print(row.record_count, row.file_size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, before)
services.path_of(row).unlink()
"""


if __name__ == "__main__":
    sys.exit(main())
