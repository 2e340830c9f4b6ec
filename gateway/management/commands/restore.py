"""Fills an empty database from a backup of this release or an older one, and proves its books."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway.backups import BackupFailed, restore


class Command(BaseCommand):
    help = "Fill this installation's empty database from FILE, then verify the books."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            problems = restore(file)
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        if problems:
            raise CommandError("\n".join(["Restored, but the books do not balance:", *problems]))
        self.stdout.write("Restored, and the books balance.")
