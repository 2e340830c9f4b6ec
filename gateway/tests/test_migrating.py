"""`migrate` on a large installation: what an index takes is not what a request may take."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import connection

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such limits"),
]


def limits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        return cursor.fetchone()


@pytest.mark.parametrize("fails", [False, True])
def test_migrations_may_take_their_time_and_wait_for_no_lock_longer_than_a_request(monkeypatch, fails):
    seen = []

    def handle(*_, **__):
        seen.append(limits())
        if fails:
            raise ValueError("a migration's own")

    monkeypatch.setattr(migrate.Command, "handle", handle)
    try:
        call_command("migrate")
    except ValueError:
        assert fails

    assert seen == [("0", "30s")]
    assert limits() == ("30s", "0")
