"""Counts all sessions and movements again, for a day on which `verify_ledger` says that their figures are wrong."""

from typing import Any

from django.core.management.base import BaseCommand

from crypto.services.figuring import rebuild_figures


class Command(BaseCommand):
    help = "Make the kept figures of sessions and transfers anew from the rows that they count."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Counted {rebuild_figures()} sessions and movements again.")
