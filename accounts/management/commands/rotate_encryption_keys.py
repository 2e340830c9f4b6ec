"""Re-encrypts every stored secret under the first key of `GATEWAY_ENCRYPTION_KEYS`.

Put the new key first and keep the old one behind it, restart, run this, then drop the old key. Every column whose
name ends in `_encrypted` is covered, in whichever app it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from accounts import audit
from accounts.actors import Actor
from gateway.lib import secrets


class Command(BaseCommand):
    help = "Re-encrypt all stored secrets under the first key of GATEWAY_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        counts = [_rotate_column(model, field) for model, field in encrypted_columns()]
        rotated, left = sum(done for done, _ in counts), sum(bad for _, bad in counts)
        with transaction.atomic():
            audit.record(Actor.system("manage.py rotate_encryption_keys"), "encryption.rotated", "all", rotated=rotated)
        if left:
            raise CommandError(f"{rotated} secrets re-encrypted; {left} cannot be read with any of the given keys.")
        self.stdout.write(f"{rotated} secrets re-encrypted; every secret now uses the first key.")


def encrypted_columns() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if field.name.endswith("_encrypted"):
                yield model, field.name


def _rotate_column(model: type[models.Model], field: str) -> tuple[int, int]:
    """How many values were re-encrypted, and how many no key could read (they are left as they are)."""
    rotated = unreadable = 0
    rows = model._default_manager.exclude(**{field: ""}).order_by("pk").values_list("pk", field)
    for pk, token in rows.iterator(chunk_size=500):
        if secrets.uses_first_key(token):
            continue
        try:
            fresh = secrets.reencrypt(token)
        except InvalidToken:
            unreadable += 1
            continue
        # Only if nobody regenerated the secret meanwhile.
        rotated += model._default_manager.filter(pk=pk, **{field: token}).update(**{field: fresh})
    return rotated, unreadable
