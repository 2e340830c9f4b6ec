"""Celery's entry points: each does what is due now. The schedule calls them as sweeps, services wake them."""

from __future__ import annotations

from celery import shared_task

from payments import work
from payments.statements.importing import drive_statements
from payments.statements.matching import match_waiting


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


@shared_task(name="payments.statements")
def statements() -> int:
    return drive_statements()


@shared_task(name="payments.match")
def match() -> int:
    return match_waiting()
