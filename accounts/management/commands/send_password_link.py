"""Sends a user a link to set a new password: for somebody who lost it. The old one holds until then."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import audit, invitations
from accounts.actors import Actor
from accounts.models import User


class Command(BaseCommand):
    help = "E-mail a user a link to set a new password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            user = User.objects.filter(email=options["email"].strip().lower()).first()
            if user is None:
                raise CommandError("No user has this e-mail address.")
            User.objects.filter(pk=user.pk).update(invitation_due=True)
            actor = Actor.system("manage.py send_password_link")
            audit.record(actor, "password.link_sent", user.public_id, merchant=user.merchant_id)
        invitations.send_due()
        self.stdout.write(f"A link is on its way to {user.email}; it works once, for three days.")
