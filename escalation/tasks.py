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
    dispatch.run()


@shared_task(max_retries=3)
def sweep_received() -> None:
    """Nobody may have told: route what waits."""
    dispatch.run()
    heartbeats.beat("worker")


@shared_task(max_retries=3)
def sweep_settled() -> None:
    """Settle what became final, and number the decisions."""
    while settle.settle():
        feed.number()
    feed.number()
    heartbeats.beat("settling")


@shared_task(max_retries=3)
def sweep_deadlines() -> None:
    """Count what waits, and answer what is past its deadline."""
    backlog.refresh()
    while deadlines.expire():
        pass
    heartbeats.beat("deadlines")


@shared_task(max_retries=3)
def check_ledger(name: str = "") -> None:
    """Prove an invariant, and the others after it; what does not balance is logged and shown.

    Each by a message of its own, so that no other work waits for all of them.
    """
    if following := invariants.watch(name):
        check_ledger.apply_async((following,), expires=60)


@shared_task(max_retries=3)
def count_outputs() -> None:
    """Count anew the days about which something became known."""
    daily_counts.refresh()
    heartbeats.beat("counting")


@shared_task(max_retries=3)
def watch_statements() -> None:
    """Notice when more goes wrong than a statement says."""
    drift.watch()
    heartbeats.beat("drift")


@shared_task(max_retries=3)
def sweep_statements() -> None:
    """Send more to people where a statement ended and its policy says so."""
    guarantees.act_on_ended()
    heartbeats.beat("statements")
