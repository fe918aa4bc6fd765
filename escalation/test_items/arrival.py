"""Admits test items into queues, so that reviewers cannot tell them from audits.

A test item is built by the same steps as an audited output, with an id of the same kind. Test items that were mixed in
wait until reviewers are at work: now and then one arrives in the queue when an output of the stream is settled
answer-first (`choose_share`). So its id, its rank and its due time are real values of that moment, like those of an
output. Its reference, its model and its time until due imitate the latest outputs. While nobody is reviewing, none
arrives: a test item on its own would be easy to spot.

Test items never appear in the decisions feed or in figures about outputs.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog
from django.db import transaction

from escalation.models import ExternalId, Output, Payload, Stream, TestItem
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from escalation.policies.versions import ActivePolicy
from escalation.routing.decide import LabelDecisions
from escalation.routing.field_routes import RouteParts
from escalation.routing.plan import ReceivedOutput, plan_routes
from escalation.routing.record import build_review_item
from escalation.test_items import queries, recall, reference_names
from reviewqueue.answers import field_equality
from reviewqueue.facade import facts, queue
from reviewqueue.facade.labels import SettledLabel
from reviewqueue.kernel import clock, sent_json, sql

TEST_ITEM_SOURCE = "known"  # the item's source on the review side, which treats it like any other
# How many test items arrive per output settled answer-first: until the fewest for a guarantee have arrived, until there
# are enough for a good bound, and ever after, since reviewers change.
FIRST_SHARE, MEASURING_SHARE, KEEPING_SHARE = 1 / 10, 1 / 20, 1 / 100
ENOUGH_TEST_ITEMS = 100
IMITATED_OUTPUT_COUNT = 50  # how many of the latest outputs a test item imitates
_RNG = random.Random()
log = structlog.get_logger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _WaitingTestItem:
    """A test item before its arrival, under the number that it has until then."""

    number: int
    copy_of: int | None
    payload: dict[str, Any]
    answer: Any


def admit_test_items(
    *, stream: Stream, count: int, rng: random.Random | None = None, now: datetime | None = None
) -> list[int]:
    """Admit up to `count` waiting test items into the queue now; returns their ids."""
    with transaction.atomic():
        found = sql.fetch_tuples(
            queries.WAITING_TEST_ITEMS, {"stream": stream.pk, "schema": stream.schema_number, "count": count}
        )
        latest = fetch_latest_outputs(stream) if found else []
        waiting = [
            _WaitingTestItem(number, copy_of, sent_json.parse_sent(body), sent_json.parse_sent(answer))
            for number, copy_of, body, answer in found
        ]
        return [_admit_test_item(stream, one, latest, rng or _RNG, clock.current_time(now)) for one in waiting]


def record_settled_items(settled: Sequence[SettledLabel]) -> None:
    """Record for each test item among these labels whether the blind answer caught the error, and admit new ones.

    At most one new test item per queue, so that several never arrive in a row.
    """
    labels = {label.item_id: label for label in settled if label.source == TEST_ITEM_SOURCE and label.round == 1}
    for item in TestItem.objects.filter(pk__in=labels, settled_at=None):
        label = labels[item.pk]
        item.settled_at = label.settled_at
        is_judged = label.blind and label.first_outcome != "unjudgeable"
        item.caught = _is_caught(item, label) if is_judged else None
        item.save(update_fields=["settled_at", "caught"])
    others = [label for label in settled if label.source != TEST_ITEM_SOURCE and label.blind]
    lowest: dict[str, tuple[float, datetime]] = {}
    for label in others:
        drawn = (_RNG.random(), label.settled_at)
        if drawn[0] < FIRST_SHARE:  # the highest of the shares
            lowest[label.queue] = min(lowest.get(label.queue, drawn), drawn)
    for stream in Stream.objects.filter(slug__in=lowest).order_by("pk"):
        number, moment = lowest[stream.slug]
        if number < choose_share(stream):
            _try_to_admit(stream, moment)


def choose_share(stream: Stream) -> float:
    """How many test items arrive now per output settled answer-first."""
    there = recall.count_test_items(stream, target=stream.targets.order_by("pk").last())
    arrived = there.settled + there.at_desk
    if arrived < recall.MIN_SETTLED_TEST_ITEMS:
        return FIRST_SHARE
    return MEASURING_SHARE if arrived < ENOUGH_TEST_ITEMS else KEEPING_SHARE


def _is_caught(item: TestItem, label: SettledLabel) -> bool:
    """Whether the first answer differs wherever the AI's answer is wrong: in each wrong field or label of a set."""
    form, found = queue.get_answer_spec(slug=label.queue, number=label.schema_number), label.first_answer
    if form.fields:
        wrong, given = (
            field_equality.find_different_fields(answer, item.prediction, form) for answer in (item.answer, found)
        )
        return all(given[field] for field, is_wrong in wrong.items() if is_wrong)
    if isinstance(item.prediction, list) and isinstance(found, list):
        return set(item.answer) ^ set(item.prediction) <= set(found) ^ set(item.prediction)
    return not field_equality.answers_match(found, item.prediction, form)


