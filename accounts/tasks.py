"""Celery's entry points for people."""

from celery import shared_task

from accounts import invitations, notices, retention


@shared_task(name="accounts.invite")
def invite() -> int:
    return invitations.send_due() + notices.send_due()


@shared_task(name="accounts.prune")
def prune() -> int:
    return retention.prune()
