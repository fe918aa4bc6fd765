"""Joins outputs with what people settled: their decisions, their errors, and what happens past a deadline."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext

from escalation import decisions, judged, states, stops
from escalation.judged import Judged
from escalation.models import Decision, Output, Stream
from escalation.tuning import testitems
from reviewqueue import answers, clock, events, labels, queue
from reviewqueue.access import Person
from reviewqueue.labels import Settled
from reviewqueue.problems import DomainError

SETTLED_AT_ONCE = 500


class NotDecided(DomainError):
    code = "not_decided"


def settle(*, limit: int = SETTLED_AT_ONCE, now: datetime | None = None) -> int:
    """Settle items whose verdicts became final, and write their decisions, in one transaction each pass.

    Returns how many labels were taken, also those that somebody else's transaction had settled.
    """
    with transaction.atomic():
        labels.settle_due(limit=limit, now=now)
        settled = labels.take(limit=limit)
        if settled:
            _record(settled, clock.current(now))
            testitems.record(settled)
    return len(settled)


def withdraw(*, stream: Stream, external_id: str, actor: str, now: datetime | None = None) -> None:
    """The producer takes an output back: off the queue, and `withdrawn` in the feed. Again is no error."""
    # Routing gets in between at most once in an output's life.
    if not _withdrawn(stream, external_id, actor, now):
        _withdrawn(stream, external_id, actor, now)


def _withdrawn(stream: Stream, external_id: str, actor: str, now: datetime | None) -> bool:
    """False, with nothing done, where routing got in between: its item then has to be locked before the output."""
    before = states.find(stream=stream, external_id=external_id)
    with transaction.atomic():
        # The order of locks is item, then output, as in settling. What is still to be routed has no item yet, and
        # routing locks the output before there is one, so whether it got there in between shows only under the lock.
        queue.withdraw(item_ids=[before.pk], actor=actor, now=now)
        output = Output.objects.select_for_update(no_key=True).get(pk=before.pk)
        if before.state == Output.State.RECEIVED and output.state in {Output.State.IN_REVIEW, Output.State.DECIDED}:
            transaction.set_rollback(True)
            return False
        if output.state != Output.State.WITHDRAWN:
            _take_back(output, stream, actor=actor, now=now)
    return True


def _take_back(output: Output, stream: Stream, *, actor: str, now: datetime | None) -> None:
    before, output.state = output.state, Output.State.WITHDRAWN
    output.save(update_fields=["state"])
    last = judged.of([output.pk])[output.pk]
    decisions.add([_decision(last, by=Decision.By.SYSTEM, outcome="withdrawn", answer=None)], now=clock.current(now))
    events.record(
        actor=actor,
        verb="output.withdrawn",
        object_type="output",
        object_id=output.pk,
        queue=stream.slug,
        before={"state": before},
        after={"state": output.state},
        at=now,
    )


def reopen(*, output_id: int, by: Person, reason: str = "", now: datetime | None = None) -> None:
    """Ask people again about what they decided; what they say then goes out as a change of the decision."""
    with transaction.atomic():
        queue.reopen(item_id=output_id, by=by, reason=reason, now=now)
        # The item is locked by now, then the output, as in withdrawing.
        output = Output.objects.select_for_update(no_key=True).get(pk=output_id)
        if output.state != Output.State.DECIDED:
            raise NotDecided(
                gettext("This output is %(state)s, so nobody can decide it again.")
                % {"state": output.get_state_display().lower()}
            )


def expire(*, limit: int = SETTLED_AT_ONCE, now: datetime | None = None) -> int:
    """Answer what is past its deadline as its policy says; returns how many were answered.

    Where the policy says hold, it waits on. The model's answer stands only where the output has a valid confidence
    and a policy that could decide about it, its stream is not stopped, and the queue is not over its cap; a live
    reservation or a pending verdict wins in any case.
    """
    with transaction.atomic():
        stops.hold_release_lock()
        moment = clock.current(now)
        overdue = _overdue(moment, limit)
        # Items first, outputs second: the order of locks that settling has.
        closed = queue.expire(item_ids=list(overdue), now=now)
        if closed:
            _answer_overdue(closed, overdue, moment)
    return len(closed)


_OVERDUE = """
    SELECT o.id, p.spec ->> 'on_deadline'
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    JOIN escalation_policy p ON p.id = r.policy_id
    JOIN escalation_stream s ON s.id = o.stream_id
    WHERE o.state = 'in_review' AND o.due_at <= %(now)s AND (
        p.spec ->> 'on_deadline' = 'reject'
        OR p.spec ->> 'on_deadline' = 'accept' AND o.confidence IS NOT NULL AND r.stop_id IS NULL
           AND r.reason <> 'dispatch_failed' AND s.waiting < s.max_waiting
           AND NOT (s.id = ANY(%(stopped)s) OR %(all_stopped)s)
    )
    ORDER BY o.due_at LIMIT %(limit)s
