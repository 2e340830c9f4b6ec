"""A backup restored into a new database is the same books; commands run as an operator runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings

from gateway import backups
from tests import database

pytestmark = [pytest.mark.installation, pytest.mark.long]
ROOT = Path(__file__).resolve().parent.parent.parent


class Installation:
    def __init__(self, folder, database=""):
        self.environment = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")
        } | {"DATA_DIR": str(folder)} | ({"DATABASE_URL": database} if database else {})

    def run(self, *arguments):
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True,
            check=False,
        )

    def done(self, *arguments):
        run = self.run(*arguments)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def counts(self):
        return self.done("shell", "--no-imports", "-c", (
            "from ledger.models import Entry, Posting; from accounts.models import User, AuditRecord; "
            "print(User.objects.count(), Posting.objects.count(), Entry.objects.count(), AuditRecord.objects.count())"
        ))


@pytest.fixture
def two(tmp_path, django_db_setup):
    """A migrated installation, and a second one with an empty database, on this run's kind of it."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    urls, names = ["", ""], []
    if settings.ON_POSTGRES:
        names = [f"backup_{uuid.uuid4().hex[:10]}" for _ in folders]
        base = os.environ["DATABASE_URL"].rsplit("/", 1)[0]
        urls = [f"{base}/{name}" for name in names]
        _psql(base, f"CREATE DATABASE {names[1]}")
    database.copy_to(names[0] if names else str(folders[0] / "gateway.sqlite3"))
    yield [Installation(folder, url) for folder, url in zip(folders, urls, strict=True)]
    if names:
        _psql(base, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names))


def _psql(base, *statements):
    import psycopg

    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_backup_restored_elsewhere_is_the_same_books(two, tmp_path):
    first, second = two
    cast = json.loads(first.done("demo", "--json"))
    file = tmp_path / "copy.backup"

    first.done("backup", str(file))

    assert (file.stat().st_mode & 0o777, list(tmp_path.glob(".*.part"))) == (0o600, [])
    (tmp_path / "two" / "secrets.env").write_text((tmp_path / "one" / "secrets.env").read_text())
    assert "the books balance" in second.done("restore", str(file))
    assert second.counts() == first.counts()
    assert second.done("verify_ledger") == first.done("verify_ledger")
    assert second.run("migrate", "--check").returncode == 0
    assert cast["users"]["admin"]["email"] in second.done("shell", "--no-imports", "-c", (
        "from accounts.models import User; print(list(User.objects.values_list('email', flat=True)))"
    ))


def test_what_payers_may_know_since_the_copy_is_given_to_nobody_after_a_restore(two, tmp_path):
    first, second = two
    first.done("migrate", "--verbosity", "0")
    first.done("shell", "--no-imports", "-c", "from crypto.testing import add_addresses; add_addresses('BSC', 2)")
    file, count = tmp_path / "copy.backup", (
        "from crypto.models import DepositAddress as A; print(A.objects.count(), A.objects.filter(is_active=True).count())"
    )
    first.done("backup", str(file))
    (tmp_path / "two" / "secrets.env").write_text((tmp_path / "one" / "secrets.env").read_text())

    second.done("restore", str(file))

    assert first.done("shell", "--no-imports", "-c", count).split() == ["2", "2"]
    assert second.done("shell", "--no-imports", "-c", count).split() == ["2", "0"]


def test_a_copy_of_an_older_release_is_brought_to_this_one_before_its_books_are_read(two, tmp_path):
    first, second = two
    first.done("demo")
    first.done("migrate", "--verbosity", "0", "crypto", "0006")  # without a column that the proof reads
    file = tmp_path / "copy.backup"
    first.done("backup", str(file))
    (tmp_path / "two" / "secrets.env").write_text((tmp_path / "one" / "secrets.env").read_text())

    assert second.done("restore", str(file)) == "Restored, and the books balance.\n"

    assert second.run("migrate", "--check").returncode == 0
    assert second.counts() == first.counts()
    assert "no problem found" in second.done("verify_ledger")


def test_a_backup_overwrites_nothing_and_a_restore_fills_only_an_empty_database(two, tmp_path):
    first, second = two
    file = tmp_path / "copy.backup"
    file.write_bytes(b"something dear")

    refused = first.run("backup", str(file))

    assert (refused.returncode, file.read_bytes()) == (1, b"something dear")
    assert "never overwrites" in refused.stderr
    before = first.counts()
    refused = first.run("restore", str(file))
    assert refused.returncode == 1
    assert "not empty" in refused.stderr
    assert first.counts() == before
    refused = second.run("restore", str(file))
    assert refused.returncode == 1
    assert second.run("migrate", "--check").returncode != 0


def test_postgresqls_own_programs_connect_as_the_gateway_does(monkeypatch):
    said = {
        "HOST": "db1,db2", "PORT": "5432,5433", "USER": "gateway", "PASSWORD": "s3cret", "NAME": "books",
        "OPTIONS": {
            "connect_timeout": 2, "options": "-c statement_timeout=30000", "prepare_threshold": 2,
            "sslmode": "verify-full", "sslrootcert": "/run/ca.pem", "target_session_attrs": "read-write",
        },
    }
    monkeypatch.setattr(backups, "connection", SimpleNamespace(settings_dict=said))

    assert backups._libpq() == {
        "PGHOST": "db1,db2", "PGPORT": "5432,5433", "PGUSER": "gateway", "PGPASSWORD": "s3cret", "PGDATABASE": "books",
        "PGCONNECT_TIMEOUT": "2", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/run/ca.pem",
        "PGTARGETSESSIONATTRS": "read-write",
    }


def test_a_backup_makes_its_folder_and_says_plainly_what_it_cannot_write(two, tmp_path):
    first, _ = two
    file = tmp_path / "backups" / "daily" / "copy.backup"

    first.done("backup", str(file))

    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    refused = first.run("backup", str(file / "within-a-file"))
    assert refused.returncode == 1
    assert "cannot be written" in refused.stderr
    assert "Traceback" not in refused.stderr
