"""Guidelines as one person reads them: the version that is in force, the one they know, what changed in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from reviewqueue.accounts import roles
from reviewqueue.guidelines.compare import DiffLine, diff_texts
from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import NotFound
from reviewqueue.models import Guideline, Queue, User


@dataclass(frozen=True, slots=True)
class GuidelineReading:
    """A version of a queue's guidelines; `number` is None where there are none. `known`: the one the person knows."""

    number: int | None
    text: str
    known: int | None

    @property
    def changed(self) -> bool:
        """Since the person last looked. Whoever never looked has nothing to compare with."""
        return self.number is not None and self.known is not None and self.known < self.number


@dataclass(frozen=True, slots=True)
class GuidelineVersion:
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class GuidelineComparison:
    """From one version to another; `lines` is None where the texts are too long to compare."""

    before: int
    after: int
    lines: Sequence[DiffLine] | None


# Whoever has not opened the guidelines yet, but worked by them, knows what was in force at the oldest of their latest
# verdicts. Their items are looked up one by one: joined, where the tables are young and have no statistics yet, these
# verdicts are read anew for each item of the queue.
_SELECT_GUIDELINE = """
SELECT g.number, g.text, COALESCE(
    (SELECT r.number FROM reviewqueue_guidelineread r WHERE r.user_id = %(user)s AND r.queue_id = %(queue)s),
    (SELECT min(v.guideline_number)
     FROM (SELECT item_id, guideline_number FROM reviewqueue_verdict WHERE user_id = %(user)s
           ORDER BY submitted_at DESC LIMIT 100) v
     WHERE (SELECT i.queue_id FROM reviewqueue_item i WHERE i.id = v.item_id) = %(queue)s)) AS known
FROM reviewqueue_guideline g
WHERE g.queue_id = %(queue)s AND (g.number = %(number)s OR %(number)s IS NULL)
ORDER BY g.number DESC LIMIT 1
"""
_UPSERT_GUIDELINE_READ = """
INSERT INTO reviewqueue_guidelineread (user_id, queue_id, number, at)
SELECT %(user)s, g.queue_id, g.number, now() FROM reviewqueue_guideline g
WHERE g.queue_id = %(queue)s AND g.number = %(number)s
ON CONFLICT (user_id, queue_id) DO UPDATE SET number = EXCLUDED.number, at = EXCLUDED.at
WHERE reviewqueue_guidelineread.number < EXCLUDED.number
"""


def get_guideline(*, user: User, queue: Queue, number: int | None = None) -> GuidelineReading:
    """The version with this number, else the latest; an empty one where there is none."""
    row = sql.fetch_row(_SELECT_GUIDELINE, {"user": user.pk, "queue": queue.pk, "number": number}, prepared=True)
    return GuidelineReading(**row) if row else GuidelineReading(number=None, text="", known=None)


def open_guideline(*, user: User, slug: str, number: int | None = None) -> tuple[Queue, GuidelineReading]:
    """A queue of the person's and a version of its guidelines; NotFound when there is no such version for them."""
    theirs = roles.queue_for(user, slug)
    found = get_guideline(user=user, queue=theirs, number=number)
    if number is not None and found.number is None:
        raise NotFound(_("There is no such version of the guidelines."))
    return theirs, found


def mark_guideline_read(*, user: User, slug: str, number: int) -> GuidelineReading:
    """Note that the person has this version before them; an older one than they know changes nothing."""
    theirs, found = open_guideline(user=user, slug=slug, number=number)
    sql.run_statement(_UPSERT_GUIDELINE_READ, {"user": user.pk, "queue": theirs.pk, "number": found.number})
    return found


def list_versions(queue: Queue) -> list[GuidelineVersion]:
    """All versions, the latest first."""
    rows = Guideline.objects.filter(queue=queue).order_by("-number").values_list("number", "created_at")
    return [GuidelineVersion(number, at) for number, at in rows]


def changes_since_read(queue: Queue, found: GuidelineReading) -> GuidelineComparison | None:
    """What changed since the person last looked; None when nothing did, or when they never looked."""
    if not found.changed or found.known is None or found.number is None:
        return None
    return compare_versions(queue, before=found.known, after=found.number)


def compare_versions(queue: Queue, *, before: int, after: int) -> GuidelineComparison:
    """What changed between two versions; NotFound when one of them was never there."""
    wanted = Guideline.objects.filter(queue=queue, number__in={before, after})
    texts = dict(wanted.values_list("number", "text"))
    if not {before, after} <= texts.keys():
        raise NotFound(_("There is no such version of the guidelines."))
    return GuidelineComparison(before, after, diff_texts(texts[before], texts[after]))
