"""Prints the demo cast, making it on the first call. Refused in production."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway import demo


class Command(BaseCommand):
    help = "Make (once) and print the demo cast: users, passwords and API keys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        parser.add_argument("--unless-production", action="store_true", help="do nothing there, as `make run` wants it")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            if options["unless_production"]:
                return
            raise CommandError("There is no demo cast in production (GATEWAY_ENV=production).")
        cast = demo.load_or_make()
        self.stdout.write(json.dumps(cast, indent=2) if options["json"] else as_text(cast))


def as_text(cast: dict[str, Any]) -> str:
    lines = [
        "", f"  The gateway is at {cast['base_url']}/ (panel), {cast['base_url']}/api/v1 (API).", "",
        f"  {'Sign in as':<16}{'E-mail':<32}Password",
    ]
    for word, user in cast["users"].items():
        lines.append(f"  {word:<16}{user['email']:<32}{user['password']}")
    key = cast["users"]["merchant"]["portal"]["test"]
    lines += [
        "", "  A first call, with the merchant's test key:", "",
        f"    curl -s {cast['base_url']}/api/v1/balance -H 'X-API-KEY: {key}'", "",
        "  All keys: manage.py demo --json   (kept in DATA_DIR/demo.json)", "",
    ]
    return "\n".join(lines)
