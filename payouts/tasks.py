"""Celery's entry points: each does what is due now. The schedule calls them as sweeps, services wake them."""

from __future__ import annotations

from celery import shared_task

from payouts import work
from payouts.batches.results import drive_results


@shared_task(name="payouts.drive")
def drive() -> int:
    return work.drive_payouts()


@shared_task(name="payouts.results")
def results() -> int:
    return drive_results()
