"""Makes a super_admin: the first user of an installation, or one more."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import Actor
from accounts.models import Role
from accounts.services import create_user
from gateway.lib.errors import GatewayError


class Command(BaseCommand):
    help = "Create a super_admin. Without --password it is asked for (or sent as an invitation with --invite)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="Super Admin")
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--password", help="visible in the process list; prefer the prompt")
        choice.add_argument("--invite", action="store_true", help="send a link to set the password instead")

    def handle(self, *args: Any, **options: Any) -> None:
        password = None if options["invite"] else options["password"] or _asked()
        try:
            user, keys = create_user(
                actor=Actor.system("manage.py create_super_admin"), email=options["email"], name=options["name"],
                role=Role.SUPER_ADMIN, password=password,
            )
        except GatewayError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{user.public_id} {user.email} is a super_admin. Its portal keys, shown this once:")
        for mode, key in keys.items():
            self.stdout.write(f"  {mode}: {key}")


def _asked() -> str:
    try:
        return getpass.getpass("Password: ")
    except EOFError as error:
        raise CommandError("There is nobody to ask for a password: use --invite, or run it in a terminal.") from error
