"""Copies the whole database into one file while the gateway runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway.backups import BackupFailed, back_up


class Command(BaseCommand):
    help = "Copy the whole database into FILE (mode 0600), one consistent moment of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            size = back_up(file)
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{size:,} bytes in {file}. It opens no key without this installation's secrets: keep both.")
