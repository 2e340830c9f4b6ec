"""Regenerates portal keys: of one user, of a merchant's users, or of everybody. The old ones are dead at once.

Everybody's only for `--all`: an empty `--user` or `--merchant`, as a shell makes of a variable that is not set, is
nobody.
"""

from __future__ import annotations

import json
import os
from io import RawIOBase
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.actors import Actor
from accounts.models import User
from accounts.services import regenerate_portal_key
from gateway.lib.modes import Mode


class Command(BaseCommand):
    help = "Regenerate portal API keys. New keys are printed once, or written to a new file of mode 0600."

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--user", help="a user's id or e-mail address")
        who.add_argument("--merchant", help="a merchant's id: all of its users")
        who.add_argument("--all", action="store_true", help="every user")
        parser.add_argument("--mode", choices=Mode.values, help="only the keys of this mode")
        parser.add_argument("--output", type=Path, help="write the new keys to this new file instead of printing")

    def handle(self, *args: Any, **options: Any) -> None:
        users = list(_chosen(options))
        if not users:
            raise CommandError("No such user or merchant.")
        modes = [options["mode"]] if options["mode"] else list(Mode.values)
        path: Path | None = options["output"]
        file = _private_file(path) if path else None
        # The new keys are where they are wanted before the old ones die: what cannot be written changes nothing. A file
        # that was written stays, whatever comes then: of a commit without an answer nobody knows whether it happened.
        with transaction.atomic():
            try:
                lines = _rotate(users, modes)
                self._keep("".join(json.dumps(line) + "\n" for line in lines), file)
            except BaseException as error:
                if path:
                    path.unlink(missing_ok=True)
                if isinstance(error, OSError):
                    raise CommandError(f"The new keys cannot be written: {error}. No key was changed.") from error
                raise
        if path:
            self.stderr.write(f"{len(lines)} new keys are in {path}.")

    def _keep(self, text: str, file: RawIOBase | None) -> None:
        if file is None:
            self.stdout.write(text, ending="")
            self.stdout.flush()
            return
        with file:
            left = memoryview(text.encode())
            while left:
                left = left[file.write(left) or 0 :]
            os.fsync(file.fileno())


def _chosen(options: dict[str, Any]) -> QuerySet[User]:
    users = User.objects.select_related("merchant").order_by("pk")
    if options["user"] is not None:
        return users.filter(Q(public_id=options["user"]) | Q(email=options["user"].lower()))
    if options["merchant"] is not None:
        return users.filter(merchant__public_id=options["merchant"])
    return users


def _private_file(path: Path) -> RawIOBase:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
    except OSError as error:
        raise CommandError(f"Cannot create {path}: {error.strerror}. No key was changed.") from error


def _rotate(users: list[User], modes: list[str]) -> list[dict[str, str]]:
    actor = Actor.system("manage.py rotate_api_keys")
    return [
        {
            "user": user.public_id, "email": user.email, "mode": mode,
            "key": regenerate_portal_key(actor=actor, user=user, mode=mode),
        }
        for user in users
        for mode in modes
    ]
