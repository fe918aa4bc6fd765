"""Configure a queue: its title, its numbered answer schemas and its numbered guidelines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from reviewqueue import content
from reviewqueue.activity import log
from reviewqueue.answers import field_equality, names
from reviewqueue.answers.schema import OUTPUT_UNIT, AnswerSpec, build_answer_spec
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import AnswerSchema, Guideline, Queue

MAX_RESERVE_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The settings now in force in a queue; `kind` is `label`, `labels` or `structured`."""

    schema_number: int
    guideline_number: int | None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDefinition:
    """The settings a queue is to have; exactly one of `answers` and `schema`.

    `error_unit` is that of `AnswerSpec`. `error_types` are the error types that a correction may name. `display` maps a
    key of the input to the renderer that shows it, where its shape alone would choose another one (see `content`); `*`
    is the whole input.
    """

    slug: str
    title: str
    question: str = ""
    answers: Iterable[str] | None = None
    multiple: bool = False
    error_unit: str = OUTPUT_UNIT
    schema: Mapping[str, Any] | None = None
    guidelines: str = ""
    reserve_minutes: int = 15
    error_types: Sequence[str] = ()
    display: Mapping[str, str] = field(default_factory=dict)


def configure_queue(wanted: QueueDefinition, *, actor: str, now: datetime | None = None) -> QueueSettings:
    """Create or change a queue. Answers and guidelines are never edited: changed ones get the next number.

    Repeating a call changes and records nothing. Raises Invalid, with pointers, for wrong settings.
    """
    spec = build_answer_spec(
        answers=wanted.answers, multiple=wanted.multiple, schema=wanted.schema, error_unit=wanted.error_unit
    )
    field_equality.check_equalities(spec.schema or {})
    if not 1 <= wanted.reserve_minutes <= MAX_RESERVE_MINUTES:
        detail = _("Set a reservation time of 1 to %(most)s minutes.") % {"most": MAX_RESERVE_MINUTES}
        raise Invalid(detail, [{"pointer": "/reserve_minutes", "detail": detail}])
    _check_display(wanted.display)
    with transaction.atomic():
        fields = {
            "title": wanted.title,
            "question": wanted.question,
            "reserve_minutes": wanted.reserve_minutes,
            "error_types": list(wanted.error_types),
            "display": dict(wanted.display),
        }
        queue, before = _save_queue(wanted.slug, fields)
        schema_number, new_answers = _save_schema(queue, spec)
        guideline_number, new_guidelines = _save_guideline(queue, wanted.guidelines)
        if before != fields or new_answers or new_guidelines:
            after = fields | {"answers": schema_number, "guidelines": guideline_number}
            log.record_event(
                actor=actor,
                verb="configured",
                object_type="queue",
                object_id=wanted.slug,
                queue=wanted.slug,
                before=before,
                after=after,
                at=now,
            )
    return QueueSettings(schema_number=schema_number, guideline_number=guideline_number, kind=spec.kind)


def lock_settings(slug: str) -> None:
    """Wait until nobody else is changing the queue's settings, and keep others waiting until the transaction ends."""
    Queue.objects.select_for_update(no_key=True).filter(slug=slug).values_list("pk").first()


@lru_cache(maxsize=1024)
def get_answer_spec(*, slug: str, number: int) -> AnswerSpec:
    """The answers a queue's numbered schema allows. Cached per process: a numbered schema never changes.

    Not for a schema that the caller's transaction has just made: that could still be rolled back, and another one would
    get its number. Raises NotFound.
    """
    return load_answer_spec(slug=slug, number=number)


def load_answer_spec(*, slug: str, number: int) -> AnswerSpec:
    """`get_answer_spec` as it is in this transaction."""
    row = AnswerSchema.objects.filter(queue__slug=slug, number=number).first()
    if row is None:
        raise NotFound(
            _("The queue %(slug)r has no answer schema number %(number)s.") % {"slug": slug, "number": number}
        )
    return AnswerSpec(kind=row.kind, answers=row.answers, schema=row.schema, error_unit=row.error_unit)


def _check_display(display: Mapping[str, str]) -> None:
    unknown = sorted(set(display.values()) - content.BLOCK_KINDS)
    if unknown:
        detail = _("Unknown renderer %(unknown)r. Choose from %(known)s.") % {
            "unknown": unknown[0],
            "known": ", ".join(sorted(content.BLOCK_KINDS)),
        }
        raise Invalid(detail, [{"pointer": "/display", "detail": detail}])


def _save_queue(slug: str, fields: dict[str, Any]) -> tuple[Queue, dict[str, Any] | None]:
    """Save the queue with these fields, and return it with its previous fields (None if it is new).

    The row stays locked until the transaction ends, so that schema and guideline numbers are assigned one at a time.
    """
    queue, created = Queue.objects.get_or_create(slug=slug, defaults=fields)
    queue = Queue.objects.select_for_update(no_key=True).get(pk=queue.pk)
    before = None if created else {name: getattr(queue, name) for name in fields}
    if before != fields and not created:
        for name, value in fields.items():
            setattr(queue, name, value)
        queue.save(update_fields=list(fields))
    return queue, before


def _save_schema(queue: Queue, form: AnswerSpec) -> tuple[int, bool]:
    latest = AnswerSchema.objects.filter(queue=queue).order_by("-number").first()
    # Schemas by their text: as Python values 1 is True, and the order in which reviewers see the fields counts nothing.
    wanted = (form.kind, list(form.answers), json.dumps(form.schema), form.error_unit)
    if latest is not None and (latest.kind, latest.answers, json.dumps(latest.schema), latest.error_unit) == wanted:
        return latest.number, False
    if latest is None or latest.answers != list(form.answers):
        names.check_new_names(form.answers)
    number = latest.number + 1 if latest else 1
    AnswerSchema.objects.create(
        queue=queue,
        number=number,
        kind=form.kind,
        answers=list(form.answers),
        schema=form.schema,
        error_unit=form.error_unit,
    )
    return number, True


def _save_guideline(queue: Queue, text: str) -> tuple[int | None, bool]:
    latest = Guideline.objects.filter(queue=queue).order_by("-number").first()
    if text == (latest.text if latest else ""):
        return (latest.number if latest else None), False
    number = latest.number + 1 if latest else 1
    Guideline.objects.create(queue=queue, number=number, text=text)
    return number, True
