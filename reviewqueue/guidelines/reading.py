"""Guidelines for one person: the current version, the version they know, and the changes between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from reviewqueue.accounts import roles
from reviewqueue.guidelines import queries
from reviewqueue.guidelines.compare import DiffLine, diff_texts
from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import NotFound
from reviewqueue.models import Guideline, Queue, User


@dataclass(frozen=True, slots=True)
class GuidelineReading:
    """A version of a queue's guidelines; `number` is None if there are none. `known`: the one the person knows."""

    number: int | None
    text: str
    known: int | None

    @property
    def changed(self) -> bool:
        """Whether this version is newer than the one the person knows; False if they know none."""
        return self.number is not None and self.known is not None and self.known < self.number


@dataclass(frozen=True, slots=True)
class GuidelineVersion:
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class GuidelineComparison:
    """The changes between two versions; `lines` is None if the texts are too long to compare."""

    before: int
    after: int
    lines: Sequence[DiffLine] | None


def get_guideline(*, user: User, queue: Queue, number: int | None = None) -> GuidelineReading:
    """The version with this number, or the latest; an empty reading if there is none."""
    row = sql.fetch_row(queries.SELECT_GUIDELINE, {"user": user.pk, "queue": queue.pk, "number": number}, prepared=True)
    return GuidelineReading(**row) if row else GuidelineReading(number=None, text="", known=None)


def open_guideline(*, user: User, slug: str, number: int | None = None) -> tuple[Queue, GuidelineReading]:
    """One of the person's queues and a version of its guidelines; NotFound if there is no such queue or version."""
    theirs = roles.queue_for(user, slug)
    found = get_guideline(user=user, queue=theirs, number=number)
    if number is not None and found.number is None:
        raise NotFound(_("There is no such version of the guidelines."))
    return theirs, found


def mark_guideline_read(*, user: User, slug: str, number: int) -> GuidelineReading:
    """Record that the person has read this version; a version older than the known one changes nothing."""
    theirs, found = open_guideline(user=user, slug=slug, number=number)
    sql.run_statement(queries.UPSERT_GUIDELINE_READ, {"user": user.pk, "queue": theirs.pk, "number": found.number})
    return found


def list_versions(queue: Queue) -> list[GuidelineVersion]:
    """All versions, latest first."""
    rows = Guideline.objects.filter(queue=queue).order_by("-number").values_list("number", "created_at")
    return [GuidelineVersion(number, at) for number, at in rows]


def changes_since_read(queue: Queue, found: GuidelineReading) -> GuidelineComparison | None:
    """The changes since the version the person knows; None if nothing changed or they know none."""
    if not found.changed or found.known is None or found.number is None:
        return None
    return compare_versions(queue, before=found.known, after=found.number)


def compare_versions(queue: Queue, *, before: int, after: int) -> GuidelineComparison:
    """The changes between two versions; NotFound if one of them does not exist."""
    wanted = Guideline.objects.filter(queue=queue, number__in={before, after})
    texts = dict(wanted.values_list("number", "text"))
    if not {before, after} <= texts.keys():
        raise NotFound(_("There is no such version of the guidelines."))
    return GuidelineComparison(before, after, diff_texts(texts[before], texts[after]))
