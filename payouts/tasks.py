"""Celery's entry point: does what is due now. The schedule calls it as a sweep, services wake it."""

from __future__ import annotations

from celery import shared_task

from payouts import work


@shared_task(name="payouts.drive")
def drive() -> int:
    return work.drive_payouts()
