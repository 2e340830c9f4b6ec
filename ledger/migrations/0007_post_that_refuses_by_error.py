"""`ledger_book`: `ledger_post` that refuses by an error, so that it can end a statement that writes other rows as well:
they and the posting are then there together or not at all, with one answer (PostgreSQL only; see
`ledger.services.post_with`).

A wallet that would go below zero violates `ledger_merchant_floor`, a reference that is booked otherwise violates
`ledger_reference_reused`. With `p_again` a reference booked with the same lines is no refusal. `ledger_post` keeps its
signature and its answers, and is now `ledger_book` with its errors caught. See migration 0003 for locks and time.
"""

from importlib import import_module

from django.db import migrations

BOOK = """
CREATE FUNCTION ledger_book(
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
  FROM jsonb_to_recordset(p_lines)
    AS l(code text, merchant bigint, kind text, currency text, network text, counterparty text)
  WHERE NOT EXISTS (SELECT 1 FROM ledger_ledgeraccount a WHERE a.code = l.code)
  ORDER BY l.code
  ON CONFLICT (code) DO NOTHING;

  PERFORM 1 FROM ledger_ledgeraccount a
  WHERE a.code IN (SELECT l.code FROM jsonb_to_recordset(p_lines) AS l(code text)) AND a.merchant_id IS NOT NULL
  ORDER BY a.code FOR NO KEY UPDATE;

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

  WITH lines AS (
    SELECT * FROM jsonb_to_recordset(p_lines) AS l(code text, amount bigint)
  ), moved AS (
    UPDATE ledger_ledgeraccount a
    SET balance = a.balance + l.amount,
        sequence = a.sequence + 1,
        head_hash = encode(sha256(convert_to(concat_ws(':', a.head_hash, p_digest, a.sequence + 1, l.amount,
                                                       a.balance + l.amount, v_micros), 'UTF8')), 'hex')
    FROM lines l WHERE a.code = l.code AND a.merchant_id IS NOT NULL
    RETURNING a.id, a.currency, l.amount, a.sequence, a.balance, a.head_hash
  )
  INSERT INTO ledger_entry (posting_id, account_id, currency, amount, sequence, balance_after, hash, created_at)
  SELECT ledger_book.posting_id, id, currency, amount, sequence, balance, head_hash, v_now FROM moved
  UNION ALL
  SELECT ledger_book.posting_id, a.id, a.currency, l.amount, NULL, NULL, '', v_now
  FROM lines l JOIN ledger_ledgeraccount a ON a.code = l.code WHERE a.merchant_id IS NULL;
  outcome := 'posted';
END $$;
"""

POST = """
CREATE OR REPLACE FUNCTION
  ledger_post(p_kind text, p_reference text, p_mode text, p_merchant bigint, p_digest text, p_lines jsonb)
RETURNS TABLE (posting_id bigint, outcome text) LANGUAGE plpgsql AS $$
DECLARE
  v_constraint text;
BEGIN
  SELECT b.posting_id, b.outcome INTO posting_id, outcome
  FROM ledger_book(p_kind, p_reference, p_mode, p_merchant, p_digest, p_lines, true) b;
  RETURN NEXT;
EXCEPTION WHEN check_violation OR unique_violation THEN
  GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
  posting_id := 0;
  outcome := CASE v_constraint
    WHEN 'ledger_merchant_floor' THEN 'insufficient' WHEN 'ledger_reference_reused' THEN 'conflict' END;
  IF outcome IS NULL THEN
    RAISE;
  END IF;
  RETURN NEXT;
END $$;
"""


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BOOK, params=None)
        schema_editor.execute(POST, params=None)


def remove(apps, schema_editor):
    """Gives `ledger_post` its own body again."""
    if schema_editor.connection.vendor == "postgresql":
        before = import_module("ledger.migrations.0003_post_function").FUNCTION
        schema_editor.execute(before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1), params=None)
        schema_editor.execute(
            "DROP FUNCTION ledger_book(text, text, text, bigint, text, jsonb, boolean)", params=None
        )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_verification")]
    operations = [migrations.RunPython(install, remove, elidable=False)]
