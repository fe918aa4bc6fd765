"""The Celery app and the complete beat schedule."""

import os
from typing import Any

from celery import Celery
from celery import Task as PlainTask
from django.db import close_old_connections

from config import beat

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

app.steps["worker"].add(beat.BeatGuard)
app.conf.beat_scheduler = beat.InMemoryScheduler
# A late sweep is not worth running, so each message expires when the next one is due.
app.conf.beat_schedule = {
    "dispatch received outputs": {
        "task": "escalation.tasks.sweep_received",
        "schedule": 1.0,
        "options": {"expires": 1.0},
    },
    "settle final verdicts": {
        "task": "escalation.tasks.sweep_settled",
        "schedule": 1.0,
        "options": {"expires": 1.0},
    },
    "resolve expired deadlines": {
        "task": "escalation.tasks.sweep_deadlines",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "refresh counts": {
        "task": "escalation.tasks.refresh_counts",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "watch guarantees for drift": {
        "task": "escalation.tasks.watch_guarantees",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "act on ended guarantees": {
        "task": "escalation.tasks.sweep_guarantees",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "run invariant checks": {
        "task": "escalation.tasks.check_invariants",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "delete old drafts": {
        "task": "reviewqueue.tasks.drop_old_drafts",
        "schedule": 600.0,
        "options": {"expires": 600.0},
    },
}
