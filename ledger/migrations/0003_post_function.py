"""`ledger_post`: a whole posting in one round trip (PostgreSQL only; see `ledger.services.post`).

Lines arrive as JSON, one per account. Merchants' accounts are locked in the order of their codes, so two postings
that touch the same ones cannot deadlock; house accounts are only appended to and never locked. The time is taken
after the locks, so an account's entries have rising times.
"""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION ledger_post(p_kind text, p_reference text, p_mode text, p_merchant bigint, p_digest text, p_lines jsonb)
RETURNS TABLE (posting_id bigint, outcome text) LANGUAGE plpgsql AS $$
DECLARE
  v_id bigint;
  v_digest text;
  v_now timestamptz;
  v_micros text;
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
  ON CONFLICT (reference) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN
    SELECT id, digest INTO v_id, v_digest FROM ledger_posting WHERE reference = p_reference;
    RETURN QUERY SELECT v_id, CASE WHEN v_digest = p_digest THEN 'replayed' ELSE 'conflict' END;
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
  SELECT v_id, id, currency, amount, sequence, balance, head_hash, v_now FROM moved
  UNION ALL
  SELECT v_id, a.id, a.currency, l.amount, NULL, NULL, '', v_now
  FROM lines l JOIN ledger_ledgeraccount a ON a.code = l.code WHERE a.merchant_id IS NULL;

  RETURN QUERY SELECT v_id, 'posted';
EXCEPTION WHEN check_violation THEN
  IF SQLERRM NOT LIKE '%ledger_merchant_floor%' THEN
    RAISE;
  END IF;
  RETURN QUERY SELECT 0::bigint, 'insufficient';
END $$;
"""


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FUNCTION, params=None)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards")]
    operations = [migrations.RunPython(install, elidable=False)]
