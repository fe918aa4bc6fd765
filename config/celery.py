"""The Celery app and the whole beat table."""

import os
from typing import Any

from celery import Celery
from celery import Task as PlainTask
from django.db import close_old_connections

from config import beat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class ReconnectingTask(PlainTask):  # type: ignore[type-arg]  # the plain one takes no arguments when it runs
    """A task that finds a connection which works, or none yet.

    As in a request: otherwise one that the database cut, or that a time limit left in the middle of a statement, would
    fail every task of the process after it.
    """

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        if not self.request.is_eager:
            close_old_connections()


app = Celery("reviewqueue", task_cls=ReconnectingTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["escalation", "reviewqueue"])

app.steps["worker"].add(beat.BeatGuard)
app.conf.beat_scheduler = beat.InMemoryScheduler
# A sweep that comes late is not worth repeating, so each message expires before the next one is due.
app.conf.beat_schedule = {
    "dispatch what was received": {
        "task": "escalation.tasks.sweep_received",
        "schedule": 1.0,
        "options": {"expires": 1.0},
    },
    "settle verdicts and number decisions": {
        "task": "escalation.tasks.sweep_settled",
        "schedule": 1.0,
        "options": {"expires": 1.0},
    },
    "answer what is past its deadline": {
        "task": "escalation.tasks.sweep_deadlines",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "count what became known": {
        "task": "escalation.tasks.refresh_counts",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "notice mistakes beyond what is stated": {
        "task": "escalation.tasks.watch_guarantees",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "act on statements that ended": {
        "task": "escalation.tasks.sweep_guarantees",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "check that the ledger balances": {
        "task": "escalation.tasks.check_invariants",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "forget what was never sent": {
        "task": "reviewqueue.tasks.drop_old_drafts",
        "schedule": 600.0,
        "options": {"expires": 600.0},
    },
}
