"""A producer takes an output back: off the queue, and `withdrawn` in the feed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from escalation.decisions import feed, outcomes
from escalation.decisions.settle import _next_decision
from escalation.models import Decision, Output, Stream
from escalation.outputs import status
from reviewqueue.activity import log
from reviewqueue.facade import queue
from reviewqueue.kernel import clock


def withdraw_output(*, stream: Stream, external_id: str, actor: str, now: datetime | None = None) -> None:
    """The producer takes an output back: off the queue, and `withdrawn` in the feed. Again is no error."""
    # Routing gets in between at most once in an output's life.
    if not _try_withdraw(stream, external_id, actor, now):
        _try_withdraw(stream, external_id, actor, now)


def _try_withdraw(stream: Stream, external_id: str, actor: str, now: datetime | None) -> bool:
    """False, with nothing done, where routing got in between: its item then has to be locked before the output."""
    before = status.find_output(stream=stream, external_id=external_id)
    with transaction.atomic():
        # The order of locks is item, then output, as in settling. What is still to be routed has no item yet, and
        # routing locks the output before there is one, so whether it got there in between shows only under the lock.
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
        [_next_decision(last, by=Decision.By.SYSTEM, outcome="withdrawn", answer=None)], now=clock.current_time(now)
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
