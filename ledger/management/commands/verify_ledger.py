"""Proves the books: exit code 0 when every balance equals its entries and every chain is whole, 1 otherwise."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.models import Posting
from ledger.verify import verify_and_record


class Command(BaseCommand):
    help = "Prove that balances equal the sum of entries and that no posting was changed or lost."

    def handle(self, *args: Any, **options: Any) -> None:
        problems = verify_and_record()
        if problems:
            raise CommandError("\n".join(["The books do not balance:", *problems]))
        self.stdout.write(f"The books balance: {Posting.objects.count()} postings, no problem found.")
