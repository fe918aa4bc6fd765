"""The Celery app. What runs how often is in `escalation/monitoring/sweeps.py`."""

import os
from typing import Any

from celery import Celery
from celery import Task as PlainTask
from celery.signals import celeryd_init
from django.db import close_old_connections
from kombu import Queue

from config import limits, turns
from escalation.monitoring.sweeps import MAINTENANCE, ROUTING, SWEEPS, TASK_QUEUES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class ReconnectingTask(PlainTask):  # type: ignore[type-arg]  # not subscriptable at runtime
    """A task that starts without stale database connections, as requests do.

    Otherwise a connection that the database closed, or that a time limit interrupted in the middle of a statement,
    would fail every later task of the process.
    """

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        if not self.request.is_eager:
            close_old_connections()


app = Celery("reviewqueue", task_cls=ReconnectingTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["escalation", "reviewqueue"])

app.conf.task_queues = [Queue(name, routing_key=name) for name in TASK_QUEUES]
app.conf.task_default_queue = MAINTENANCE
app.conf.task_routes = {
    "escalation.tasks.dispatch_received": {"queue": ROUTING},
    **{sweep.task: {"queue": sweep.task_queue} for sweep in SWEEPS},
}
app.steps["consumer"].add(turns.TurnSender)


@celeryd_init.connect
def _limit_worker(**kwargs: Any) -> None:
    limits.limit_database_waits("worker")
