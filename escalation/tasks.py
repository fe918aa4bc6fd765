"""Celery tasks: thin calls into the domain. Any of them may run twice, concurrently, or not at all."""

from __future__ import annotations

from celery import shared_task

from escalation.decisions import deadlines, feed, settle
from escalation.guarantees import drift, guarantees
from escalation.ingest import backlog
from escalation.monitoring import heartbeats, invariants
from escalation.routing import dispatch
from escalation.simulation import daily_counts


@shared_task(max_retries=3)
def dispatch_received() -> None:
    """Route received outputs; sent by ingest after a post."""
    dispatch.route_received()


@shared_task(max_retries=3)
def sweep_received() -> None:
    """Route received outputs, in case a wake-up was lost."""
    dispatch.route_received()
    heartbeats.record_heartbeat("worker")


@shared_task(max_retries=3)
def sweep_settled() -> None:
    """Settle final verdicts, and number the decisions."""
    while settle.settle_items():
        feed.number_decisions()
    feed.number_decisions()
    heartbeats.record_heartbeat("settling")


@shared_task(max_retries=3)
def sweep_deadlines() -> None:
    """Count waiting items, and answer outputs past their deadline."""
    backlog.refresh_waiting_counts()
    while deadlines.answer_overdue_outputs():
        pass
    heartbeats.record_heartbeat("deadlines")


@shared_task(max_retries=3)
def check_invariants(name: str = "") -> None:
    """Run one invariant check and queue the next. Violations are logged and shown.

    Each check is a message of its own, so that no other task has to wait for all of them.
    """
    if following := invariants.run_check(name):
        check_invariants.apply_async((following,), expires=60)


@shared_task(max_retries=3)
def refresh_counts() -> None:
    """Recount the days whose outputs have changed."""
    daily_counts.refresh_counts()
    heartbeats.record_heartbeat("counting")


@shared_task(max_retries=3)
def watch_guarantees() -> None:
    """Raise an alarm if more errors occur than a guarantee allows."""
    drift.watch_guarantees()
    heartbeats.record_heartbeat("drift")


@shared_task(max_retries=3)
def sweep_guarantees() -> None:
    """Tighten the policy of each guarantee that ended, if the policy says so."""
    guarantees.enforce_ended_guarantees()
    heartbeats.record_heartbeat("statements")
