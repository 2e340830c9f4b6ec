"""Celery's entry points: each does what is due now. The schedule calls them as sweeps, services wake them."""

from __future__ import annotations

from typing import Any

from celery import shared_task, signals
from django.conf import settings


@shared_task(name="crypto.sign_fill_pool")
def fill_pool() -> int:
    from crypto.services import pool

    return pool.fill_pool()


@shared_task(name="crypto.watch")
def watch(network: str = "", mode: str = "") -> int:
    from crypto import watcher

    return int(watcher.watch_network(network, mode)) if network else watcher.watch()


@shared_task(name="crypto.sign_outgoing")
def send_outgoing() -> int:
    from crypto import sending

    return sending.drive_outgoing()


@shared_task(name="crypto.sweep")
def sweep() -> int:
    from crypto import sweeping

    return sweeping.sweep_what_is_due()


@shared_task(name="crypto.drive_withdrawals")
def drive_withdrawals() -> int:
    from crypto.services import withdrawal_steps

    return withdrawal_steps.drive_withdrawals()


@shared_task(name="crypto.tell_owners")
def tell_owners() -> int:
    from crypto.services import withdrawal_notices

    return withdrawal_notices.tell_owners()


@shared_task(name="crypto.reconcile", soft_time_limit=6 * 3600 - 60, time_limit=6 * 3600)
def reconcile() -> int:
    from crypto.services import reconciling

    return reconciling.reconcile_nightly()


@shared_task(name="crypto.fold_figures")
def fold_figures() -> int:
    from crypto.services import figuring

    return figuring.fold_figures()


@shared_task(name="crypto.export", soft_time_limit=3300, time_limit=3600)
def export() -> int:
    from crypto.exports import services

    return services.drive_exports()


@shared_task(name="crypto.export_purge")
def purge_exports() -> int:
    from crypto.exports import services

    return services.purge()


@signals.worker_ready.connect
def _fill_pool_at_start(**_: Any) -> None:
    """A fresh installation can take sessions at once, not after the schedule's first round."""
    if settings.PROCESS == "signer":
        fill_pool.delay()
