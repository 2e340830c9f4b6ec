"""The floor: the same rows written and read by one SQL statement in pgbench, on the gateway's own tables."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

MERCHANTS = 1_000

# What POST /payments does at the least: find the key, write order and payment, say who did it.
CREATE = """
\\set m random(1, :merchants)
WITH k AS (
  SELECT u.id AS user_id, u.merchant_id FROM accounts_portalkey p
  JOIN accounts_user u ON u.id = p.user_id JOIN accounts_merchant c ON c.id = u.merchant_id
  WHERE p.digest = lpad(:m::text, 64, '0') AND u.status = 'active' AND c.status = 'active'
), o AS (
  INSERT INTO payments_order ({order_columns})
  SELECT {order_values} FROM k RETURNING id, merchant_id
), p AS (
  INSERT INTO payments_payment ({payment_columns})
  SELECT {payment_values} FROM o, k RETURNING public_id, status, created_at
), a AS (
  INSERT INTO accounts_auditrecord (created_at, actor_id, actor_label, action, target, merchant_id, mode, data, request_id, address)
  SELECT now(), k.user_id, 'bench', 'payment.created', p.public_id, k.merchant_id, 'test', '{{}}', '', '' FROM p, k
)
SELECT public_id, status, created_at FROM p;
"""

# What GET /balance does at the least: find the key, add up the accounts.
BALANCE = """
\\set m random(1, :merchants)
SELECT a.currency, a.network, a.kind, sum(a.balance) FROM accounts_portalkey p
JOIN accounts_user u ON u.id = p.user_id JOIN accounts_merchant c ON c.id = u.merchant_id
LEFT JOIN ledger_ledgeraccount a ON a.merchant_id = u.merchant_id AND a.mode = 'test'
WHERE p.digest = lpad(:m::text, 64, '0') AND u.status = 'active' AND c.status = 'active'
GROUP BY 1, 2, 3;
"""

_ID = "substr(md5(random()::text), 1, 16)"
_OF_TYPE = {
    "character varying": "''", "text": "''", "bigint": "0", "integer": "0", "smallint": "0", "boolean": "false",
    "jsonb": "'{}'", "timestamp with time zone": "now()",
}
_OWN = {
    "payments_order": {
        "public_id": f"'order_' || {_ID}", "merchant_id": "k.merchant_id", "mode": "'test'", "contract": "'portal'",
        "status": "'attempted'", "reference": "md5(random()::text)", "amount_minor": "50000", "currency": "'INR'",
    },
    "payments_payment": {
        "public_id": f"'pay_' || {_ID}", "page_token": "substr(md5(random()::text), 1, 24)", "order_id": "o.id",
        "merchant_id": "o.merchant_id", "mode": "'test'", "contract": "'portal'", "status": "'created'",
        "method": "'upi'", "currency": "'INR'", "amount_minor": "50000", "provider": "'sandbox'",
        "provider_state": "'none'", "expires_at": "now() + interval '30 minutes'",
    },
}


def rate(folder: Path, case: str, clients: int, seconds: int) -> float:
    """Transactions a second of the case's statement."""
    script = folder / f"{case.replace(' ', '-')}.sql"
    if not script.exists():
        script.write_text(_statement(case))
    command = [
        "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds),
        "-D", f"merchants={MERCHANTS}", "-f", str(script), os.environ["BENCH_DATABASE_URL"],
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def _statement(case: str) -> str:
    if case == "balance":
        return BALANCE
    parts = {}
    for table, word in (("payments_order", "order"), ("payments_payment", "payment")):
        values = _values(table)
        parts[f"{word}_columns"], parts[f"{word}_values"] = ", ".join(values), ", ".join(values.values())
    return CREATE.format(**parts)


def _values(table: str) -> dict[str, str]:
    """Every column that must have a value, with ours or its type's empty one."""
    sql = (
        "SELECT column_name, data_type FROM information_schema.columns "
        f"WHERE table_name = '{table}' AND is_nullable = 'NO' AND is_identity = 'NO'"
    )
    url = os.environ["BENCH_DATABASE_URL"]
    lines = subprocess.check_output(["psql", "-AtF", "|", "-c", sql, url], text=True).splitlines()
    empty = {name: _OF_TYPE[kind] for name, kind in (line.split("|") for line in lines)}
    return empty | _OWN[table]
