"""The floor: the same rows written and read by one SQL statement in pgbench, on the gateway's own tables."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

MERCHANTS = 1_000

_KEY = """
  SELECT u.id AS user_id, u.merchant_id FROM accounts_portalkey p
  JOIN accounts_user u ON u.id = p.user_id JOIN accounts_merchant c ON c.id = u.merchant_id
  WHERE p.digest = lpad(:m::text, 64, '0') AND u.status = 'active' AND c.status = 'active'
"""
_PAIR = """
  SELECT NULL::bigint AS user_id, p.merchant_id FROM accounts_credential p
  JOIN accounts_merchant c ON c.id = p.merchant_id
  WHERE p.identifier = 'key_test_' || lpad(:m::text, 16, '0') AND p.revoked_at IS NULL AND c.status = 'active'
"""
_TRAIL = """
  INSERT INTO accounts_auditrecord (created_at, actor_id, actor_label, action, target, merchant_id, mode, data, request_id, address)
  SELECT now(), k.user_id, 'bench', 'created', made.public_id, k.merchant_id, 'test', '{}', '', '' FROM made, k
"""
_LINES = "jsonb_build_array(bench_line({0}, 'available', -100), bench_line({0}, 'reserved', 100))"
_POST = f"""
SELECT outcome FROM accounts_merchant m, ledger_post('bench', md5(random()::text), 'test', m.id, md5(random()::text),
  {_LINES.format("m.id")}) WHERE m.name = 'Merchant ' || :m;
"""
_ANY, _ONE = "\\set m random(1, :merchants)\n", "\\set m 1\n"

# What each call does at the least: find the key, read or write its rows, say who did it. `@table`: an INSERT's columns
# and values.
_STATEMENTS = {
    "create payment": f"""{_ANY}WITH k AS ({_KEY}), o AS (INSERT INTO @payments_order FROM k RETURNING id, merchant_id),
        made AS (INSERT INTO @payments_payment FROM o RETURNING public_id, status, created_at), trail AS ({_TRAIL})
        SELECT * FROM made;""",
    "create order": f"""{_ANY}WITH k AS ({_PAIR}), made AS (INSERT INTO @payments_order FROM k RETURNING public_id, created_at),
        trail AS ({_TRAIL}) SELECT * FROM made;""",
    "get payment": f"""{_ANY}WITH k AS ({_KEY}) SELECT p.*, o.reference, o.notes FROM k
        JOIN payments_payment p ON p.merchant_id = k.merchant_id AND p.mode = 'test'
            AND p.public_id = 'pay_' || lpad(:m::text, 16, '0')
        JOIN payments_order o ON o.id = p.order_id;""",
    "balance": f"""{_ANY}WITH k AS ({_KEY}) SELECT a.currency, a.network, a.kind, sum(a.balance) FROM k
        LEFT JOIN ledger_ledgeraccount a ON a.merchant_id = k.merchant_id AND a.mode = 'test' GROUP BY 1, 2, 3;""",
    "payout, one wallet": f"""{_ONE}WITH k AS ({_KEY}),
        b AS (SELECT b.id, b.merchant_id FROM payouts_beneficiary b JOIN k USING (merchant_id) WHERE b.mode = 'test'),
        made AS (INSERT INTO @payouts_payout FROM b RETURNING public_id, merchant_id), trail AS ({_TRAIL})
        SELECT made.public_id, l.outcome FROM made, ledger_post('payout.hold', 'bench ' || made.public_id, 'test',
            made.merchant_id, md5(random()::text), {_LINES.format("made.merchant_id")}) l;""",
    "post, spread": _ANY + _POST,
    "post, one wallet": _ONE + _POST,
}
CASES = tuple(_STATEMENTS)
# A line of a posting, as `ledger.services` writes it.
_FUNCTION = """
CREATE FUNCTION bench_line(merchant bigint, kind text, amount bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('code', 'm/' || merchant || '/test/INR/' || kind, 'merchant', merchant, 'kind', kind,
    'currency', 'INR', 'network', '', 'counterparty', '', 'amount', amount) $$;
"""

_ID = "substr(md5(random()::text), 1, 16)"
_OF_TYPE = {
    "character varying": "''", "text": "''", "bigint": "0", "integer": "0", "smallint": "0", "boolean": "false",
    "jsonb": "'{}'", "timestamp with time zone": "now()",
}
_MONEY = {"amount_minor": "50000", "currency": "'INR'", "mode": "'test'", "contract": "'portal'"}
_OWN = {
    "payments_order": _MONEY | {
        "public_id": f"'order_' || {_ID}", "merchant_id": "k.merchant_id", "status": "'attempted'",
        "reference": "md5(random()::text)",
    },
    "payments_payment": _MONEY | {
        "public_id": f"'pay_' || {_ID}", "page_token": "substr(md5(random()::text), 1, 24)", "order_id": "o.id",
        "merchant_id": "o.merchant_id", "status": "'created'", "method": "'upi'", "provider": "'sandbox'",
        "provider_state": "'none'", "expires_at": "now() + interval '30 minutes'",
    },
    "payouts_payout": _MONEY | {
        "public_id": f"'pout_' || {_ID}", "merchant_id": "b.merchant_id", "status": "'pending'", "method": "'IMPS'",
        "amount_minor": "100", "reference": "md5(random()::text)", "beneficiary_id": "b.id", "approvals_needed": "1",
        "provider": "'sandbox'", "provider_state": "'none'",
    },
}


def prepare() -> None:
    """What the statements need in the database."""
    subprocess.run(["psql", "-q", "-c", _FUNCTION, os.environ["BENCH_DATABASE_URL"]], check=True)


def rate(folder: Path, case: str, clients: int, seconds: int) -> float:
    """Transactions a second of the case's statement."""
    script = folder / f"{case.replace(' ', '-').replace(',', '')}.sql"
    if not script.exists():
        script.write_text(re.sub("@([a-z_]+)", lambda found: _insert(found[1]), _STATEMENTS[case]))
    command = [
        "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds),
        "-D", f"merchants={MERCHANTS}", "-f", str(script), os.environ["BENCH_DATABASE_URL"],
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def _insert(table: str) -> str:
    values = _values(table)
    return f"{table} ({', '.join(values)}) SELECT {', '.join(values.values())}"


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
