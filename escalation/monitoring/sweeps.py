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
class Round:
    """All that a sweep has to do: begun once something has happened (if `on_news`), and `every` so many seconds.

    Without a complete round for `late_after` seconds, the sweep is reported as late, although it takes its turns.
    """

    every: float
    late_after: float
    on_news: bool = True


@dataclass(frozen=True, slots=True)
class Sweep:
    """A task that has a turn `every` so many seconds; without success for `late_after` seconds, it is reported as late.

    Without a `round`, the task runs at each turn. With one, it runs only at turns of a round: in between, its turn
    finds nothing to do.
    """

    name: str
    task: str
    task_queue: str
    every: float
    late_after: float
    meaning: str | Promise
    round: Round | None = None

    @property
    def round_name(self) -> str:
        """The name of the row that says when the last round was complete."""
        return f"{self.name}.round"


_MINUTE = Round(60, 240)

SWEEPS = (
    Sweep("worker", "escalation.tasks.sweep_received", ROUTING, 1, 15, _("routing outputs")),
    Sweep("settling", "escalation.tasks.sweep_settled", PEOPLE, 1, 15, _("settling verdicts")),
    Sweep("deadlines", "escalation.tasks.sweep_deadlines", PEOPLE, 3, 30, _("answering outputs past their deadline")),
    Sweep("waiting", "escalation.tasks.count_waiting", PEOPLE, 3, 30, _("counting waiting items"), Round(10, 45)),
    Sweep(
        "counting",
        "escalation.tasks.refresh_counts",
        MAINTENANCE,
        3,
        60,
        _("counting the outputs of each day"),
        _MINUTE,
    ),
    Sweep(
        "drift", "escalation.tasks.watch_guarantees", MAINTENANCE, 3, 60, _("watching guarantees for drift"), _MINUTE
    ),
    Sweep(
        "guarantees", "escalation.tasks.sweep_guarantees", MAINTENANCE, 3, 60, _("acting on ended guarantees"), _MINUTE
    ),
    Sweep("evidence", "escalation.tasks.evaluate_evidence", MAINTENANCE, 3, 60, _("evaluating audits"), _MINUTE),
    Sweep(
        "test_items",
        "escalation.tasks.replenish_test_items",
        MAINTENANCE,
        3,
        60,
        _("adding test items"),
        Round(600, 1800),
    ),
    Sweep(
        "invariants",
        "escalation.tasks.check_invariants",
        MAINTENANCE,
        3,
        60,
        _("checking invariants"),
        Round(60, 300, on_news=False),
    ),
    Sweep(
        "drafts",
        "reviewqueue.tasks.drop_old_drafts",
        MAINTENANCE,
        3,
        60,
        _("deleting old drafts"),
        Round(600, 1800, on_news=False),
    ),
)
BY_NAME = {sweep.name: sweep for sweep in SWEEPS}
