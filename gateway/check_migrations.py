"""`make check`: migrations newer than the last release keep the code of that release running beside them.

A deployment migrates first and replaces processes then, so for a while old code meets the new tables. What it cannot
live with, and what locks a large table for long, takes two releases, or a reason in ACCEPTED.
`python -m gateway.check_migrations --release` writes down what is released (`migrations.lock`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.contrib.postgres import operations as concurrent
from django.db.migrations import operations as plain
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

LOCK = Path(__file__).with_name("migrations.lock")
# Migrations that break a rule on purpose: "app.name" and why it does no harm.
ACCEPTED: dict[str, str] = {
    "payouts.0005_search_words": "it makes an index and nothing else, concurrently, on PostgreSQL alone",
    "ledger.0007_post_that_refuses_by_error":
        "a new database function, and one that old code calls, replaced by one of the same signature and answers",
    "ledger.0008_lines_are_few":
        "a new database function, and one that old code calls, replaced by one of the same signature and answers",
}
# Tables too large to lock while an index is built or every row is read.
BIG = {
    "accounts.auditrecord", "contracts.idempotencyrecord", "crypto.chaintransaction", "crypto.depositaddress",
    "crypto.session", "crypto.sessionevent", "ledger.entry", "ledger.posting", "payments.order", "payments.payment",
    "payments.refund", "payments.statementline", "payouts.payout", "webhooks.attempt", "webhooks.delivery",
    "webhooks.event",
}
_ONLINE = (concurrent.AddIndexConcurrently, concurrent.AddConstraintNotValid)
_GONE = (plain.DeleteModel, plain.RemoveField, plain.RenameModel, plain.RenameField, plain.AlterModelTable)


def problems_of(migration: Migration, before: ProjectState) -> list[str]:
    """`before` is the state that the migration finds; it is not changed."""
    state, found, own_name = before.clone(), [], f"{migration.app_label}.{migration.name}"
    for operation in migration.operations:
        found += [f"{own_name}: {text}" for text in _judge(operation, migration, before, state)]
        operation.state_forwards(migration.app_label, state)
    return found


def _judge(operation: Operation, migration: Migration, before: ProjectState, state: ProjectState) -> Iterator[str]:
    what = operation.describe()
    name = str(getattr(operation, "model_name", "")).lower()
    label = f"{migration.app_label}.{name}"
    is_new = bool(name) and (migration.app_label, name) not in before.models  # empty, and old code asks for none
    big = label in BIG
    if is_new:
        return
    if isinstance(operation, _GONE):
        yield f"{what}: the code of the last release still asks for it. Let a release pass that no longer does."
    elif isinstance(operation, plain.AddField):
        yield from _added(what, operation.field, big)
    elif isinstance(operation, plain.AlterField):
        yield from _altered(what, operation, state.models[migration.app_label, name].fields[operation.name])
    elif isinstance(operation, _ONLINE) or (isinstance(operation, (plain.AddIndex, plain.AddConstraint)) and not big):
        pass
    elif isinstance(operation, plain.AddIndex):
        yield f"{what}: locks {label} while it is built. Use AddIndexOnline (gateway/lib/online.py)."
    elif isinstance(operation, plain.AddConstraint):
        yield f"{what}: reads all of {label} under a lock. Use AddConstraintOnline (gateway/lib/online.py)."
    elif isinstance(operation, (plain.RunSQL, plain.RunPython)):
        yield f"{what}: cannot be judged. Say in ACCEPTED why old code may run beside it."


def _added(what: str, field: Any, big: bool) -> Iterator[str]:
    if not field.null and not field.many_to_many and not field.has_db_default():
        yield f"{what}: old code inserts without it. Give it db_default, or null=True for a release."
    if big and (field.unique or field.db_index):
        yield f"{what}: builds its index under a lock. Add the field without, then AddIndexOnline."


def _altered(what: str, operation: plain.AlterField, old: Any) -> Iterator[str]:
    new: Any = operation.field
    if old.null and not new.null:
        yield f"{what}: old code may still write NULL."
    if type(old) is not type(new) or (old.max_length or 0) > (new.max_length or 10**9):
        yield f"{what}: a type that changes or shrinks rewrites the table, and old code writes the old one."
    if (new.unique and not old.unique) or (new.db_index and not old.db_index):
        yield f"{what}: builds an index under a lock. Use AddIndexOnline."


def find_problems() -> list[str]:
    released = set(LOCK.read_text().split()) if LOCK.exists() else set()
    loader, found = MigrationLoader(None), []
    for app, name in sorted(_own(loader)):
        if f"{app}.{name}" not in released | ACCEPTED.keys():
            before = loader.project_state((app, name), at_end=False)
            found += problems_of(loader.disk_migrations[app, name], before)
    return found


def _own(loader: MigrationLoader) -> list[tuple[str, str]]:
    folder = Path(__file__).resolve().parent.parent
    ours = {config.label for config in apps.get_app_configs() if Path(config.path).is_relative_to(folder)
            and "site-packages" not in config.path}
    return [key for key in loader.disk_migrations if key[0] in ours]


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
    django.setup()
    if arguments == ["--release"]:
        LOCK.write_text("".join(f"{app}.{name}\n" for app, name in sorted(_own(MigrationLoader(None)))))
        return 0
    found = find_problems()
    print("\n".join(found) or "New migrations keep the released code running.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
