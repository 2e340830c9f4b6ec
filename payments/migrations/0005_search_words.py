"""Indexes for the free-text search over payments, on PostgreSQL: made without a lock, so old code goes on writing."""

from django.db import migrations

# The expressions that `payments.queries.search` asks for.
INDEXES = {
    "payment_words": "payments_payment USING gin (UPPER(public_id || E'\\n' || payer_name || E'\\n' || payer_email"
    " || E'\\n' || utr || E'\\n' || vpa) gin_trgm_ops)",
    "order_words": "payments_order USING gin (UPPER(reference::text) gin_trgm_ops)",
}


def make(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for name, definition in INDEXES.items():
        schema_editor.execute(f"DROP INDEX IF EXISTS {name}")  # what an interrupted run may have left
        schema_editor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in INDEXES:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0004_receiving_and_statements")]
    operations = [migrations.RunPython(make, drop)]
