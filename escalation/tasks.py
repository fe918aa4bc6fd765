"""Celery tasks: thin calls into the domain. Any of them may run twice, concurrently, or not at all."""

from __future__ import annotations

from celery import current_app, shared_task

from escalation.decisions import deadlines, feed, settle
from escalation.guarantees import drift, guarantees
from escalation.ingest import backlog, wakeup
from escalation.monitoring import rounds, turns
from escalation.monitoring.sweeps import ROUTING, Sweep
from escalation.routing import dispatch
from escalation.simulation import daily_counts
from escalation.test_items import mix_in


@shared_task(max_retries=3)
def run_due_sweeps(task_queue: str) -> None:
    """Run the sweeps of this queue that are due; sent every second by the workers that serve it."""
    turns.run_due_sweeps(task_queue, _run_task)


@shared_task(max_retries=3)
def dispatch_received() -> None:
    """Route received outputs at once; sent by ingest after a post."""
    turns.run_due_sweeps(ROUTING, _run_task, at_once="worker")


@shared_task(max_retries=3)
def sweep_received() -> None:
    """Route received outputs for a while. If any were, more may be waiting: look again, but let others go first."""
    if dispatch.route_received():
        wakeup.send_wakeup()


@shared_task(max_retries=3)
def sweep_settled() -> None:
    """Settle final verdicts, and number the decisions."""
    turns.repeat_while_work(settle.settle_items)
    turns.repeat_while_work(feed.number_decisions)


@shared_task(max_retries=3)
def sweep_deadlines() -> None:
    """Answer outputs past their deadline."""
    turns.repeat_while_work(deadlines.answer_overdue_outputs)


@shared_task(max_retries=3)
def count_waiting() -> None:
    """Count waiting items."""
    backlog.refresh_waiting_counts()


@shared_task(max_retries=3)
def check_invariants() -> bool:
    """Run the next invariant checks; False while there are more. Violations are logged and shown."""
    return rounds.run_next_checks()


@shared_task(max_retries=3)
def refresh_counts() -> None:
    """Recount the days whose outputs have changed."""
    daily_counts.refresh_counts()


@shared_task(max_retries=3)
def watch_guarantees() -> None:
    """Raise an alarm if more errors occur than a guarantee allows."""
    drift.watch_guarantees()


@shared_task(max_retries=3)
def evaluate_evidence() -> None:
    """Evaluate the audits answered meanwhile, and record what they certify."""
    guarantees.evaluate_evidence()


@shared_task(max_retries=3)
def replenish_test_items() -> None:
    """Mix in past errors where too few test items are known to tell what reviewers miss."""
    mix_in.replenish_test_items()


@shared_task(max_retries=3)
def sweep_guarantees() -> None:
    """Tighten the policy of each guarantee that ended, if the policy says so."""
    guarantees.enforce_ended_guarantees()


def _run_task(sweep: Sweep) -> bool | None:
    result: bool | None = current_app.tasks[sweep.task]()
    return result