def _try_to_admit(stream: Stream, now: datetime) -> None:
    try:
        with transaction.atomic():
            admit_test_items(stream=stream, count=1, now=now)
    except Exception:
        # A failing test item must not prevent other labels from being settled.
        log.exception("test_item.admission_failed", stream=stream.slug)


def fetch_latest_outputs(stream: Stream) -> list[Output]:
    """The latest outputs, oldest first, without shadow outputs."""
    return list(Output.objects.filter(stream=stream, shadow=False).order_by("-id")[:IMITATED_OUTPUT_COUNT])[::-1]


def _admit_test_item(
    stream: Stream, waiting: _WaitingTestItem, latest: Sequence[Output], rng: random.Random, now: datetime
) -> int:
    payload = waiting.payload
    current = _force_answer_first(versions.find_active_policy(stream))
    spec, arrived = current.spec if current else PolicySpec(), _generate_output_id(now)
    reference = _pick_free_reference(
        stream, reference_names.generate_reference_names([output.external_id for output in latest], rng)
    )
    row = _build_row(arrived, payload["prediction"], rng.choice(latest), reference, stream.schema_number, now)
    (plan,) = plan_routes(stream, [row], current, now=now)
    # Treated as drawn for an audit: answered before the AI's answer is shown, whatever its confidence.
    parts = plan.parts and _with_wrong_fields(plan.parts, stream, waiting)
    drawn = plan._replace(review=True, answer_first=True, audit=spec.audit.mode, parts=parts)
    item = replace(build_review_item(drawn, payload, spec), source=TEST_ITEM_SOURCE, copy_of=waiting.copy_of)
    new = queue.enqueue_items(slug=stream.slug, items=[item], now=now)
    assert new == 1  # if an output had this id, the test item would take over that output's label
    TestItem.objects.filter(pk=waiting.number).update(id=arrived)
    Payload.objects.filter(pk=waiting.number).delete()
    return arrived


def _with_wrong_fields(parts: RouteParts, stream: Stream, waiting: _WaitingTestItem) -> RouteParts:
    """As if the wrong fields had been drawn: reviewers can only find an error in what they are asked for."""
    form = queue.get_answer_spec(slug=stream.slug, number=stream.schema_number)
    different = field_equality.find_different_fields(waiting.answer, waiting.payload["prediction"], form)
    wrong = [field for field, differs in different.items() if differs and field not in parts.audited]
    return RouteParts(parts.asked, [*parts.audited, *wrong])


def _force_answer_first(current: ActivePolicy | None) -> ActivePolicy | None:
    """The policy with everything answered first, so that the rank depends on due time alone, not on confidence."""
    return current and replace(current, spec=msgspec.structs.replace(current.spec, answer_first=True))


def _generate_output_id(arrival: datetime) -> int:
    """A new id, as an output received at that moment gets one."""
    return int(sql.fetch_value(queries.GENERATE_OUTPUT_ID, [arrival]))


def _build_row(
    arrived: int, prediction: Any, like: Output, reference: str, schema_number: int, now: datetime
) -> ReceivedOutput:
    """The test item as a received output; every field it does not define itself is copied from `like`."""
    return ReceivedOutput(
        id=arrived,
        stream_id=like.stream_id,
        external_id=reference,
        model=like.model,
        model_version=like.model_version,
        predicted=prediction if isinstance(prediction, str) else "",
        confidence=like.confidence,
        value=like.value,
        segment=like.segment or {},
        group=like.group,
        due_at=_imitate_due_at(like, now),
        received_at=now,
        schema_number=schema_number,
        shadow=False,
        labels=LabelDecisions(prediction, {}) if isinstance(prediction, list) else None,
        fields=like.field_confidences if isinstance(prediction, dict) else None,
    )


def _imitate_due_at(like: Output, arrival: datetime) -> datetime | None:
    """A due time as long after arrival as that of `like`, and as round: if that is due on the hour, so is this.

    None if `like` has none; the policy's deadline then applies, as for other outputs.
    """
    if like.due_at is None:
        return None
    since, later = like.due_at - _EPOCH, arrival - like.received_at
    units = (timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))
    grain = next((unit for unit in units if not since % unit), timedelta.resolution)
    return like.due_at + later // grain * grain


def _pick_free_reference(stream: Stream, candidates: Iterator[str]) -> str:
    """The first candidate that is not the reference of any output or test item of the stream."""
    test_items = list(TestItem.objects.filter(stream=stream).values_list("pk", flat=True))
    for batch in itertools.batched(candidates, 20):
        outputs = ExternalId.objects.filter(stream=stream, external_id__in=batch)
        # Checks outputs and test items only: every item's reference is one of theirs.
        taken = set(outputs.values_list("external_id", flat=True)) | facts.references_among(test_items, batch)
        if free := [name for name in batch if name not in taken]:
            return free[0]
    raise AssertionError("the candidates are endless")
