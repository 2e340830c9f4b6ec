"""Writes each contract's OpenAPI document to docs/openapi, where the tests hold it fast."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from gateway.contracts import schema


class Command(BaseCommand):
    help = "Writes docs/openapi/<contract>.yaml from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.BASE_DIR / "docs" / "openapi"
        for contract in schema.DOCUMENTED:
            (folder / f"{contract}.yaml").write_bytes(schema.as_yaml(contract))
            self.stdout.write(f"{contract}: frozen")
