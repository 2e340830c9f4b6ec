"""What only PostgreSQL's indexes can do: sessions by when they were paid, the unpaid last, in both directions; and search
in references and e-mails by trigrams, where they are offered. Without these everything works, only slower.
"""

import logging

from django.db import DatabaseError, migrations, transaction

log = logging.getLogger(__name__)
_PAID = """
CREATE INDEX IF NOT EXISTS session_paid ON crypto_session (merchant_id, mode, paid_at DESC NULLS LAST, id DESC)
"""
_PAID_FIRST = "CREATE INDEX IF NOT EXISTS session_paid_first ON crypto_session (merchant_id, mode, paid_at, id)"
_WORDS = """
CREATE INDEX IF NOT EXISTS session_words ON crypto_session
USING gin (upper(reference::text) gin_trgm_ops, upper(customer_email::text) gin_trgm_ops)
"""


def add_indexes(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    schema_editor.execute(_PAID)
    schema_editor.execute(_PAID_FIRST)
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(_WORDS)
    except DatabaseError as error:  # not installed, or not allowed to this user
        log.warning("search without trigrams: %s", error)


def drop_indexes(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS session_words, session_paid, session_paid_first")


class Migration(migrations.Migration):
    dependencies = [("crypto", "0002_networks")]
    operations = [migrations.RunPython(add_indexes, drop_indexes)]
