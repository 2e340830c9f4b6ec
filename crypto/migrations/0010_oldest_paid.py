"""Sessions by when they were paid, oldest first and the unpaid last, on PostgreSQL; SQLite sorts them itself."""

from django.db import migrations

_PAID = "CREATE INDEX IF NOT EXISTS session_paid_first ON crypto_session (merchant_id, mode, paid_at, id)"


def add_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_PAID)


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS session_paid_first")


class Migration(migrations.Migration):
    dependencies = [("crypto", "0009_search")]
    operations = [migrations.RunPython(add_index, drop_index)]
