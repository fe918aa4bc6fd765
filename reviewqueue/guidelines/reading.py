"""Guidelines as one person reads them: the version that is in force, the one they know, what changed in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from reviewqueue.accounts import roles
from reviewqueue.guidelines.compare import Line, between
from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import NotFound
from reviewqueue.models import Guideline, Queue, User


@dataclass(frozen=True, slots=True)
class Guidance:
    """A version of a queue's guidelines; `number` is None where there are none. `known`: the one the person knows."""

    number: int | None
    text: str
    known: int | None

    @property
    def changed(self) -> bool:
        """Since the person last looked. Whoever never looked has nothing to compare with."""
        return self.number is not None and self.known is not None and self.known < self.number


@dataclass(frozen=True, slots=True)
class Version:
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """From one version to another; `lines` is None where the texts are too long to compare."""

    before: int
    after: int
    lines: Sequence[Line] | None


# Whoever has not opened the guidelines yet, but worked by them, knows what was in force at the oldest of their latest
# verdicts. Their items are looked up one by one: joined, where the tables are young and have no statistics yet, these
# verdicts are read anew for each item of the queue.
_GUIDANCE = """
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
_READ = """
INSERT INTO reviewqueue_guidelineread (user_id, queue_id, number, at)
SELECT %(user)s, g.queue_id, g.number, now() FROM reviewqueue_guideline g
WHERE g.queue_id = %(queue)s AND g.number = %(number)s
ON CONFLICT (user_id, queue_id) DO UPDATE SET number = EXCLUDED.number, at = EXCLUDED.at
WHERE reviewqueue_guidelineread.number < EXCLUDED.number
"""


def guidance(*, user: User, queue: Queue, number: int | None = None) -> Guidance:
    """The version with this number, else the latest; an empty one where there is none."""
    row = sql.row(_GUIDANCE, {"user": user.pk, "queue": queue.pk, "number": number}, prepared=True)
    return Guidance(**row) if row else Guidance(number=None, text="", known=None)


def open_at(*, user: User, slug: str, number: int | None = None) -> tuple[Queue, Guidance]:
    """A queue of the person's and a version of its guidelines; NotFound when there is no such version for them."""
    theirs = roles.queue_for(user, slug)
    found = guidance(user=user, queue=theirs, number=number)
    if number is not None and found.number is None:
        raise NotFound(_("There is no such version of the guidelines."))
    return theirs, found


def read(*, user: User, slug: str, number: int) -> Guidance:
    """Note that the person has this version before them; an older one than they know changes nothing."""
    theirs, found = open_at(user=user, slug=slug, number=number)
    sql.run(_READ, {"user": user.pk, "queue": theirs.pk, "number": found.number})
    return found


def versions(queue: Queue) -> list[Version]:
    """All versions, the latest first."""
    rows = Guideline.objects.filter(queue=queue).order_by("-number").values_list("number", "created_at")
    return [Version(number, at) for number, at in rows]


def since_known(queue: Queue, found: Guidance) -> Comparison | None:
    """What changed since the person last looked; None when nothing did, or when they never looked."""
    if not found.changed or found.known is None or found.number is None:
        return None
    return compare(queue, before=found.known, after=found.number)


def compare(queue: Queue, *, before: int, after: int) -> Comparison:
    """What changed between two versions; NotFound when one of them was never there."""
    wanted = Guideline.objects.filter(queue=queue, number__in={before, after})
    texts = dict(wanted.values_list("number", "text"))
    if not {before, after} <= texts.keys():
        raise NotFound(_("There is no such version of the guidelines."))
    return Comparison(before, after, between(texts[before], texts[after]))
