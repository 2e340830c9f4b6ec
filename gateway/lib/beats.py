"""Signs of life: which process last worked when, when each scheduled task was last sent and last done.

Kept in the shared cache by the workers and the scheduler themselves, at most once in `_EVERY` seconds for each task;
what is not renewed for a day is forgotten. Noting never fails what is noted, and reading tells when it cannot.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Any

from celery import signals

_EVERY, _KEPT = 5.0, 86_400 * 3
_PROCESSES = "beats:processes"
_noted: dict[str, float] = {}
_is_scheduler = False
_name = ""


@dataclass(frozen=True, slots=True)
class Beats:
    """Moments in seconds since 1970; `known` is False while the cache cannot be read."""

    known: bool
    processes: dict[str, float]
    sent: dict[str, float]
    done: dict[str, float]


def read(tasks: list[str]) -> Beats:
    from django.core.cache import cache

    names = [f"beats:{what}:{task}" for what in ("sent", "done") for task in tasks]
    try:
        found: dict[str, Any] = cache.get_many([_PROCESSES, *names])
    except Exception:  # whatever a cache that is away raises
        return Beats(False, {}, {}, {})
    at = {name: float(found[name]) for name in names if name in found}
    kept = found.get(_PROCESSES) or {}
    return Beats(
        True, dict(kept), {task: at[f"beats:sent:{task}"] for task in tasks if f"beats:sent:{task}" in at},
        {task: at[f"beats:done:{task}"] for task in tasks if f"beats:done:{task}" in at},
    )


def note(what: str, task: str) -> None:
    """`what` is sent or done; seldom enough to cost nothing."""
    key, now = f"beats:{what}:{task}", time.time()
    if now - _noted.get(key, 0.0) < _EVERY:
        return
    _noted[key] = now
    try:
        _write(key, now)
    except Exception:  # noqa: S110 - a sign of life is worth less than the work it is about
        pass


def _write(key: str, now: float) -> None:
    from django.core.cache import cache

    cache.set(key, now, _KEPT)
    name = _name or f"worker@{socket.gethostname()}"
    if now - _noted.get(name, 0.0) < _EVERY:
        return
    _noted[name] = now
    # Two that write at once lose one sign of life, which its owner gives again in seconds.
    kept: dict[str, float] = cache.get(_PROCESSES) or {}
    alive = {each: at for each, at in kept.items() if now - at < 86_400}
    cache.set(_PROCESSES, alive | {name: now}, _KEPT)


@signals.celeryd_init.connect
def _worker(sender: Any = None, **_: Any) -> None:
    """`sender` is the worker's name, such as courier@host."""
    global _name
    _name = str(sender or "")


@signals.beat_init.connect
def _scheduler(**_: Any) -> None:
    global _name, _is_scheduler
    _name, _is_scheduler = f"scheduler@{socket.gethostname()}", True


@signals.task_postrun.connect
def _done(task: Any = None, state: str | None = None, **_: Any) -> None:
    if _name and task is not None and state == "SUCCESS":
        note("done", str(task.name))


@signals.after_task_publish.connect
def _sent(sender: Any = None, **_: Any) -> None:
    if _is_scheduler:
        note("sent", str(sender))
