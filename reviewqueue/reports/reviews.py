"""Review figures for reports: verdicts and passes of an item, why some items were not decided, active reviewers,
recent activity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet

from reviewqueue import content
from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.content import Block
from reviewqueue.kernel import clock
from reviewqueue.models import Event, Guideline, Item, Pass, Slot, Verdict
from reviewqueue.verdicts import wording

__all__ = [
    "ActivityEvent",
    "Block",
    "ItemPass",
    "ItemVerdict",
    "build_content_blocks",
    "count_actions",
    "describe_reason",
    "guidelines_of",
    "is_item_open",
    "list_active_reviewers",
    "list_events_about",
    "list_items_by_action",
    "list_open_item_ids",
    "list_recent_events",
    "list_visible_events",
    "open_ids_among",
    "passes_of",
    "references_among",
    "verdicts_of",
]

MAX_LISTED_ITEMS = 10_000  # a stream's default limit of waiting items
# Actions counted by code: passes, "ask the lead" and "unjudgeable" by reason, errors ("mistake") by error type.
COUNTED_ACTIONS = ("pass", "escalate", "unjudgeable", "mistake")
_KEPT_AWAY_REASON = "judged_original"  # the system keeps the item from this person; they did not pass it
ACTIVE_REVIEWER_MINUTES = 15  # after a verdict, a person counts as active for this long without a reservation


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """One verdict on an item. `answer` is the final one; omit it for readers who may not see content.

    `blind`: the first answer was given before the model's was shown; `changed`: the final answer differs from it. `key`
    is the name of the API key that reported the verdict, "" at the desk.
    """

    at: datetime
    person: str
    kind: str
    answer: Any
    blind: bool
    changed: bool
    final_say: bool
    round: int
    undone_at: datetime | None
    final_at: datetime
    active_seconds: float | None
    reason: str
    error_type: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class ItemPass:
    """A person passed an item to other reviewers."""

    at: datetime
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class ActivityEvent:
    """One row of the activity log; see `models.Event` for the fields."""

    id: int
    at: datetime
    actor: str
    verb: str
    queue: str
    object_type: str
    object_id: str
    object_ids: Sequence[int] | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def verdicts_of(item_id: int) -> list[ItemVerdict]:
    """The verdicts on an item, oldest first, including undone ones."""
    rows = Verdict.objects.filter(item_id=item_id).select_related("user", "key").order_by("submitted_at", "id")
    return [_build_item_verdict(row) for row in rows]


def passes_of(item_id: int) -> list[ItemPass]:
    """The passes of an item, oldest first, without the rows by which the system keeps it from somebody."""
    rows = Pass.objects.filter(item_id=item_id).exclude(reason=_KEPT_AWAY_REASON).select_related("user")
    return [
        ItemPass(row.at, row.user.get_username(), describe_reason("pass", row.reason))
        for row in rows.order_by("at", "id")
    ]


def count_actions(*, slug: str, since: datetime, until: datetime) -> dict[str, dict[str, int]]:
    """How often each of `COUNTED_ACTIONS` happened in a queue, by code, the most frequent first.

    `until` is exclusive; undone verdicts are left out. The code is "" where an API client gave none.
    """
    return {act: _count_by_code(act, slug, since, until) for act in COUNTED_ACTIONS}


def list_items_by_action(
    *, slugs: Sequence[str], act: str, code: str, since: datetime, until: datetime, limit: int = MAX_LISTED_ITEMS
) -> list[int]:
    """The ids of the items behind a number from `count_actions`, the latest first."""
    found = _select_actions(act, slugs, since, until).filter(**{_CODE_FIELDS[act]: code})
    return list(found.order_by("-item_id").values_list("item_id", flat=True).distinct()[:limit])


def describe_reason(act: str, code: str) -> str:
    """The code of one of `COUNTED_ACTIONS` in the reader's language; error types are the stream's own words."""
    return str(wording.describe_reason(act, code))


def is_item_open(item_id: int) -> bool:
    """Whether the item is waiting for reviewers."""
    return Item.objects.open().filter(pk=item_id).exists()


def open_ids_among(item_ids: Sequence[int]) -> frozenset[int]:
    """Which of these items still wait for people."""
    return frozenset(Item.objects.open().filter(pk__in=item_ids).values_list("id", flat=True))


def references_among(item_ids: Sequence[int], references: Sequence[str]) -> frozenset[str]:
    """Which of these references belong to one of these items."""
    found = Item.objects.filter(pk__in=item_ids, reference__in=references)
    return frozenset(found.values_list("reference", flat=True))


def list_open_item_ids(slugs: Sequence[str], *, limit: int = MAX_LISTED_ITEMS) -> list[int]:
    """The ids of the items that wait for reviewers in these queues, the latest first."""
    waiting = Item.objects.open().filter(queue__slug__in=slugs).order_by("-created_at", "-id")
    return list(waiting.values_list("id", flat=True)[:limit])


def list_active_reviewers(slugs: Sequence[str], *, now: datetime | None = None) -> dict[str, list[str]]:
    """Who is active in each queue, by slug: people who hold an item there or have just decided one."""
    moment = clock.current_time(now)
    holding = Slot.objects.open().filter(queue__slug__in=slugs, reserved_until__gt=moment)
    recent = Verdict.objects.filter(
        slot__queue__slug__in=slugs,
        submitted_at__gt=moment - timedelta(minutes=ACTIVE_REVIEWER_MINUTES),
        submitted_at__lte=moment,
    )
    names = set(holding.values_list("queue__slug", "holder__username"))
    names |= set(recent.values_list("slot__queue__slug", "user__username"))
    active: dict[str, list[str]] = {slug: [] for slug in slugs}
    for slug, name in sorted(names):
        active[slug].append(name)
    return active


def guidelines_of(slug: str) -> str:
    """The text of the guidelines in force; empty where there are none."""
    return Guideline.objects.filter(queue__slug=slug).order_by("-number").values_list("text", flat=True).first() or ""


def build_content_blocks(inputs: Any, display: Mapping[str, str] | None = None) -> list[Block]:
    """An output's input as blocks for templates. Call it only for people who may see content."""
    return content.build_blocks(inputs, display)


