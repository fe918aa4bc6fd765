"""Test items: known answers mixed in among the others, to measure what reviewers miss.

They are made by the same steps as an output that is checked at random, with an id of the same kind, so that nothing
about them tells what they are. No producer ever hears of them, and no figure about outputs counts them.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from escalation import ids, plans, policies, routes
from escalation.models import Output, Stream, TestItem
from escalation.plans import Row
from escalation.policy import Policy as Spec
from reviewqueue import answers, clock, events, queue
from reviewqueue.labels import Settled
from reviewqueue.problems import Invalid
from reviewqueue.queue import NewItem

SOURCE = "known"  # what people's side is told; it asks no further
MOST = 200  # at once: more would be a day's work of nothing but tests
LOOKS = 50  # the latest outputs, whose looks one that was brought takes on
_RNG = random.Random()
SETTLED_BEFORE = timedelta(days=1)  # nobody should meet again what they saw yesterday


@dataclass(frozen=True, slots=True)
class Known:
    """What a test item is made of. `copy_of`: the output it was, for which reviewers who judged it are left out."""

    payload: Mapping[str, Any]
    answer: Any
    model: str
    model_version: str
    confidence: float | None
    segment: Mapping[str, str]
    group: str
    reference: str
    copy_of: int | None = None


# Mistakes that people settled without having seen the AI's answer, never shown as a test before; the latest first.
_PAST = """
    SELECT p.body::text, e.answer::text, o.model, o.model_version, o.confidence, COALESCE(o.segment, '{}'::jsonb)::text,
        o."group", o.external_id, o.id
    FROM escalation_outcome e
    JOIN escalation_output o ON o.id = e.output_id
    JOIN escalation_payload p ON p.output_id = o.id
    WHERE e.stream_id = %(stream)s AND e.wrong AND e.blind AND e.outcome = 'answered' AND e.overturned
      AND o.state = 'decided' AND o.schema_number = %(schema)s AND e.settled_at < %(before)s
      AND NOT EXISTS (SELECT FROM escalation_testitem t WHERE t.copy_of = o.id)
    ORDER BY e.settled_at DESC LIMIT %(limit)s
