"""Celery's entry points: each does what is due now. The schedule calls them as sweeps, services wake them."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="crypto.sign_fill_pool")
def fill_pool() -> int:
    from crypto.services import pool

    return pool.fill_pool()
