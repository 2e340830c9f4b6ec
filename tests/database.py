"""The tests' database: migrated once in a run and copied for each worker, and emptied between tests by what is in it.

Migrating costs ten seconds and more of a core, and Django's own emptying of every table a third of one: thousands of
times a run that is minutes.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

# What `migrate` itself writes, and no test changes.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def forget() -> None:
    """Before the workers start: what an earlier run left is not this one's."""
    _made().unlink(missing_ok=True)


def provide(*, reuse: bool = False) -> str:
    """An empty, migrated database of this worker's own; gives the name that was set before.

    `reuse` (pytest-django's `--reuse-db`) takes the one of the last run, and does what migrations are new.
    """
    before, name = connection.settings_dict["NAME"], connection.creation._get_test_db_name()
    with _one_at_a_time():
        made = _made().exists()
        if made and not reuse:
            copy_to(name)
            connection.close()
            settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
        else:
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=reuse)
        if not made:
            _keep()
            _made().touch()
    if settings.ON_POSTGRES:
        _on_the_server(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        connection.close()
    return before


def remove(before: str) -> None:
    name = connection.settings_dict["NAME"]
    if settings.ON_POSTGRES:
        connection.close()
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = before
        _on_the_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    else:
        connection.creation.destroy_test_db(before, verbosity=0)


def remove_what_was_kept() -> None:
    """After the last worker."""
    if _made().exists():
        forget()
        if settings.ON_POSTGRES:
            _on_the_server(f'DROP DATABASE IF EXISTS "{_migrated()}" WITH (FORCE)')
        else:
            Path(_migrated()).unlink(missing_ok=True)


def copy_to(name: str) -> None:
    """A database as the migrations leave it: the file, or the database of PostgreSQL, of this name."""
    if settings.ON_POSTGRES:
        _on_the_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "{_migrated()}"')
        return
    for end in ("", "-wal", "-shm"):
        Path(name + end).unlink(missing_ok=True)
    shutil.copyfile(_migrated(), name)


def _keep() -> None:
    name = connection.settings_dict["NAME"]
    connection.close()
    if settings.ON_POSTGRES:
        _on_the_server(
            f'DROP DATABASE IF EXISTS "{_migrated()}" WITH (FORCE)', f'CREATE DATABASE "{_migrated()}" TEMPLATE "{name}"'
        )
        return
    Path(_migrated()).unlink(missing_ok=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [_migrated()])


def _migrated() -> str:
    if not settings.ON_POSTGRES:
        return str(settings.DATA_DIR / "migrated.sqlite3")
    # Workers have a number in the names of theirs, and all want the same one.
    return connection.creation._get_test_db_name().partition("_gw")[0] + "_migrated"


def _made() -> Path:
    return Path(settings.DATA_DIR) / "migrated.made"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (Path(settings.DATA_DIR) / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _on_the_server(*statements: str) -> None:
    """Each by itself, outside of any transaction and of the time a statement may take in the gateway."""
    import psycopg

    parts = connection.get_connection_params()
    parts = {name: parts[name] for name in ("user", "password", "host", "port") if parts.get(name)}
    with psycopg.connect(dbname="postgres", autocommit=True, **parts) as server:
        for statement in statements:
            server.execute(statement)


class Emptying:
    """Takes every row out of a database that tests wrote to, but for what the migrations put there."""

    def __init__(self) -> None:
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self.tables = [name for name in names if name not in KEPT]
        with connection.cursor() as cursor:
            self.filled = {name: self._rows(cursor, name) for name in self._with_rows(cursor)}
            # Guards refuse what is done here; on PostgreSQL a superuser can have them step aside without a change.
            self.possible = not settings.ON_POSTGRES or self._is_superuser(cursor)

    def fill(self) -> None:
        """What the migrations put there, again into empty tables."""
        with transaction.atomic(), connection.cursor() as cursor:
            for name in self.filled:
                self._fill(cursor, name)

    def __call__(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            changed = [name for name in self._with_rows(cursor) if not self._is_as_filled(cursor, name)]
            changed += [name for name in self.filled if name not in changed and not self._is_as_filled(cursor, name)]
            with self._guards_aside(cursor, changed):
                for name in changed:
                    cursor.execute(f'DELETE FROM "{name}"')
                    self._fill(cursor, name)

    def _with_rows(self, cursor) -> list[str]:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in self.tables))
        return [name for (name,) in cursor.fetchall()]

    def _is_as_filled(self, cursor, name: str) -> bool:
        return name in self.filled and self._rows(cursor, name) == self.filled[name]

    def _rows(self, cursor, name: str) -> list[tuple]:
        cursor.execute(f'SELECT * FROM "{name}" ORDER BY 1')
        return cursor.fetchall()

    def _fill(self, cursor, name: str) -> None:
        if rows := self.filled.get(name):
            cursor.executemany(f'INSERT INTO "{name}" VALUES ({", ".join(["%s"] * len(rows[0]))})', rows)

    @contextmanager
    def _guards_aside(self, cursor, changed: list[str]) -> Iterator[None]:
        if settings.ON_POSTGRES:
            cursor.execute("SET LOCAL session_replication_role = replica")
            yield
            cursor.execute("SET LOCAL session_replication_role = origin")
            return
        cursor.execute("SELECT name, sql, tbl_name FROM sqlite_master WHERE type = 'trigger'")
        triggers = [(name, sql) for name, sql, table in cursor.fetchall() if table in changed]
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _, sql in triggers:
            cursor.execute(sql)

    @staticmethod
    def _is_superuser(cursor) -> bool:
        cursor.execute("SELECT current_setting('is_superuser')")
        return cursor.fetchone()[0] == "on"
