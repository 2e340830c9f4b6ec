"""After a restore from an older copy: no deposit address that may have been given to a payer since is given to another.

Needs no keys. The signer fills the pool anew while it runs, or `fill_address_pool` does.
"""

from typing import Any

from django.core.management.base import BaseCommand

from crypto.services.pool import retire_free_addresses


class Command(BaseCommand):
    help = "After a restore: retire every free deposit address, and go on with new ones."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{retire_free_addresses()} addresses retired; the signer makes new ones.")
