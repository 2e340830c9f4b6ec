"""An index for the free-text search over payouts, on PostgreSQL: made without a lock, so old code goes on writing."""

from django.db import migrations

# The expression that `payouts.queries.search` asks for.
INDEX = (
    "payout_words ON payouts_payout USING gin (UPPER(reference || E'\\n' || public_id || E'\\n' || beneficiary_name"
    " || E'\\n' || account_number || E'\\n' || utr) gin_trgm_ops)"
)


def make(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    schema_editor.execute("DROP INDEX IF EXISTS payout_words")  # what an interrupted run may have left
    schema_editor.execute(f"CREATE INDEX CONCURRENTLY {INDEX}")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS payout_words")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payouts", "0004_every_payout_has_its_beneficiary")]
    operations = [migrations.RunPython(make, drop)]
