"""Withdrawing: a producer takes an output back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from escalation.decisions import feed, outcomes
from escalation.decisions.settle import build_next_decision
from escalation.models import Decision, Output, Stream
from escalation.outputs import status
from reviewqueue.activity import log
from reviewqueue.facade import queue
from reviewqueue.kernel import clock


def withdraw_output(*, stream: Stream, external_id: str, actor: str, now: datetime | None = None) -> None:
    """Remove an output from the queue and publish `withdrawn` in the feed. Withdrawing it again does nothing.

    Raises NotFound.
    """
    # An output is routed once, so routing can interfere at most once.
    if not _try_withdraw(stream, external_id, actor, now):
        _try_withdraw(stream, external_id, actor, now)


def _try_withdraw(stream: Stream, external_id: str, actor: str, now: datetime | None) -> bool:
    """Returns False and does nothing if the output was routed meanwhile: its item must then be locked first."""
    before = status.find_output(stream=stream, external_id=external_id)
    with transaction.atomic():
        # Lock order: item, then output, as in settling. An unrouted output has no item yet, and routing locks the
        # output before it creates one, so only under the output's lock is it known whether routing came first.
        queue.withdraw_items(item_ids=[before.pk], actor=actor, now=now)
        output = Output.objects.select_for_update(no_key=True).get(pk=before.pk)
        if before.state == Output.State.RECEIVED and output.state in {Output.State.IN_REVIEW, Output.State.DECIDED}:
            transaction.set_rollback(True)
            return False
        if output.state != Output.State.WITHDRAWN:
            _record_withdrawal(output, stream, actor=actor, now=now)
    return True


def _record_withdrawal(output: Output, stream: Stream, *, actor: str, now: datetime | None) -> None:
    before, output.state = output.state, Output.State.WITHDRAWN
    output.save(update_fields=["state"])
    last = outcomes.lock_outputs([output.pk])[output.pk]
    feed.add_decisions(
        [build_next_decision(last, by=Decision.By.SYSTEM, outcome="withdrawn", answer=None)],
        now=clock.current_time(now),
    )
    log.record_event(
        actor=actor,
        verb="output.withdrawn",
        object_type="output",
        object_id=output.pk,
        queue=stream.slug,
        before={"state": before},
        after={"state": output.state},
        at=now,
    )
