"""The Celery application: carries wake-ups and the schedule; what has to be done stands in the database."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
# Kombu's own lets a worker read a message that is still being written, and the worker ends.
TRANSPORT_ALIASES["filesystem"] = "gateway.lib.file_queue:Transport"

app = Celery("gateway")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.task_prerun.connect
@signals.task_postrun.connect
def _forget_dead_connections(**_: Any) -> None:
    """A database that restarted is reached again by the next task."""
    from django.db import close_old_connections

    close_old_connections()


@signals.setup_logging.connect
def _use_our_logging(**_: Any) -> None:
    """Celery leaves the root logger to `settings.LOGGING`."""
