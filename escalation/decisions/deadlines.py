"""Answers outputs past their deadline as the policy says."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from escalation.decisions import feed, outcomes, queries
from escalation.decisions.settle import DECISION_BATCH_SIZE, build_next_decision
from escalation.models import Decision, Output, Stream
from escalation.routing import stop
from reviewqueue.activity import log
from reviewqueue.facade import queue
from reviewqueue.kernel import clock, sql


def answer_overdue_outputs(*, limit: int = DECISION_BATCH_SIZE, now: datetime | None = None) -> int:
    """Answer outputs past their deadline as their policy says; returns how many were answered.

    With `hold` they keep waiting. The model's answer is accepted only if nothing but its confidence or an audit sent
    the output to review, the policy in effect still accepts at deadlines, covers its answers and trusts its model
    version, its stream is not stopped, and the queue is below its limit. An active reservation or a pending verdict
    always takes precedence.
    """
    with transaction.atomic():
        stop.hold_release_lock()
        moment = clock.current_time(now)
        overdue = _find_overdue(moment, limit)
        # Items first, outputs second: the same lock order as settling.
        closed = queue.expire_items(item_ids=list(overdue), now=now)
        if closed:
            _write_overdue_decisions(closed, overdue, moment)
    return len(closed)


def _find_overdue(now: datetime, limit: int) -> dict[int, str]:
    """Overdue outputs whose policy has an action for that: output id -> `accept` or `reject`."""
    stops = stop.find_active_stops()
    return dict(
        sql.fetch_tuples(
            queries.OVERDUE,
            {
                "now": now,
                "limit": limit,
                "stopped": [stream_id for stream_id in stops if stream_id is not None],
                "all_stopped": None in stops,
            },
        )
    )


def _write_overdue_decisions(output_ids: list[int], actions: dict[int, str], now: datetime) -> None:
    found = outcomes.lock_outputs(output_ids)
    new = [
        build_next_decision(
            found[output_id], by=Decision.By.SYSTEM, outcome="answered", answer=found[output_id].prediction
        )
        if actions[output_id] == "accept"
        else build_next_decision(found[output_id], by=Decision.By.SYSTEM, outcome="rejected", answer=None)
        for output_id in output_ids
    ]
    feed.add_decisions(new, now=now)
    Output.objects.filter(pk__in=output_ids).update(state=Output.State.DECIDED)
    for stream in Stream.objects.filter(pk__in={output.stream_id for output in found.values()}).order_by("pk"):
        of_stream = [output_id for output_id in output_ids if found[output_id].stream_id == stream.pk]
        log.record_event(
            actor="system:deadline",
            verb="outputs.timed_out",
            object_type="output",
            object_ids=of_stream,
            queue=stream.slug,
            after={"accepted": sum(actions[output_id] == "accept" for output_id in of_stream)},
            at=now,
        )
