"""Mixes known answers into a stream's queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from escalation.models import Payload, Stream, TestItem, output_id
from escalation.test_items import queries, recall
from escalation.test_items.arrival import fetch_latest_outputs
from reviewqueue.activity import log
from reviewqueue.answers import field_equality, schema
from reviewqueue.facade import queue
from reviewqueue.kernel import clock, sent_json, sql
from reviewqueue.kernel.errors import Invalid

MAX_MIXED_IN_AT_ONCE = 200  # more would mean a day of nothing but test items
MIN_SETTLED_AGE = timedelta(hours=4)  # nobody should see an item that a colleague is just talking about
MAX_WAITING = 10  # mixed in by the product; managers may add more


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """The content of a test item. `copy_of`: the output it was made from, whose reviewers will not get it."""

    payload: Mapping[str, Any]
    answer: Any
    copy_of: int | None = None


def mix_in_past_errors(*, stream: Stream, count: int, actor: str, now: datetime | None = None) -> list[TestItem]:
    """Mix in up to `count` past errors that reviewers caught, as test items. Raises Invalid."""
    if not 1 <= count <= MAX_MIXED_IN_AT_ONCE:
        raise Invalid(
            _("You can mix in 1 to %(most)s test items at once.") % {"most": MAX_MIXED_IN_AT_ONCE},
            [{"pointer": "/count", "detail": _("Must be 1 to %(most)s.") % {"most": MAX_MIXED_IN_AT_ONCE}}],
        )
    limits: dict[str, Any] = {
        "stream": stream.pk,
        "schema": stream.schema_number,
        "before": clock.current_time(now) - MIN_SETTLED_AGE,
        "limit": count,
    }
    with transaction.atomic():
        # One at a time, so that two managers do not pick the same errors.
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        found = [
            KnownAnswer(sent_json.parse_sent(body), sent_json.parse_sent(answer), output)
            for body, answer, output in sql.fetch_tuples(queries.PAST_ERRORS, limits)
        ]
        return _store_test_items(stream, found, actor=actor, now=now)


def replenish_test_items(*, now: datetime | None = None) -> int:
    """Keep a few test items waiting on each stream with an error target, made from past errors; returns how many.

    Without them, nobody knows what reviewers miss. Managers need not think of it; `arrival` spreads them over time.
    """
    added = 0
    for stream in Stream.objects.filter(targets__isnull=False).distinct().order_by("pk"):
        missing = MAX_WAITING - recall.count_test_items(stream, target=stream.targets.latest("pk")).waiting
        if missing > 0:
            added += len(
                mix_in_past_errors(stream=stream, count=missing, actor=log.system_actor("test items"), now=now)
            )
    return added


def mix_in_examples(
    *, stream: Stream, known: Sequence[Mapping[str, Any]], actor: str, now: datetime | None = None
) -> list[TestItem]:
    """Mix in uploaded examples: each has `input`, the AI's `prediction`, and the right `answer`.

    Raises Invalid, with a pointer, if an answer is not one of the stream's or a prediction is right; also if the stream
    has no outputs yet.
    """
    if not 1 <= len(known) <= MAX_MIXED_IN_AT_ONCE:
        raise Invalid(
            _("You can mix in 1 to %(most)s test items at once.") % {"most": MAX_MIXED_IN_AT_ONCE},
            [{"pointer": "", "detail": _("Must be 1 to %(most)s.") % {"most": MAX_MIXED_IN_AT_ONCE}}],
        )
    form = queue.get_answer_spec(slug=stream.slug, number=stream.schema_number)
    if not fetch_latest_outputs(stream):
        raise Invalid(
            _("This stream has no outputs yet, so a test item would be easy to spot. Wait for the first output."), []
        )
    examples = [_parse_example(index, entry, form) for index, entry in enumerate(known)]
    with transaction.atomic():
        return _store_test_items(stream, examples, actor=actor, now=now)


def _store_test_items(
    stream: Stream, known: Sequence[KnownAnswer], *, actor: str, now: datetime | None
) -> list[TestItem]:
    if not known:
        return []
    created = [_build_test_item(stream, answer, actor=actor, now=clock.current_time(now)) for answer in known]
    TestItem.objects.bulk_create(created)
    Payload.objects.bulk_create(
        [Payload(pk=item.pk, body=answer.payload) for item, answer in zip(created, known, strict=True)]
    )
    log.record_event(
        actor=actor,
        verb="test_items.mixed_in",
        object_type="stream",
        object_id=stream.slug,
        queue=stream.slug,
        after={"count": len(created)},
        at=now,
    )
    return created


def _build_test_item(stream: Stream, known: KnownAnswer, *, actor: str, now: datetime) -> TestItem:
    return TestItem(
        id=output_id.generate_output_id(),
        stream=stream,
        copy_of=known.copy_of,
        answer=known.answer,
        prediction=known.payload["prediction"],
        schema_number=stream.schema_number,
        added_by=actor,
        added_at=now,
    )


def _parse_example(index: int, entry: Mapping[str, Any], form: schema.AnswerSpec) -> KnownAnswer:
    missing = [name for name in ("input", "prediction", "answer") if name not in entry]
    if missing:
        raise _invalid_example(f"/{index}/{missing[0]}", _("This field is required."))
    answer = schema.normalize_answer(entry["answer"], form, pointer=f"/{index}/answer")
    prediction = schema.normalize_answer(entry["prediction"], form, pointer=f"/{index}/prediction")
    if field_equality.answers_match(answer, prediction, form):
        raise _invalid_example(f"/{index}/answer", _("This prediction is right. A test item needs a wrong prediction."))
    payload = {name: entry[name] for name in ("input", "context", "language", "scores") if name in entry}
    return KnownAnswer({**payload, "prediction": prediction}, answer)


def _invalid_example(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])
