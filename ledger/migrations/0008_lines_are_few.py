"""`ledger_book` finds its accounts by their codes.

PostgreSQL takes `jsonb_to_recordset` for a hundred rows, and for a hundred codes it read the whole table of accounts,
three times a posting, until that had some thousands of them. `ledger_lines` says how few a posting's lines are. It is
STRICT so that it is not inlined, which would lose the estimate; and the estimate is the same for every posting, so that
plans are made once in a session and kept.
"""

from importlib import import_module

from django.db import migrations

LINES = """
CREATE FUNCTION ledger_lines(p_lines jsonb)
RETURNS TABLE (
  code text, merchant bigint, kind text, currency text, network text, counterparty text, amount bigint
) LANGUAGE sql IMMUTABLE STRICT ROWS 2 AS $$
  SELECT * FROM jsonb_to_recordset(p_lines) AS l(
    code text, merchant bigint, kind text, currency text, network text, counterparty text, amount bigint
  )
$$;
"""

BOOK = """
CREATE OR REPLACE FUNCTION ledger_book(
  p_kind text, p_reference text, p_mode text, p_merchant bigint, p_digest text, p_lines jsonb, p_again boolean,
  OUT posting_id bigint, OUT outcome text
) LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz;
  v_micros text;
  v_digest text;
BEGIN
  INSERT INTO ledger_ledgeraccount
    (code, merchant_id, mode, kind, currency, network, counterparty, balance, sequence, head_hash, created_at)
  SELECT l.code, l.merchant, p_mode, l.kind, l.currency, l.network, l.counterparty, 0, 0, '', clock_timestamp()
  FROM ledger_lines(p_lines) l
  WHERE NOT EXISTS (SELECT 1 FROM ledger_ledgeraccount a WHERE a.code = l.code)
  ORDER BY l.code
  ON CONFLICT (code) DO NOTHING;

  PERFORM 1 FROM ledger_ledgeraccount a JOIN ledger_lines(p_lines) l ON l.code = a.code
  WHERE a.merchant_id IS NOT NULL
  ORDER BY a.code FOR NO KEY UPDATE OF a;

  v_now := clock_timestamp();
  v_micros := (extract(epoch FROM v_now) * 1000000)::bigint::text;
  INSERT INTO ledger_posting (kind, reference, mode, merchant_id, digest, created_at)
  VALUES (p_kind, p_reference, p_mode, p_merchant, p_digest, v_now)
  ON CONFLICT (reference) DO NOTHING RETURNING id INTO posting_id;
  IF posting_id IS NULL THEN
    SELECT id, digest INTO posting_id, v_digest FROM ledger_posting WHERE reference = p_reference;
    IF NOT p_again OR v_digest <> p_digest THEN
      RAISE EXCEPTION 'this reference is booked already'
        USING ERRCODE = 'unique_violation', CONSTRAINT = 'ledger_reference_reused';
    END IF;
    outcome := 'replayed';
    RETURN;
  END IF;

  WITH moved AS (
    UPDATE ledger_ledgeraccount a
    SET balance = a.balance + l.amount,
        sequence = a.sequence + 1,
        head_hash = encode(sha256(convert_to(concat_ws(':', a.head_hash, p_digest, a.sequence + 1, l.amount,
                                                       a.balance + l.amount, v_micros), 'UTF8')), 'hex')
    FROM ledger_lines(p_lines) l WHERE a.code = l.code AND a.merchant_id IS NOT NULL
    RETURNING a.id, a.currency, l.amount, a.sequence, a.balance, a.head_hash
  )
  INSERT INTO ledger_entry (posting_id, account_id, currency, amount, sequence, balance_after, hash, created_at)
  SELECT ledger_book.posting_id, id, currency, amount, sequence, balance, head_hash, v_now FROM moved
  UNION ALL
  SELECT ledger_book.posting_id, a.id, a.currency, l.amount, NULL, NULL, '', v_now
  FROM ledger_lines(p_lines) l JOIN ledger_ledgeraccount a ON a.code = l.code WHERE a.merchant_id IS NULL;
  outcome := 'posted';
END $$;
"""


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(LINES, params=None)
        schema_editor.execute(BOOK, params=None)


def remove(apps, schema_editor):
    """Gives `ledger_book` its former body again."""
    if schema_editor.connection.vendor == "postgresql":
        before = import_module("ledger.migrations.0007_post_that_refuses_by_error").BOOK
        schema_editor.execute(before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1), params=None)
        schema_editor.execute("DROP FUNCTION ledger_lines(jsonb)", params=None)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_post_that_refuses_by_error")]
    operations = [migrations.RunPython(install, remove, elidable=False)]
