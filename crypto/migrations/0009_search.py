"""Search in references and e-mails by trigrams, where PostgreSQL offers them; without them search works, slowly."""

import logging

from django.db import DatabaseError, migrations, transaction

log = logging.getLogger(__name__)
_INDEX = """
CREATE INDEX IF NOT EXISTS session_words ON crypto_session
USING gin (upper(reference::text) gin_trgm_ops, upper(customer_email::text) gin_trgm_ops)
"""


def index_words(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(_INDEX)
    except DatabaseError as error:  # not installed, or not allowed to this user
        log.warning("search without trigrams: %s", error)


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS session_words")


class Migration(migrations.Migration):
    dependencies = [("crypto", "0008_exports_and_lists")]
    operations = [migrations.RunPython(index_words, drop_index)]
