"""Which sessions wait for a person, in a column of its own: their queue is counted on every page of an operator."""

from django.db import migrations, models

from crypto import counting

SERIOUS = ("vanished", "unbooked", "wrong_token")


def note(apps, schema_editor):
    sessions = apps.get_model("crypto", "Session").objects
    odd = sessions.filter(flag_cleared_at=None).exclude(flags=[]).values_list("pk", "flags")
    found = [pk for pk, flags in odd if any(flag in flags for flag in SERIOUS)]
    for start in range(0, len(found), 500):
        sessions.filter(pk__in=found[start : start + 500]).update(for_person=True)


def count_again(apps, schema_editor):
    """SQLite makes a table anew to add a column, and its triggers go with the old one."""
    if schema_editor.connection.vendor == "sqlite":
        for statement in counting.drops("sqlite"):
            schema_editor.execute(statement.replace("DROP TRIGGER", "DROP TRIGGER IF EXISTS"), params=None)
        for statement in counting.triggers("sqlite"):
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("crypto", "0006_session_addresses")]
    operations = [
        migrations.AddField("session", "for_person", models.BooleanField(default=False, db_default=False)),
        migrations.AddIndex(
            "session", models.Index(
                fields=["mode", "merchant"], condition=models.Q(for_person=True), name="session_for_person"
            ),
        ),
        migrations.AddIndex(
            "withdrawal", models.Index(
                fields=["mode", "merchant"], name="withdrawal_to_approve",
                condition=models.Q(status="pending", needs_approval=True, approved_at__isnull=True),
            ),
        ),
        migrations.RunPython(count_again, count_again, elidable=False),
        migrations.RunPython(note, migrations.RunPython.noop, elidable=True),
    ]
