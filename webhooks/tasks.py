"""Celery's entry points for webhooks."""

from typing import Any

from celery import shared_task, signals

from webhooks import owners, retention, sending


@shared_task(name="webhooks.deliver")
def deliver() -> int:
    return sending.drain()


@shared_task(name="webhooks.tell_owners")
def tell_owners() -> int:
    return owners.tell_owners()


@signals.worker_shutting_down.connect
def _stop_runs(**_: Any) -> None:
    sending.stop_runs()


@shared_task(name="webhooks.prune")
def prune() -> int:
    return retention.prune()
