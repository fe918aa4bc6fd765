"""Joins outputs with what people settled: their decisions, their errors, and what happens past a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction

from escalation import decisions, states, stops
from escalation.models import Decision, Outcome, Output, Stream
from reviewqueue import answers, clock, events, labels, queue
from reviewqueue.labels import Settled

SETTLED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Judged:
    """One output as it stood when its label arrived. `revision` is 0 where nothing was decided yet."""

    id: int
    stream_id: int
    external_id: str
    state: str
    shadow: bool
    prediction: Any
    revision: int
    outcome: str | None
    answer: Any


def settle(*, limit: int = SETTLED_AT_ONCE, now: datetime | None = None) -> int:
    """Settle items whose verdicts became final, and write their decisions, in one transaction each pass.

    Returns how many labels were taken, also those that somebody else's transaction had settled.
    """
    with transaction.atomic():
        labels.settle_due(limit=limit, now=now)
        settled = labels.take(limit=limit)
        if settled:
            _record(settled, clock.current(now))
    return len(settled)


def withdraw(*, stream: Stream, external_id: str, actor: str, now: datetime | None = None) -> None:
    """The producer takes an output back: off the queue, and `withdrawn` in the feed. Again is no error."""
    output = states.find(stream=stream, external_id=external_id)
    with transaction.atomic():
        # The order of locks is item, then output, as in settling. What is still to be routed has no item yet, and
        # routing locks the output before there is one, so whether it got there in between shows only under the lock.
        queue.withdraw(item_ids=[output.pk], actor=actor, now=now)
        output = Output.objects.select_for_update(no_key=True).get(pk=output.pk)
        if output.state != Output.State.WITHDRAWN:
            queue.withdraw(item_ids=[output.pk], actor=actor, now=now)
            _take_back(output, stream, actor=actor, now=now)


def _take_back(output: Output, stream: Stream, *, actor: str, now: datetime | None) -> None:
    before, output.state = output.state, Output.State.WITHDRAWN
    output.save(update_fields=["state"])
    judged = _judged([output.pk])[output.pk]
    decisions.add([_decision(judged, by=Decision.By.SYSTEM, outcome="withdrawn", answer=None)], now=clock.current(now))
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
    judged = _judged(output_ids)
    new = [
        _decision(judged[output_id], by=Decision.By.SYSTEM, outcome="answered", answer=judged[output_id].prediction)
        if what[output_id] == "accept"
        else _decision(judged[output_id], by=Decision.By.SYSTEM, outcome="rejected", answer=None)
        for output_id in output_ids
    ]
    decisions.add(new, now=now)
    Output.objects.filter(pk__in=output_ids).update(state=Output.State.DECIDED)
    for stream in Stream.objects.filter(pk__in={one.stream_id for one in judged.values()}).order_by("pk"):
        of_stream = [output_id for output_id in output_ids if judged[output_id].stream_id == stream.pk]
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
    judged = _judged([label.item_id for label in settled])
    known = [(label, judged[label.item_id]) for label in settled if label.item_id in judged]
    _upsert_outcomes(known)
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


def _tell(changed: list[tuple[Settled, _Judged]], now: datetime) -> None:
    for slug in {label.queue for label, _ in changed}:
        events.record(
            actor="system:settle",
            verb="outputs.decided",
            object_type="output",
            object_ids=[output.id for label, output in changed if label.queue == slug],
            queue=slug,
            at=now,
        )


def _changes(label: Settled, output: _Judged) -> bool:
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


def _upsert_outcomes(known: list[tuple[Settled, _Judged]]) -> None:
    Outcome.objects.bulk_create(
        [
            Outcome(
                output_id=output.id,
                stream_id=output.stream_id,
                label_id=label.label_id,
                round=label.round,
                outcome=label.outcome,
                answer=label.answer,
                settled=label.first_answer if isinstance(label.first_answer, str) else "",
                wrong=_wrong(label, output),
                overturned=label.outcome == "rejected"
                or (label.outcome == "answered" and not answers.same(label.answer, output.prediction)),
                blind=label.blind,
                reviews=label.reviews,
                active_seconds=label.active_seconds,
                settled_at=label.settled_at,
            )
            for label, output in known
        ],
        update_conflicts=True,
        unique_fields=["output"],
        update_fields=[
            "label_id", "round", "outcome", "answer", "settled", "wrong", "overturned", "blind", "reviews",
            "active_seconds", "settled_at",
        ],
    )  # fmt: skip


def _wrong(label: Settled, output: _Judged) -> bool | None:
    """Whether the prediction was wrong by the settled first answers; None where nobody could tell."""
    if label.first_outcome == "unjudgeable":
        return None
    return label.first_outcome == "rejected" or not answers.same(label.first_answer, output.prediction)


def _decision(
    output: _Judged, *, by: Decision.By, outcome: str, answer: Any, label_id: int | None = None
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


_JUDGED = """
    SELECT o.id, o.stream_id, o.external_id, o.state, o.shadow, (p.body -> 'prediction')::text,
           COALESCE(d.revision, 0), d.outcome, d.answer::text
    FROM escalation_output o
    JOIN escalation_payload p ON p.output_id = o.id
    LEFT JOIN LATERAL (
        SELECT revision, outcome, answer FROM escalation_decision WHERE output_id = o.id
        ORDER BY revision DESC LIMIT 1
    ) d ON true
    WHERE o.id = ANY(%s) ORDER BY o.id FOR NO KEY UPDATE OF o
"""


def _judged(output_ids: Sequence[int]) -> dict[int, _Judged]:
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED, [list(output_ids)])
        return {row[0]: _Judged(*(*row[:5], _json(row[5]), *row[6:8], _json(row[8]))) for row in cursor.fetchall()}


def _json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
