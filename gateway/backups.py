"""A copy of the whole database in one file, and back: `manage.py backup FILE`, `manage.py restore FILE`.

PostgreSQL by its own `pg_dump` and `pg_restore`, SQLite by its online backup; both copy one consistent moment while
the gateway runs. A restore fills an empty database only, brings an older release's copy to this one's tables, and is
not done before the books are proven. Secrets are in neither: without the same GATEWAY_PEPPER and
GATEWAY_ENCRYPTION_KEYS a copy opens no key and no secret.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from psycopg.pq import Conninfo

from crypto.services.pool import retire_free_addresses
from ledger.verify import verify_books


class BackupFailed(Exception):
    """The message says what to do; nothing was left half done."""


def back_up(file: Path) -> int:
    """Writes `file` (mode 0600), whole or not at all; returns its size in bytes."""
    if file.exists():
        raise BackupFailed(f"{file} exists already; a backup never overwrites another.")
    draft = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise BackupFailed(f"{file} cannot be written: {error.strerror}.") from error
    try:
        _dump(draft)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


def _dump(draft: Path) -> None:
    if connection.vendor == "postgresql":
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
        return
    with closing(sqlite3.connect(_sqlite_file())) as source, closing(sqlite3.connect(draft)) as target:
        source.backup(target)


def restore(file: Path) -> list[str]:
    """Fills this installation's empty database from `file`; returns what the books have to say (nothing, if whole)."""
    if not file.is_file():
        raise BackupFailed(f"{file} is not there.")
    if connection.introspection.table_names():
        raise BackupFailed("This database is not empty. A restore only fills a new one; nothing was changed.")
    _load(file)
    call_command("migrate", interactive=False, verbosity=0)  # the proof reads the tables as this release knows them
    retire_free_addresses()  # payers may know them since the copy was made
    return verify_books()


def _load(file: Path) -> None:
    if connection.vendor == "postgresql":
        name = str(connection.settings_dict["NAME"])
        _run(
            "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
            f"--dbname={name}", str(file),
        )
        return
    connection.close()
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(_sqlite_file())) as target:
            source.backup(target)
    except sqlite3.DatabaseError as error:
        raise BackupFailed(f"{file} is not a copy of such a database.") from error


def _sqlite_file() -> str:
    return str(connection.settings_dict["NAME"])


def _run(program: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs, told by the environment where to connect: no password on a command line."""
    try:
        done = subprocess.run(
            [program, *arguments], env=os.environ | _libpq(), capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise BackupFailed(f"{program} is not installed (Debian: postgresql-client).") from error
    if done.returncode != 0:
        raise BackupFailed(f"{program}: {done.stderr.strip()[:500]}")


def _libpq() -> dict[str, str]:
    """Where and how the gateway itself connects (TLS among it), in libpq's own names of the environment."""
    settings: dict[str, Any] = connection.settings_dict
    said = settings["OPTIONS"] | {
        "host": settings["HOST"], "port": settings["PORT"], "user": settings["USER"],
        "password": settings["PASSWORD"], "dbname": settings["NAME"], "options": "",  # a dump may take its time
    }
    known = {option.keyword.decode(): (option.envvar or b"").decode() for option in Conninfo.get_defaults()}
    return {known[name]: str(value) for name, value in said.items() if value and known.get(name)}
