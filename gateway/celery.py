"""The Celery application: carries wake-ups and the schedule; what has to be done stands in the database."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals
from celery.app.amqp import AMQP
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES

import gateway.lib.beats  # noqa: F401 - workers and scheduler note their signs of life
from gateway import liveness, telemetry
from gateway.lib.garbage import spare_what_stays

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
# Kombu's own lets a worker read a message that is still being written, and the worker ends.
TRANSPORT_ALIASES["filesystem"] = "gateway.lib.file_queue:Transport"

BROKER_RETRY_SECONDS = 5


class SoonConnected(Connection):
    """Kombu asks for a lost broker less and less often, in the end twice a minute; what waits for it is money."""

    def ensure_connection(self, *arguments: Any, **options: Any) -> Connection:  # type: ignore[override]
        return super().ensure_connection(*arguments, **{"interval_max": BROKER_RETRY_SECONDS} | options)


class Messages(AMQP):
    Connection = SoonConnected


app = Celery("gateway", amqp=Messages)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.task_prerun.connect
@signals.task_postrun.connect
def _forget_dead_connections(**_: Any) -> None:
    """A database that restarted is reached again by the next task."""
    from django.db import close_old_connections

    close_old_connections()


@signals.worker_init.connect
def _before_the_pool_forks(**_: Any) -> None:
    """Its children inherit both, and begin their own sending."""
    telemetry.start(os.environ.get("GATEWAY_PROCESS", "worker"))
    spare_what_stays()


@signals.heartbeat_sent.connect
def _say_that_we_live(**_: Any) -> None:
    liveness.touch()


@signals.setup_logging.connect
def _use_our_logging(**_: Any) -> None:
    """Celery leaves the root logger to `settings.LOGGING`."""
