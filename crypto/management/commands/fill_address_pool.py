"""Makes deposit addresses ahead of need, so that the first sessions of a new installation find some at once.

The signer does this by itself while it runs; only a process that may read the keys (`GATEWAY_PROCESS=signer`) can.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crypto import keys
from crypto.services.pool import fill_all


class Command(BaseCommand):
    help = "Fill the pool of deposit addresses, as the signer does while it runs."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PROCESS != keys.SIGNER:
            raise CommandError("Only the signer reads the keys: run this with GATEWAY_PROCESS=signer.")
        try:
            made = fill_all()
        except keys.KeysMissing as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{made} addresses made.")
