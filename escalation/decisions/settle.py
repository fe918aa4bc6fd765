"""Turns settled labels into decisions and outcomes of their outputs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from escalation.decisions import feed, outcomes
from escalation.decisions.outcomes import LockedOutput
from escalation.models import Decision, Output
from escalation.test_items import arrival
from reviewqueue.activity import log
from reviewqueue.answers import schema
from reviewqueue.facade import labels
from reviewqueue.facade.labels import SettledLabel
from reviewqueue.kernel import clock

DECISION_BATCH_SIZE = 500


def settle_items(*, limit: int = DECISION_BATCH_SIZE, now: datetime | None = None) -> int:
    """Settle items whose verdicts are final and write their decisions, in one transaction.

    Returns how many labels were processed, including those that another transaction had settled.
    """
    with transaction.atomic():
        labels.settle_due_items(limit=limit, now=now)
        settled = labels.take_labels(limit=limit)
        if settled:
            _record_labels(settled, clock.current_time(now))
            arrival.record_settled_items(settled)
    return len(settled)


def _record_labels(settled: list[SettledLabel], now: datetime) -> None:
    """Record labels; those of the same item one after the other, as a later round is compared with the earlier one."""
    while settled:
        first = {label.item_id: label for label in reversed(settled)}
        _record_one_per_item([label for label in settled if first[label.item_id] is label], now)
        settled = [label for label in settled if first[label.item_id] is not label]


def _record_one_per_item(settled: list[SettledLabel], now: datetime) -> None:
    found = outcomes.lock_outputs([label.item_id for label in settled])
    known = [(label, found[label.item_id]) for label in settled if label.item_id in found]
    outcomes.upsert_outcomes(known)
    changed = [(label, output) for label, output in known if _changes_decision(label, output)]
    feed.add_decisions(
        [
            build_next_decision(
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
    _log_decided(changed, now)


def _log_decided(changed: list[tuple[SettledLabel, LockedOutput]], now: datetime) -> None:
    for slug in {label.queue for label, _ in changed}:
        log.record_event(
            actor="system:settle",
            verb="outputs.decided",
            object_type="output",
            object_ids=[output.id for label, output in changed if label.queue == slug],
            queue=slug,
            at=now,
        )


def _changes_decision(label: SettledLabel, output: LockedOutput) -> bool:
    """Whether the label makes a new decision: the first one always, a later one only if it differs.

    An unjudgeable audit of an automated output does not change its decision.
    """
    if output.state == Output.State.WITHDRAWN:
        return False
    if output.revision == 0:
        return True
    if label.outcome == "unjudgeable" and label.round == 1:
        return False
    return label.outcome != output.outcome or not schema.is_same_answer(label.answer, output.answer)


def build_next_decision(
    output: LockedOutput, *, by: Decision.By, outcome: str, answer: Any, label_id: int | None = None
) -> feed.NewDecision:
    return feed.NewDecision(
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
