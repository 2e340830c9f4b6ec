"""The audit trail only grows: the database refuses to change or delete a record."""

from django.db import migrations

POSTGRES = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit records are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON accounts_auditrecord
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
"""
SQLITE = [
    f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON accounts_auditrecord "
    "BEGIN SELECT RAISE(ABORT, 'audit records are append-only'); END"
    for verb in ("UPDATE", "DELETE")
]


def install(apps, schema_editor):
    statements = [POSTGRES] if schema_editor.connection.vendor == "postgresql" else SQLITE
    for statement in statements:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(install, elidable=False)]