"""


def mix_in_past(*, stream: Stream, count: int, actor: str, now: datetime | None = None) -> list[TestItem]:
    """Ask again about so many mistakes of the past that people found; fewer where there are not as many."""
    if not 1 <= count <= MOST:
        raise Invalid(f"Mix in 1 to {MOST} test items at once.", [{"pointer": "/count", "detail": f"1 to {MOST}."}])
    limits: dict[str, Any] = {
        "stream": stream.pk,
        "schema": stream.schema_number,
        "before": clock.current(now) - SETTLED_BEFORE,
        "limit": count,
    }
    with transaction.atomic():
        # One at a time, so that two managers do not take the same mistakes.
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        with connection.cursor() as cursor:
            cursor.execute(_PAST, limits)
            found = [_past(row) for row in cursor.fetchall()]
        return _mix_in(stream, found, actor=actor, now=now)


def mix_in(
    *,
    stream: Stream,
    known: Sequence[Mapping[str, Any]],
    actor: str,
    rng: random.Random | None = None,
    now: datetime | None = None,
) -> list[TestItem]:
    """Mix in examples that somebody brought: each has `input`, the AI's `prediction`, and the right `answer`.

    In all else they look like one of the latest outputs. Raises Invalid, with the place, for one whose answer is none
    of the stream's or whose prediction is right.
    """
    if not 1 <= len(known) <= MOST:
        raise Invalid(f"Bring 1 to {MOST} test items at once.", [{"pointer": "", "detail": f"1 to {MOST}."}])
    form = queue.form(slug=stream.slug, number=stream.schema_number)
    looks = list(Output.objects.filter(stream=stream, shadow=False).order_by("-id")[:LOOKS])
    if not looks:
        raise Invalid("Before the first output a test item would look like no other.", [])
    brought = [_brought(at, entry, form, (rng or _RNG).choice(looks), rng or _RNG) for at, entry in enumerate(known)]
    with transaction.atomic():
        return _mix_in(stream, brought, actor=actor, now=now)


def record(settled: Sequence[Settled]) -> None:
    """What became of test items among these labels: whether people found the mistake before they saw it proposed."""
    labels = {label.item_id: label for label in settled if label.source == SOURCE and label.round == 1}
    for item in TestItem.objects.filter(pk__in=labels, settled_at=None):
        label = labels[item.pk]
        item.settled_at = label.settled_at
        item.caught = (
            None if label.first_outcome == "unjudgeable" else not answers.same(label.first_answer, item.prediction)
        )
        item.save(update_fields=["settled_at", "caught"])


def _mix_in(stream: Stream, known: Sequence[Known], *, actor: str, now: datetime | None) -> list[TestItem]:
    moment, current = clock.current(now), policies.active(stream)
    spec = current.spec if current else Spec()
    made = [_made(stream, one, actor=actor, now=moment) for one in known]
    items = []
    for item, one in zip(made, known, strict=True):
        (plan,) = plans.make(stream, [_row(item, one, moment)], current, now=moment)
        # As one that was drawn for a check: judged first, shown after, whatever the policy thinks of its confidence.
        drawn = plan._replace(review=True, answer_first=True, audit=spec.audit.mode)
        items.append(_as_test(routes.item(drawn, one.payload, spec), one))
    queue.enqueue(slug=stream.slug, items=items, now=now)
    TestItem.objects.bulk_create(made)
    events.record(
        actor=actor,
        verb="test_items.mixed_in",
        object_type="stream",
        object_id=stream.slug,
        queue=stream.slug,
        after={"count": len(made)},
        at=now,
    )
    return made


def _made(stream: Stream, known: Known, *, actor: str, now: datetime) -> TestItem:
    return TestItem(
        id=ids.new(),
        stream=stream,
        copy_of=known.copy_of,
        answer=known.answer,
        prediction=known.payload["prediction"],
        schema_number=stream.schema_number,
        added_by=actor,
        added_at=now,
    )


def _row(item: TestItem, known: Known, now: datetime) -> Row:
    predicted = item.prediction if isinstance(item.prediction, str) else ""
    return Row(
        id=item.pk,
        stream_id=item.stream_id,
        external_id=known.reference,
        model=known.model,
        model_version=known.model_version,
        predicted=predicted,
        confidence=known.confidence,
        value=None,
        segment=dict(known.segment),
        group=known.group,
        due_at=None,
        received_at=now,
        schema_number=item.schema_number,
        shadow=False,
    )


def _as_test(item: NewItem, known: Known) -> NewItem:
    return replace(item, source=SOURCE, copy_of=known.copy_of)


def _past(row: tuple[Any, ...]) -> Known:
    payload, answer, model, version, confidence, segment, group, external_id, output_id = row
    return Known(
        payload=json.loads(payload),
        answer=json.loads(answer),
        model=model,
        model_version=version,
        confidence=confidence,
        segment=json.loads(segment),
        group=group,
        reference=external_id,
        copy_of=output_id,
    )


def _brought(at: int, entry: Mapping[str, Any], form: answers.Form, like: Output, rng: random.Random) -> Known:
    """An example as an item, in all that it doesn't say like an output that was received lately."""
    missing = [name for name in ("input", "prediction", "answer") if name not in entry]
    if missing:
        raise _wrong(f"/{at}/{missing[0]}", "It is missing.")
    answer = answers.normalised(entry["answer"], form, pointer=f"/{at}/answer")
    prediction = answers.normalised(entry["prediction"], form, pointer=f"/{at}/prediction")
    if answers.same(answer, prediction):
        raise _wrong(f"/{at}/answer", "A test item needs a mistake: here the AI's answer is the right one.")
    payload = {name: entry[name] for name in ("input", "context", "language", "scores") if name in entry}
    return Known(
        payload={**payload, "prediction": prediction},
        answer=answer,
        model=like.model,
        model_version=like.model_version,
        confidence=like.confidence,
        segment=like.segment or {},
        group="",
        reference=re.sub("[0-9]", lambda _: str(rng.randrange(10)), like.external_id),
    )


def _wrong(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])
