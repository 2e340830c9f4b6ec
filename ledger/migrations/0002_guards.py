"""The rules of the books, kept by the database whoever writes to it.

- Entries and postings are never changed or deleted.
- A posting's entries come together with it and sum to zero in every currency, each in its account's currency.
- (No merchant's account below zero is a CHECK constraint of the table.)

On PostgreSQL an entry's posting and all its sisters arrive in one statement, so one trigger a statement looks at
them. SQLite has only row triggers: there the entries are inserted first (their foreign key is deferred) and the
posting last, whose trigger looks at what is there.
"""

from django.db import migrations

POSTGRES = """
CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
  FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_posting_append_only BEFORE UPDATE OR DELETE ON ledger_posting
  FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();

CREATE FUNCTION ledger_check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM fresh GROUP BY posting_id, currency HAVING sum(amount) <> 0) THEN
    RAISE EXCEPTION 'a posting must sum to zero in every currency' USING ERRCODE = 'check_violation';
  END IF;
  IF EXISTS (SELECT 1 FROM fresh f JOIN ledger_ledgeraccount a ON a.id = f.account_id
             WHERE a.currency <> f.currency) THEN
    RAISE EXCEPTION 'an entry must be in its account''s currency' USING ERRCODE = 'check_violation';
  END IF;
  IF (SELECT count(*) FROM ledger_entry WHERE posting_id IN (SELECT posting_id FROM fresh))
     <> (SELECT count(*) FROM fresh) THEN
    RAISE EXCEPTION 'entries come together with their posting' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_entries_balanced AFTER INSERT ON ledger_entry
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_entries();
"""

SQLITE = [
    *(
        f"CREATE TRIGGER ledger_{table}_no_{verb.lower()} BEFORE {verb} ON ledger_{table} "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for table in ("entry", "posting")
        for verb in ("UPDATE", "DELETE")
    ),
    "CREATE TRIGGER ledger_entry_before_posting BEFORE INSERT ON ledger_entry "
    "WHEN EXISTS (SELECT 1 FROM ledger_posting WHERE id = NEW.posting_id) "
    "BEGIN SELECT RAISE(ABORT, 'entries come together with their posting'); END",
    "CREATE TRIGGER ledger_entry_currency BEFORE INSERT ON ledger_entry "
    "WHEN NEW.currency <> (SELECT currency FROM ledger_ledgeraccount WHERE id = NEW.account_id) "
    "BEGIN SELECT RAISE(ABORT, 'an entry must be in its account''s currency'); END",
    "CREATE TRIGGER ledger_posting_balanced BEFORE INSERT ON ledger_posting "
    "WHEN NOT EXISTS (SELECT 1 FROM ledger_entry WHERE posting_id = NEW.id) OR EXISTS "
    "(SELECT 1 FROM ledger_entry WHERE posting_id = NEW.id GROUP BY currency HAVING sum(amount) <> 0) "
    "BEGIN SELECT RAISE(ABORT, 'a posting must sum to zero in every currency'); END",
]


def install(apps, schema_editor):
    statements = [POSTGRES] if schema_editor.connection.vendor == "postgresql" else SQLITE
    for statement in statements:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunPython(install, elidable=False)]
