"""Mix known answers in among the items that people review."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from escalation.models import Payload, Stream, TestItem, output_id
from escalation.test_items.arrival import _fetch_latest_outputs
from reviewqueue.activity import log
from reviewqueue.answers import schema
from reviewqueue.facade import queue
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid

MAX_MIXED_IN_AT_ONCE = 200  # at once: more would be a day's work of nothing but tests
MIN_SETTLED_AGE = timedelta(days=1)  # nobody should meet again what they saw yesterday


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """What a test item asks. `copy_of`: the output it was, for which reviewers who judged it are left out."""

    payload: Mapping[str, Any]
    answer: Any
    copy_of: int | None = None


# Mistakes that people settled without having seen the AI's answer, never shown as a test before; the latest first.
_PAST_ERRORS = """
    SELECT p.body::text, e.answer::text, o.id
    FROM escalation_outcome e
    JOIN escalation_output o ON o.id = e.output_id
    JOIN escalation_payload p ON p.output_id = o.id
    WHERE e.stream_id = %(stream)s AND e.wrong AND e.blind AND e.outcome = 'answered' AND e.overturned
      AND o.state = 'decided' AND o.schema_number = %(schema)s AND e.settled_at < %(before)s
      AND NOT EXISTS (SELECT FROM escalation_testitem t WHERE t.copy_of = o.id)
    ORDER BY e.settled_at DESC LIMIT %(limit)s
"""


def mix_in_past_errors(*, stream: Stream, count: int, actor: str, now: datetime | None = None) -> list[TestItem]:
    """Ask again about so many mistakes of the past that people found; fewer where there are not as many."""
    if not 1 <= count <= MAX_MIXED_IN_AT_ONCE:
        raise Invalid(
            _("Mix in 1 to %(most)s test items at once.") % {"most": MAX_MIXED_IN_AT_ONCE},
            [{"pointer": "/count", "detail": _("1 to %(most)s.") % {"most": MAX_MIXED_IN_AT_ONCE}}],
        )
    limits: dict[str, Any] = {
        "stream": stream.pk,
        "schema": stream.schema_number,
        "before": clock.current_time(now) - MIN_SETTLED_AGE,
        "limit": count,
    }
    with transaction.atomic():
        # One at a time, so that two managers do not take the same mistakes.
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        with connection.cursor() as cursor:
            cursor.execute(_PAST_ERRORS, limits)
            found = [KnownAnswer(json.loads(body), json.loads(answer), of) for body, answer, of in cursor.fetchall()]
        return _store_test_items(stream, found, actor=actor, now=now)


def mix_in_examples(
    *, stream: Stream, known: Sequence[Mapping[str, Any]], actor: str, now: datetime | None = None
) -> list[TestItem]:
    """Mix in examples that somebody brought: each has `input`, the AI's `prediction`, and the right `answer`.

    Raises Invalid, with the place, for one whose answer is none of the stream's or whose prediction is right, and
    before the stream's first output.
    """
    if not 1 <= len(known) <= MAX_MIXED_IN_AT_ONCE:
        raise Invalid(
            _("Bring 1 to %(most)s test items at once.") % {"most": MAX_MIXED_IN_AT_ONCE},
            [{"pointer": "", "detail": _("1 to %(most)s.") % {"most": MAX_MIXED_IN_AT_ONCE}}],
        )
    form = queue.get_answer_spec(slug=stream.slug, number=stream.schema_number)
    if not _fetch_latest_outputs(stream):
        raise Invalid(_("Before the first output a test item would look like no other."), [])
    brought = [_parse_example(at, entry, form) for at, entry in enumerate(known)]
    with transaction.atomic():
        return _store_test_items(stream, brought, actor=actor, now=now)


def _store_test_items(
    stream: Stream, known: Sequence[KnownAnswer], *, actor: str, now: datetime | None
) -> list[TestItem]:
    made = [_build_test_item(stream, one, actor=actor, now=clock.current_time(now)) for one in known]
    TestItem.objects.bulk_create(made)
    Payload.objects.bulk_create([Payload(pk=item.pk, body=one.payload) for item, one in zip(made, known, strict=True)])
    log.record_event(
        actor=actor,
        verb="test_items.mixed_in",
        object_type="stream",
        object_id=stream.slug,
        queue=stream.slug,
        after={"count": len(made)},
        at=now,
    )
    return made


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


def _parse_example(at: int, entry: Mapping[str, Any], form: schema.AnswerSpec) -> KnownAnswer:
    missing = [name for name in ("input", "prediction", "answer") if name not in entry]
    if missing:
        raise _invalid_example(f"/{at}/{missing[0]}", _("It is missing."))
    answer = schema.normalize_answer(entry["answer"], form, pointer=f"/{at}/answer")
    prediction = schema.normalize_answer(entry["prediction"], form, pointer=f"/{at}/prediction")
    if schema.answers_match(answer, prediction):
        raise _invalid_example(
            f"/{at}/answer", _("A test item needs a mistake: here the AI's answer is the right one.")
        )
    payload = {name: entry[name] for name in ("input", "context", "language", "scores") if name in entry}
    return KnownAnswer({**payload, "prediction": prediction}, answer)


def _invalid_example(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])
