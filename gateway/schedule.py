"""What the scheduler sends, and how often. Every task is a sweep over rows that are due: sending one twice, or
losing one, does no harm. A message nobody took within its period expires, so none pile up behind a stopped worker.
"""

from __future__ import annotations

from typing import Any

MINUTE, HOUR = 60.0, 3600.0


def beat_schedule(sweep_seconds: float) -> dict[str, dict[str, Any]]:
    periods = {
        "payments.drive": sweep_seconds,
        "payments.refund": sweep_seconds,
        "payments.expire": 10.0,
        "payments.settle": MINUTE,
        "payments.statements": sweep_seconds,
        "payments.match": MINUTE,
        "payouts.drive": sweep_seconds,
        "payouts.results": sweep_seconds,
        "webhooks.deliver": sweep_seconds,
        "webhooks.tell_owners": MINUTE,
        "accounts.invite": MINUTE,
        "accounts.prune": HOUR,
        "crypto.sign_fill_pool": 10.0,
        "crypto.watch": 1.0,
        "crypto.sign_outgoing": sweep_seconds,
        "crypto.drive_withdrawals": sweep_seconds,
        "crypto.sweep": 10.0,
        "crypto.tell_owners": MINUTE,
        "crypto.reconcile": 24 * HOUR,
        "crypto.fold_figures": 10.0,
        "crypto.export": 10.0,
        "crypto.export_purge": HOUR,
        "ledger.roll_up": 10 * MINUTE,
        "ledger.verify": 24 * HOUR,
        "contracts.purge": HOUR,
        "webhooks.prune": HOUR,
    }
    return {
        name: {"task": name, "schedule": period, "options": {"expires": max(period, 1.0)}}
        for name, period in periods.items()
    }
