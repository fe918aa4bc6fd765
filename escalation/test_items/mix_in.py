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
from escalation.test_items.arrival import _latest
from reviewqueue.activity import log
from reviewqueue.answers import schema
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid
from reviewqueue.queue import items

MOST = 200  # at once: more would be a day's work of nothing but tests
SETTLED_BEFORE = timedelta(days=1)  # nobody should meet again what they saw yesterday


@dataclass(frozen=True, slots=True)
class Known:
    """What a test item asks. `copy_of`: the output it was, for which reviewers who judged it are left out."""

    payload: Mapping[str, Any]
    answer: Any
    copy_of: int | None = None


# Mistakes that people settled without having seen the AI's answer, never shown as a test before; the latest first.
_PAST = """
    SELECT p.body::text, e.answer::text, o.id
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
        raise Invalid(
            _("Mix in 1 to %(most)s test items at once.") % {"most": MOST},
            [{"pointer": "/count", "detail": _("1 to %(most)s.") % {"most": MOST}}],
        )
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
            found = [Known(json.loads(body), json.loads(answer), of) for body, answer, of in cursor.fetchall()]
        return _mix_in(stream, found, actor=actor, now=now)


def mix_in(
    *, stream: Stream, known: Sequence[Mapping[str, Any]], actor: str, now: datetime | None = None
) -> list[TestItem]:
    """Mix in examples that somebody brought: each has `input`, the AI's `prediction`, and the right `answer`.

    Raises Invalid, with the place, for one whose answer is none of the stream's or whose prediction is right, and
    before the stream's first output.
    """
    if not 1 <= len(known) <= MOST:
        raise Invalid(
            _("Bring 1 to %(most)s test items at once.") % {"most": MOST},
            [{"pointer": "", "detail": _("1 to %(most)s.") % {"most": MOST}}],
        )
    form = items.form(slug=stream.slug, number=stream.schema_number)
    if not _latest(stream):
        raise Invalid(_("Before the first output a test item would look like no other."), [])
    brought = [_brought(at, entry, form) for at, entry in enumerate(known)]
    with transaction.atomic():
        return _mix_in(stream, brought, actor=actor, now=now)


def _mix_in(stream: Stream, known: Sequence[Known], *, actor: str, now: datetime | None) -> list[TestItem]:
    made = [_made(stream, one, actor=actor, now=clock.current(now)) for one in known]
    TestItem.objects.bulk_create(made)
    Payload.objects.bulk_create([Payload(pk=item.pk, body=one.payload) for item, one in zip(made, known, strict=True)])
    log.record(
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
        id=output_id.new(),
        stream=stream,
        copy_of=known.copy_of,
        answer=known.answer,
        prediction=known.payload["prediction"],
        schema_number=stream.schema_number,
        added_by=actor,
        added_at=now,
    )


def _brought(at: int, entry: Mapping[str, Any], form: schema.Form) -> Known:
    missing = [name for name in ("input", "prediction", "answer") if name not in entry]
    if missing:
        raise _wrong(f"/{at}/{missing[0]}", _("It is missing."))
    answer = schema.normalised(entry["answer"], form, pointer=f"/{at}/answer")
    prediction = schema.normalised(entry["prediction"], form, pointer=f"/{at}/prediction")
    if schema.same(answer, prediction):
        raise _wrong(f"/{at}/answer", _("A test item needs a mistake: here the AI's answer is the right one."))
    payload = {name: entry[name] for name in ("input", "context", "language", "scores") if name in entry}
    return Known({**payload, "prediction": prediction}, answer)


def _wrong(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])
