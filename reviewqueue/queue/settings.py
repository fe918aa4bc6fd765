"""Configure a queue: its title, its numbered answer schemas and its numbered guidelines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from reviewqueue import content
from reviewqueue.activity import log
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.answers.schema import build_answer_spec as schema_form
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import AnswerSchema, Guideline, Queue

MAX_RESERVE_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The settings now in force in a queue; `kind` is `label`, `labels` or `structured`."""

    schema_number: int
    guideline_number: int | None
    kind: str


def configure_queue(
    *,
    slug: str,
    title: str,
    question: str = "",
    answers: Iterable[str] | None = None,
    multiple: bool = False,
    schema: Mapping[str, Any] | None = None,
    guidelines: str = "",
    reserve_minutes: int = 15,
    error_types: Sequence[str] = (),
    display: Mapping[str, str] | None = None,
    actor: str,
    now: datetime | None = None,
) -> QueueSettings:
    """Create or change a queue. Answers and guidelines are never edited: changed ones get the next number.

    `error_types` are the error types that a correction may name. `display` maps a key of the input to the renderer
    that shows it, where its shape alone would choose another one (see `content`); `*` is the whole input.
    Repeating a call changes and records nothing. Raises Invalid, with pointers, for wrong settings.
    """
    form = schema_form(answers=answers, multiple=multiple, schema=schema)
    if not 1 <= reserve_minutes <= MAX_RESERVE_MINUTES:
        detail = _("Set a reservation time of 1 to %(most)s minutes.") % {"most": MAX_RESERVE_MINUTES}
        raise Invalid(detail, [{"pointer": "/reserve_minutes", "detail": detail}])
    _check_display(display or {})
    with transaction.atomic():
        fields = {
            "title": title,
            "question": question,
            "reserve_minutes": reserve_minutes,
            "error_types": list(error_types),
            "display": dict(display or {}),
        }
        queue, before = _save_queue(slug, fields)
        schema_number, new_answers = _save_schema(queue, form)
        guideline_number, new_guidelines = _save_guideline(queue, guidelines)
        if before != fields or new_answers or new_guidelines:
            after = fields | {"answers": schema_number, "guidelines": guideline_number}
            log.record_event(
                actor=actor,
                verb="configured",
                object_type="queue",
                object_id=slug,
                queue=slug,
                before=before,
                after=after,
                at=now,
            )
    return QueueSettings(schema_number=schema_number, guideline_number=guideline_number, kind=form.kind)


@lru_cache(maxsize=1024)
def get_answer_spec(*, slug: str, number: int) -> AnswerSpec:
    """The answers a queue's numbered schema allows. Cached per process: a numbered schema never changes.

    Raises NotFound.
    """
    row = AnswerSchema.objects.filter(queue__slug=slug, number=number).first()
    if row is None:
        raise NotFound(
            _("The queue %(slug)r has no answer schema number %(number)s.") % {"slug": slug, "number": number}
        )
    return AnswerSpec(kind=row.kind, answers=row.answers, schema=row.schema)


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
    wanted = (form.kind, list(form.answers), form.schema)
    if latest is not None and (latest.kind, latest.answers, latest.schema) == wanted:
        return latest.number, False
    number = latest.number + 1 if latest else 1
    AnswerSchema.objects.create(
        queue=queue, number=number, kind=form.kind, answers=list(form.answers), schema=form.schema
    )
    return number, True


def _save_guideline(queue: Queue, text: str) -> tuple[int | None, bool]:
    latest = Guideline.objects.filter(queue=queue).order_by("-number").first()
    if text == (latest.text if latest else ""):
        return (latest.number if latest else None), False
    number = latest.number + 1 if latest else 1
    Guideline.objects.create(queue=queue, number=number, text=text)
    return number, True
