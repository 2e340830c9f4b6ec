"""Django's `migrate`, whose statements may take as long as a large table asks; for a lock they wait no longer."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from gateway.lib.patience import patience


class Command(migrate.Command):
    def handle(self, *args: Any, database: str, **options: Any) -> None:
        """Whoever waits for a table has everybody else wait behind. It goes past a pool (docs/scaling.md)."""
        with patience(connections[database], lock_timeout="30s"):
            super().handle(*args, database=database, **options)
