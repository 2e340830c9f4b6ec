"""Compares what the chains hold with what the books say. Exit code 1 if any coin differs or cannot be told."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crypto.models import Network
from crypto.services.reconciling import reconcile
from gateway.lib.modes import Mode


class Command(BaseCommand):
    help = "Prove that on-chain custody equals the ledger's, per network, mode and coin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mode", choices=Mode.values, help="one mode only")
        parser.add_argument("--network", action="append", default=[], help="one network only (may be repeated)")

    def handle(self, *args: Any, **options: Any) -> None:
        known = list(Network.objects.values_list("code", flat=True))
        if unknown := sorted(set(options["network"]) - set(known)):
            raise CommandError(f"No such network: {', '.join(unknown)}. There are {', '.join(known)}.")
        modes = (options["mode"],) if options["mode"] else tuple(Mode.values)
        rows = reconcile(modes, tuple(options["network"]))
        for row in rows:
            self.stdout.write(str(row))
        bad = [row for row in rows if not row.is_exact]
        if bad:
            raise CommandError(f"{len(bad)} of {len(rows)} do not match.")
        self.stdout.write(f"{len(rows)} coins match." if rows else "No hot wallet yet: nothing to compare.")
