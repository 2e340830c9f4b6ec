"""How the installation stands, for a person: what is reachable, who is alive, what is late. Read-only, and readable
while any part but the database is down: whatever cannot be asked is said to be so.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max
from django.utils import timezone

from crypto.chains.registry import enabled_networks
from crypto.models import ChainState, HotWallet, RpcNode
from crypto.openness import closed_networks
from gateway.celery import app
from gateway.lib import beats
from gateway.lib.modes import Mode
from gateway.lib.work import work_due
from ledger.verify import last_verification

State = Literal["good", "wait", "bad"]
EXPECTED = ("worker", "clerk", "courier", "watcher", "signer", "scheduler")
_SILENT_SECONDS, _LATE_SECONDS = 60.0, 120.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that was looked at: how it stands, in a word and a sentence, and since when."""

    name: str
    state: State
    word: str
    text: str = ""
    at: datetime | None = None


def _reachable(name: str, ask: Callable[[], str]) -> Reading:
    started = time.perf_counter()
    try:
        text = ask()
    except Exception as error:  # whatever a service that is away raises
        return Reading(name, "bad", "Not reachable", type(error).__name__)
    return Reading(name, "good", f"{(time.perf_counter() - started) * 1000:.0f} ms", text)


def services() -> list[Reading]:
    return [
        _reachable("Database", _ask_database), _reachable("Cache", _ask_cache), _reachable("Broker", _ask_broker),
        _migrations(), _disk(), _books(),
    ]


def _ask_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return connection.display_name if hasattr(connection, "display_name") else connection.vendor


def _ask_cache() -> str:
    key, value = f"health:{uuid4()}", uuid4().hex
    cache.set(key, value, 10)
    if cache.get(key) != value:
        raise LookupError("what was written was not read")
    cache.delete(key)
    return "Redis" if settings.REDIS_URL else "A file of this machine"


def _ask_broker() -> str:
    with app.connection_for_read() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
        return str(broker.transport.driver_type).capitalize()


def _migrations() -> Reading:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not pending:
        return Reading("Migrations", "good", "All applied")
    names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in pending[:5])
    return Reading("Migrations", "bad", f"{len(pending)} pending", names)


def _disk() -> Reading:
    usage = shutil.disk_usage(settings.DATA_DIR)
    share, free = 100 * usage.used / usage.total, usage.free / 2**30
    state: State = "bad" if free < 1 else "wait" if share > 90 else "good"
    return Reading("Disk of the data folder", state, f"{free:,.1f} GB free", f"{share:.0f}% used")


def _books() -> Reading:
    last = last_verification()
    if last is None:
        return Reading("Books", "wait", "Never verified", "The scheduler verifies them once a day.")
    if last.problems:
        return Reading("Books", "bad", f"{last.problems} problems", "See the log of verify_ledger.", last.ended_at)
    old = last.ended_at is None or timezone.now() - last.ended_at > timedelta(hours=49)
    return Reading("Books", "wait" if old else "good", "Proved", "Last verified", last.ended_at)


# Processes and schedule -----------------------------------------------------------------------------------
def processes(found: beats.Beats) -> list[Reading]:
    """Every process seen within a day, and each expected one that was not."""
    if not found.known:
        return [Reading("Processes", "bad", "Not known", "Signs of life are kept in the cache, which is away.")]
    now = time.time()
    alive = {_kind(name) for name, at in found.processes.items() if now - at <= _SILENT_SECONDS}
    rows = [_process(name, at, alive) for name, at in sorted(found.processes.items())]
    seen = {_kind(name) for name in found.processes}
    missing = [name for name in EXPECTED if name not in seen]
    return rows + [Reading(name, "bad", "Not seen", "No sign of life within a day") for name in missing]


def _kind(name: str) -> str:
    return name.partition("@")[0]


def _process(name: str, at: float, alive: set[str]) -> Reading:
    """One that is silent beside a living one of its kind was replaced, or does a share of the work no more."""
    if time.time() - at <= _SILENT_SECONDS:
        return Reading(name, "good", "Alive", "Last sign of life", _moment(at))
    if _kind(name) in alive:
        return Reading(name, "wait", "Silent", "Another of its kind is alive. Last sign of life", _moment(at))
    return Reading(name, "bad", "Silent", "Last sign of life", _moment(at))


def schedule(found: beats.Beats) -> list[Reading]:
    """Each scheduled task: when it was last done. Late is what was sent in vain, or not sent, for three periods."""
    return [_task(name, float(entry["schedule"]), found) for name, entry in settings.CELERY_BEAT_SCHEDULE.items()]


def _task(name: str, period: float, found: beats.Beats) -> Reading:
    done, sent = found.done.get(name), found.sent.get(name)
    every = f"every {_span(period)}"
    if done is None:
        word = "Sent, not done yet" if sent else "Not seen yet"
        return Reading(name, "wait", word, every, _moment(sent) if sent else None)
    late = time.time() - done > 3 * period + _LATE_SECONDS
    return Reading(name, "bad" if late else "good", "Late" if late else "On time", every, _moment(done))


def _span(seconds: float) -> str:
    for size, word in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {word}"
    return f"{seconds:g} s"


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def signs() -> beats.Beats:
    return beats.read(list(settings.CELERY_BEAT_SCHEDULE))


# Work and chains ------------------------------------------------------------------------------------------
def work() -> list[Reading]:
    """What is due of each kind. The rows are the queue, so this is what waits, whatever the broker holds."""
    now = timezone.now()
    return [_queue(label, count, oldest, now) for label, count, oldest in work_due(now)]


def _queue(label: str, count: int, oldest: datetime | None, now: datetime) -> Reading:
    waited = (now - oldest).total_seconds() if oldest else 0.0
    state: State = "bad" if waited > 600 else "wait" if waited > 60 else "good"
    return Reading(label.replace(".", " · "), state, f"{count:,} due", "the oldest since" if oldest else "", oldest)


def chains() -> list[Reading]:
    return [reading for mode in Mode.values for reading in _chains(mode)]


def _chains(mode: str) -> list[Reading]:
    states = {state.network_id: state for state in ChainState.objects.filter(mode=mode)}
    closed = {network.code: why for network, why in closed_networks(mode)}
    nodes = RpcNode.objects.filter(mode=mode).values_list("network_id", "failures")
    seen = dict(HotWallet.objects.filter(mode=mode).values_list("network_id").annotate(at=Max("seen_at")))
    return [
        _chain(f"{network.name} ({mode})", states.get(network.code), closed.get(network.code, ""),
               [failures for code, failures in nodes if code == network.code], seen.get(network.code))
        for network in enabled_networks(mode)
    ]


def _chain(
    name: str, state: ChainState | None, why: str, failures: list[int], signer_at: datetime | None
) -> Reading:
    if state is None:
        return Reading(name, "bad" if why else "wait", "Not read yet", why)
    behind = max(state.head_height - (state.scanned_height or 0), 0)
    words = [f"{behind:,} behind"]
    if failures:
        words.append(f"{sum(1 for each in failures if not each)} of {len(failures)} nodes answer")
    words.append(f"hot wallet since {signer_at:%d %b %H:%M} UTC" if signer_at else "no hot wallet announced")
    return Reading(name, "bad" if why else "good", "Closed" if why else "Open", f"{why} {' · '.join(words)}".strip(),
                   state.checked_at)
