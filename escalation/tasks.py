"""What Celery runs: each task is one domain call. All of them can run twice, at once, or not at all."""

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
    """Somebody posted: route what waits."""
    dispatch.route_received()


@shared_task(max_retries=3)
def sweep_received() -> None:
    """Nobody may have told: route what waits."""
    dispatch.route_received()
    heartbeats.record_heartbeat("worker")


@shared_task(max_retries=3)
def sweep_settled() -> None:
    """Settle what became final, and number the decisions."""
    while settle.settle_items():
        feed.number_decisions()
    feed.number_decisions()
    heartbeats.record_heartbeat("settling")


@shared_task(max_retries=3)
def sweep_deadlines() -> None:
    """Count what waits, and answer what is past its deadline."""
    backlog.refresh_waiting_counts()
    while deadlines.answer_overdue_outputs():
        pass
    heartbeats.record_heartbeat("deadlines")


@shared_task(max_retries=3)
def check_invariants(name: str = "") -> None:
    """Prove an invariant, and the others after it; what does not balance is logged and shown.

    Each by a message of its own, so that no other work waits for all of them.
    """
    if following := invariants.run_check(name):
        check_invariants.apply_async((following,), expires=60)


@shared_task(max_retries=3)
def refresh_counts() -> None:
    """Count anew the days about which something became known."""
    daily_counts.refresh_counts()
    heartbeats.record_heartbeat("counting")


@shared_task(max_retries=3)
def watch_guarantees() -> None:
    """Notice when more goes wrong than a statement says."""
    drift.watch_guarantees()
    heartbeats.record_heartbeat("drift")


@shared_task(max_retries=3)
def sweep_guarantees() -> None:
    """Send more to people where a statement ended and its policy says so."""
    guarantees.enforce_ended_guarantees()
    heartbeats.record_heartbeat("statements")
