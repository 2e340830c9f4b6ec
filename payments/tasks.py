"""Celery's entry points: each does what is due now. The schedule calls them as sweeps, services wake them."""

from __future__ import annotations

from celery import shared_task

from payments import work


@shared_task(name="payments.drive")
def drive() -> int:
    return work.drive_payments()


@shared_task(name="payments.refund")
def refund() -> int:
    return work.drive_refunds()


@shared_task(name="payments.expire")
def expire() -> int:
    return work.expire_payments()


@shared_task(name="payments.settle")
def settle() -> int:
    return work.settle_payments()
