"""New migrations may run beside the code of the last release: each rule refuses what it must, and lets the rest pass."""

from __future__ import annotations

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration

from gateway import check_migrations
from gateway.lib.online import AddConstraintOnline, AddIndexOnline

INDEX = models.Index(fields=["created_at"], name="some_index")
CHECK = models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="some_check")


@pytest.fixture(scope="module")
def now():
    return MigrationLoader(None).project_state()


def judged(now, *operations):
    migration = Migration("9999_new", "payments")
    migration.operations = list(operations)
    return [text.partition(": ")[2] for text in check_migrations.problems_of(migration, now)]


@pytest.mark.parametrize(("operation", "words"), [
    (migrations.DeleteModel("Payment"), "still asks for it"),
    (migrations.RemoveField("payment", "utr"), "still asks for it"),
    (migrations.RenameField("payment", "utr", "bank_reference"), "still asks for it"),
    (migrations.RenameModel("Refund", "Return"), "still asks for it"),
    (migrations.AlterModelTable("Refund", "returns"), "still asks for it"),
    (migrations.AddField("payment", "channel", models.CharField(max_length=10, default="")), "old code inserts without it"),
    (migrations.AddField("payment", "channel", models.CharField(max_length=10, null=True, db_index=True)), "under a lock"),
    (migrations.AlterField("payment", "expires_at", models.DateTimeField()), "may still write NULL"),
    (migrations.AlterField("payment", "utr", models.CharField(max_length=4)), "changes or shrinks"),
    (migrations.AlterField("payment", "utr", models.TextField()), "changes or shrinks"),
    (migrations.AddIndex("payment", INDEX), "AddIndexOnline"),
    (migrations.AddConstraint("payment", CHECK), "AddConstraintOnline"),
    (migrations.RunSQL("SELECT 1"), "cannot be judged"),
    (migrations.RunPython(lambda *_: None), "cannot be judged"),
], ids=lambda value: value.describe()[:40] if hasattr(value, "describe") else "")
def test_what_old_code_cannot_live_with_is_refused(now, operation, words):
    (only,) = judged(now, operation)

    assert words in only


@pytest.mark.parametrize("operation", [
    migrations.CreateModel("Note", [("id", models.BigAutoField(primary_key=True))]),
    migrations.AddField("payment", "channel", models.CharField(max_length=10, db_default="")),
    migrations.AddField("payment", "channel", models.CharField(max_length=10, null=True)),
    migrations.AlterField("payment", "utr", models.CharField(max_length=200)),
    AddIndexOnline("payment", INDEX),
    AddConstraintOnline("payment", CHECK),
    migrations.AddIndex("receivingaccount", INDEX),
], ids=lambda value: value.describe()[:40])
def test_what_old_code_does_not_notice_passes(now, operation):
    assert judged(now, operation) == []


def test_a_table_that_is_new_may_be_indexed(now):
    note = migrations.CreateModel("Note", [("id", models.BigAutoField(primary_key=True))])

    assert judged(now, note, migrations.AddField("note", "at", models.DateTimeField(null=True, db_index=True))) == []


def test_what_is_not_released_yet_is_judged(monkeypatch, tmp_path):
    monkeypatch.setattr(check_migrations, "LOCK", tmp_path / "none")

    named = {text.partition(": ")[0] for text in check_migrations.find_problems()}

    assert {"ledger.0002_guards", "payouts.0003_meet_beneficiaries"} <= named
    assert "ledger.0001_initial" not in named


def test_every_table_that_is_large_exists():
    from django.apps import apps

    assert check_migrations.BIG - {model._meta.label_lower for model in apps.get_models()} == set()


@pytest.mark.django_db(transaction=True)
def test_an_index_and_a_constraint_are_made_online_and_taken_back(now):
    from django.db import connection

    for operation in (AddIndexOnline("payment", INDEX), AddConstraintOnline("payment", CHECK)):
        after = now.clone()
        operation.state_forwards("payments", after)
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("payments", editor, now, after)
        assert _named(operation) in _names(connection)
        with connection.schema_editor(atomic=False) as editor:
            operation.database_backwards("payments", editor, after, now)
        assert _named(operation) not in _names(connection)


def _named(operation):
    return "some_index" if isinstance(operation, AddIndexOnline) else "some_check"


def _names(connection):
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, "payments_payment"))
