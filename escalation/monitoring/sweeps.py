"""The sweeps: work that is due again and again, and after how long a missed one is reported.

This table is the only schedule. The workers of a task queue ask every second what of it is due by the database's clock
(`monitoring.turns`), so a sweep is neither lost with a message nor repeated by a second worker.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Each queue is served by a process of its own, so that none waits for the others. Only wake-ups go here: messages that
# carry work, such as mail, need a queue of their own, because a turn is not sent while a message waits.
ROUTING, PEOPLE, MAINTENANCE = TASK_QUEUES = ("routing", "people", "maintenance")


@dataclass(frozen=True, slots=True)
class Sweep:
    """A task that runs `every` so many seconds; without success for `late_after` seconds, it is reported as late."""

    name: str
    task: str
    task_queue: str
    every: float
    late_after: float
    meaning: str | Promise


SWEEPS = (
    Sweep("worker", "escalation.tasks.sweep_received", ROUTING, 1, 15, _("routing outputs")),
    Sweep("settling", "escalation.tasks.sweep_settled", PEOPLE, 1, 15, _("settling verdicts")),
    Sweep("deadlines", "escalation.tasks.sweep_deadlines", PEOPLE, 3, 30, _("answering outputs past their deadline")),
    Sweep("waiting", "escalation.tasks.count_waiting", PEOPLE, 10, 45, _("counting waiting items")),
    Sweep("counting", "escalation.tasks.refresh_counts", MAINTENANCE, 60, 240, _("counting the outputs of each day")),
    Sweep("drift", "escalation.tasks.watch_guarantees", MAINTENANCE, 60, 240, _("watching guarantees for drift")),
    Sweep("guarantees", "escalation.tasks.sweep_guarantees", MAINTENANCE, 60, 240, _("acting on ended guarantees")),
    Sweep("invariants", "escalation.tasks.check_invariants", MAINTENANCE, 60, 300, _("checking invariants")),
    Sweep("drafts", "reviewqueue.tasks.drop_old_drafts", MAINTENANCE, 600, 1800, _("deleting old drafts")),
)
BY_NAME = {sweep.name: sweep for sweep in SWEEPS}
