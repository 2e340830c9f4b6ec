"""Sessions and movements are counted as they change, by triggers (`crypto/counting.py`); what there is already, at once.

The orders by payment get what the lists filter by, as the other indexes of 0004 have it.
"""

from django.db import migrations

from crypto import counting

_BY_PAYMENT = """
DROP INDEX IF EXISTS session_paid;
DROP INDEX IF EXISTS session_paid_first;
CREATE INDEX session_by_payment ON crypto_session (merchant_id, mode, paid_at DESC NULLS LAST, id DESC)
    INCLUDE (status, network_id, currency);
CREATE INDEX session_by_payment_first ON crypto_session (merchant_id, mode, paid_at, id)
    INCLUDE (status, network_id, currency);
"""


def install(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for statement in [*counting.triggers(vendor), *counting.counts_of_all(vendor)]:
        schema_editor.execute(statement, params=None)
    if vendor == "postgresql":
        schema_editor.execute(_BY_PAYMENT, params=None)


def remove(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for statement in counting.drops(vendor):
        schema_editor.execute(statement, params=None)
    if vendor == "postgresql":
        schema_editor.execute("DROP INDEX session_by_payment, session_by_payment_first", params=None)


class Migration(migrations.Migration):
    dependencies = [("crypto", "0004_figures")]
    operations = [migrations.RunPython(install, remove, elidable=False)]