_CODE_FIELDS = {"pass": "reason", "escalate": "reason", "unjudgeable": "reason", "mistake": "error_type"}


def _select_actions(
    act: str, slugs: Sequence[str], since: datetime, until: datetime
) -> QuerySet[Pass] | QuerySet[Verdict]:
    if act == "pass":
        passes = Pass.objects.filter(item__queue__slug__in=slugs, at__gte=since, at__lt=until)
        return passes.exclude(reason=_KEPT_AWAY_REASON)
    given = Verdict.objects.counting().filter(
        item__queue__slug__in=slugs, submitted_at__gte=since, submitted_at__lt=until
    )
    return given.exclude(error_type="") if act == "mistake" else given.filter(kind=act)


def _count_by_code(act: str, slug: str, since: datetime, until: datetime) -> dict[str, int]:
    code = _CODE_FIELDS[act]
    counts = (
        _select_actions(act, [slug], since, until).values(code).annotate(times=Count("id")).order_by("-times", code)
    )
    return {row[code]: row["times"] for row in counts}


def list_events_about(object_type: str, object_id: str | int) -> list[ActivityEvent]:
    """The events of one object, oldest first."""
    return [_build_event(row) for row in log.events_about(object_type, object_id)]


def list_recent_events(
    slug: str, *, object_types: Sequence[str], verbs: Sequence[str] = (), limit: int
) -> list[ActivityEvent]:
    """The latest events of a queue about objects of these types, newest first; only these verbs, if any are given."""
    events = log.recent_events(slug).filter(object_type__in=object_types)
    chosen = events.filter(verb__in=verbs) if verbs else events
    return [_build_event(row) for row in chosen[:limit]]


def list_visible_events(
    user: roles.Person, *, queue: str = "", before: int | None = None, limit: int
) -> list[ActivityEvent]:
    """The events that a person may read, newest first. `before` is the id of a page's last.

    Events of one queue, or of all their queues. Events without a queue are only for members of every queue.
    """
    if not roles.may_see_activity(user):
        return []
    mine: Sequence[str] = list(roles.queues_for(user).values_list("slug", flat=True))
    slugs = [slug for slug in mine if slug == queue] if queue else list(mine)
    if not queue and roles.has_all_queues(user):
        slugs.append("")
    events = Event.objects.filter(queue__in=slugs).order_by("-id")
    page = events if before is None else events.filter(id__lt=before)
    return [_build_event(row) for row in page[:limit]]


def _build_event(row: Event) -> ActivityEvent:
    return ActivityEvent(
        id=row.pk,
        at=row.at,
        actor=row.actor,
        verb=row.verb,
        queue=row.queue,
        object_type=row.object_type,
        object_id=row.object_id,
        object_ids=row.object_ids,
        before=row.before,
        after=row.after,
    )


def _build_item_verdict(row: Verdict) -> ItemVerdict:
    return ItemVerdict(
        at=row.submitted_at,
        person=row.user.get_username(),
        kind=row.kind,
        answer=row.answer,
        blind=not row.proposal_visible,
        changed=row.first_answer != row.answer,
        final_say=row.final_say,
        round=row.round,
        undone_at=row.undone_at,
        final_at=row.final_at,
        active_seconds=row.active_seconds,
        reason=describe_reason(row.kind, row.reason),
        error_type=row.error_type,
        key=row.key.name if row.key else "",
    )