"""


def _overdue(now: datetime, limit: int) -> dict[int, str]:
    """Outputs whose policy has an answer for a missed deadline, with it."""
    standing = stops.standing()
    with connection.cursor() as cursor:
        cursor.execute(
            _OVERDUE,
            {
                "now": now,
                "limit": limit,
                "stopped": [stream_id for stream_id in standing if stream_id is not None],
                "all_stopped": None in standing,
            },
        )
        return dict(cursor.fetchall())


def _answer_overdue(output_ids: list[int], what: dict[int, str], now: datetime) -> None:
    found = judged.of(output_ids)
    new = [
        _decision(found[output_id], by=Decision.By.SYSTEM, outcome="answered", answer=found[output_id].prediction)
        if what[output_id] == "accept"
        else _decision(found[output_id], by=Decision.By.SYSTEM, outcome="rejected", answer=None)
        for output_id in output_ids
    ]
    decisions.add(new, now=now)
    Output.objects.filter(pk__in=output_ids).update(state=Output.State.DECIDED)
    for stream in Stream.objects.filter(pk__in={one.stream_id for one in found.values()}).order_by("pk"):
        of_stream = [output_id for output_id in output_ids if found[output_id].stream_id == stream.pk]
        events.record(
            actor="system:deadline",
            verb="outputs.timed_out",
            object_type="output",
            object_ids=of_stream,
            queue=stream.slug,
            after={"accepted": sum(what[output_id] == "accept" for output_id in of_stream)},
            at=now,
        )


def _record(settled: list[Settled], now: datetime) -> None:
    """Labels of one item go one after the other: a later round is compared with what the earlier one decided."""
    while settled:
        first = {label.item_id: label for label in reversed(settled)}
        _record_distinct([label for label in settled if first[label.item_id] is label], now)
        settled = [label for label in settled if first[label.item_id] is not label]


def _record_distinct(settled: list[Settled], now: datetime) -> None:
    found = judged.of([label.item_id for label in settled])
    known = [(label, found[label.item_id]) for label in settled if label.item_id in found]
    judged.keep(known)
    changed = [(label, output) for label, output in known if _changes(label, output)]
    decisions.add(
        [
            _decision(
                output,
                by=Decision.By.PEOPLE,
                outcome=label.outcome,
                answer=label.answer,
                label_id=label.label_id,
            )
            for label, output in changed
        ],
        now=now,
    )
    Output.objects.in_review().filter(pk__in=[output.id for _, output in known]).update(state=Output.State.DECIDED)
    _tell(changed, now)


def _tell(changed: list[tuple[Settled, Judged]], now: datetime) -> None:
    for slug in {label.queue for label, _ in changed}:
        events.record(
            actor="system:settle",
            verb="outputs.decided",
            object_type="output",
            object_ids=[output.id for label, output in changed if label.queue == slug],
            queue=slug,
            at=now,
        )


def _changes(label: Settled, output: Judged) -> bool:
    """Whether producers hear of it: the first decision always, a later one when it says something else.

    A check after the fact that nobody could judge takes nothing back.
    """
    if output.state == Output.State.WITHDRAWN:
        return False
    if output.revision == 0:
        return True
    if label.outcome == "unjudgeable" and label.round == 1:
        return False
    return label.outcome != output.outcome or not answers.same(label.answer, output.answer)


def _decision(
    output: Judged, *, by: Decision.By, outcome: str, answer: Any, label_id: int | None = None
) -> decisions.New:
    return decisions.New(
        output_id=output.id,
        stream_id=output.stream_id,
        external_id=output.external_id,
        revision=output.revision + 1,
        by=by,
        outcome=outcome,
        answer=answer,
        shadow=output.shadow,
        label_id=label_id,
    )
