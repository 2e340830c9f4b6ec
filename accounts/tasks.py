"""Celery's entry points for people."""

from celery import shared_task

from accounts import invitations


@shared_task(name="accounts.invite")
def invite() -> int:
    return invitations.send_due()
