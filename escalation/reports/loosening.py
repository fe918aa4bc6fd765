"""What was loosened lately, and by which two people: every manager of a stream sees it on the overview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from escalation.models import Activation, Stop
from reviewqueue.kernel import clock

SHOWN_DAYS = 14
MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Loosening:
    """One act that took two people. `slug`: None for all streams. `policy`: the version's number, None for a resume.

    `asked_by` and `confirmed_by` are actors, as in events.
    """

    at: datetime
    slug: str | None
    title: str
    policy: int | None
    asked_by: str
    confirmed_by: str
    reason: str


def list_recent_loosenings(slugs: Sequence[str], *, now: datetime | None = None) -> list[Loosening]:
    """The approved policy versions and lifted stops of these streams, newest first."""
    since = clock.current_time(now) - timedelta(days=SHOWN_DAYS)
    return sorted(
        [*_list_approved_versions(slugs, since), *_list_lifted_stops(slugs, since)],
        key=lambda one: one.at,
        reverse=True,
    )[:MAX_SHOWN]


def _list_approved_versions(slugs: Sequence[str], since: datetime) -> list[Loosening]:
    rows = Activation.objects.filter(stream__slug__in=slugs, effective_at__gte=since).exclude(approved_by="")
    return [
        Loosening(
            at=row.effective_at,
            slug=row.stream.slug,
            title=row.stream.title,
            policy=row.policy.number,
            asked_by=row.activated_by,
            confirmed_by=row.approved_by,
            reason=row.reason,
        )
        for row in rows.select_related("stream", "policy").order_by("-effective_at")[:MAX_SHOWN]
    ]


def _list_lifted_stops(slugs: Sequence[str], since: datetime) -> list[Loosening]:
    rows = Stop.objects.filter(Q(stream__slug__in=slugs) | Q(stream=None), resumed_at__gte=since)
    return [
        Loosening(
            at=row.resumed_at,
            slug=row.stream.slug if row.stream else None,
            title=row.stream.title if row.stream else "",
            policy=None,
            asked_by=row.resume_asked_by,
            confirmed_by=row.resumed_by,
            reason=row.resume_reason,
        )
        for row in rows.select_related("stream").order_by("-resumed_at")[:MAX_SHOWN]
        if row.resumed_at is not None
    ]
