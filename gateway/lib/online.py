"""Migration operations that do not lock a large table on PostgreSQL, and are the plain ones on SQLite.

Both want `atomic = False` in their migration; a constraint is validated by `ValidateConstraint` in a later one.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db.migrations.operations import AddConstraint, AddIndex


class AddIndexOnline(AddIndexConcurrently):
    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        on_postgres = schema_editor.connection.vendor == "postgresql"
        kind = AddIndexConcurrently if on_postgres else AddIndex
        kind.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        on_postgres = schema_editor.connection.vendor == "postgresql"
        kind = AddIndexConcurrently if on_postgres else AddIndex
        kind.database_backwards(self, app_label, schema_editor, from_state, to_state)


class AddConstraintOnline(AddConstraintNotValid):
    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        on_postgres = schema_editor.connection.vendor == "postgresql"
        kind = AddConstraintNotValid if on_postgres else AddConstraint
        kind.database_forwards(self, app_label, schema_editor, from_state, to_state)
