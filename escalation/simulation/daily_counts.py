"""Daily counts of outputs by confidence, small enough to add up while a slider moves.

A day is counted as a whole from its outputs, and recounted whenever something about them changes, so the sums equal
those of the outputs as of the last sweep.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from escalation.guarantees import thresholds
from escalation.guarantees.population import Population
from escalation.models import CountedDay, ErrorTarget, Outcome, Output, OutputCount, Stream, output_id
from escalation.policies import versions
from escalation.policies.spec import list_segment_keys
from escalation.simulation import queries
from escalation.simulation.threshold_curve import CountCell
from reviewqueue.kernel import clock, sql

# Longer than any transaction is open, so that rows which commit late are not missed.
COMMIT_LEEWAY = timedelta(minutes=10)


def refresh_counts(*, now: datetime | None = None) -> int:
    """Recount every day of every stream whose outputs have changed; returns how many days were recounted."""
    return sum(_refresh_stream(stream, clock.current_time(now)) for stream in Stream.objects.order_by("pk"))


def recount_stream(*, stream: Stream, now: datetime | None = None) -> None:
    """Recount every day, after past outputs were inserted that no sweep can notice."""
    CountedDay.objects.filter(stream=stream).delete()
    _refresh_stream(stream, clock.current_time(now))


def count_day(*, stream: Stream, day: date, keys: Sequence[str], now: datetime) -> None:
    """Rewrite the rows of one day. A lock keeps concurrent calls from counting the same day."""
    first, last = output_id.id_range_of_day(day)
    segment = ", ".join(f"%(name{index})s::text, o.segment ->> %(name{index})s" for index in range(len(keys)))
    names = {f"name{index}": key for index, key in enumerate(keys)}
    with transaction.atomic():
        # Always locked in the order of streams and days, so that concurrent sweeps do not deadlock.
        counted, _ = CountedDay.objects.get_or_create(stream=stream, day=day, defaults={"counted_at": now})
        CountedDay.objects.select_for_update().get(pk=counted.pk)
        OutputCount.objects.filter(stream=stream, day=day).delete()
        sql.run_statement(
            queries.COUNT_DAY.format(segment=f"jsonb_build_object({segment})"),
            {
                "stream": stream.pk,
                "day": day,
                "first": first,
                "last": last,
                "edges": list(thresholds.THRESHOLDS),
                **names,
            },
        )
        waiting = Output.objects.filter(stream=stream, pk__gte=first, pk__lt=last).received().count()
        outcomes = Outcome.objects.filter(stream=stream, pk__gte=first, pk__lt=last)
        CountedDay.objects.filter(pk=counted.pk).update(
            keys=list(keys), waiting=waiting, counted_at=now, **_sum_review_time(outcomes)
        )


def _sum_review_time(outcomes: QuerySet[Outcome]) -> dict[str, float]:
    """The number of timed reviews of these outcomes, and their total seconds."""
    timed = outcomes.filter(active_seconds__isnull=False)
    return timed.aggregate(reviews=Sum("reviews", default=0), active_seconds=Sum("active_seconds", default=0.0))


def load_cells(*, stream_id: int, covered: Population, since: date, until: date) -> list[CountCell]:
    """The counts of one population, summed over these days, both included, without shadow outputs."""
    parameters: dict[str, Any] = {"stream": stream_id, "since": since, "until": until, **asdict(covered)}
    rows = sql.fetch_tuples(queries.CELLS, parameters)
    segments = {text: json.loads(text) for text in {row[1] for row in rows}}
    return [CountCell(row[0], segments[row[1]], *row[2:]) for row in rows]


def compute_seconds_per_review(*, stream_id: int, since: date, until: date) -> float | None:
    """The mean seconds per review of the outputs of these days, both included; None if no review was timed."""
    days = CountedDay.objects.filter(stream_id=stream_id, day__range=(since, until))
    sums = days.aggregate(seconds=Sum("active_seconds"), reviews=Sum("reviews"))
    return sums["seconds"] / sums["reviews"] if sums["reviews"] else None


def fetch_counts_version(*, stream_id: int, since: date, until: date) -> str:
    """A value that changes whenever one of these days is recounted: while it is the same, so are the cells."""
    (version,) = sql.fetch_tuple(queries.COUNTS_VERSION, {"stream": stream_id, "since": since, "until": until}) or ("",)
    return str(version)


def list_counted_keys(stream: Stream) -> list[str]:
    """The segment keys to count separately: those used by the policy in effect, and the error target's."""
    current = versions.find_active_policy(stream)
    named = list_segment_keys(current.spec) if current else []
    target = ErrorTarget.objects.filter(stream=stream).order_by("-pk").first()
    return list(dict.fromkeys([*named, *([target.segment_key] if target and target.segment_key else [])]))


def _refresh_stream(stream: Stream, now: datetime) -> int:
    """Recount a stream's changed days, all or none: the latest `counted_at` has to hold for every day."""
    with transaction.atomic():
        keys = list_counted_keys(stream)
        days = sorted(_find_touched_days(stream, now) | _find_outdated_days(stream, keys))
        for day in days:
            count_day(stream=stream, day=day, keys=keys, now=now)
    return len(days)


def _find_touched_days(stream: Stream, now: datetime) -> set[date]:
    latest = CountedDay.objects.filter(stream=stream).order_by("-counted_at").values_list("counted_at", flat=True)
    since = min(latest[0], now) - COMMIT_LEEWAY if latest else None
    parameters: dict[str, Any] = {
        "stream": stream.pk,
        "zone": timezone.get_default_timezone_name(),
        "since": since or datetime.min.replace(tzinfo=now.tzinfo),
        "first": output_id.first_id_at(since) if since else 0,
    }
    return {day for (day,) in sql.fetch_tuples(queries.TOUCHED_DAYS, parameters)}


def _find_outdated_days(stream: Stream, keys: Sequence[str]) -> set[date]:
    """Days with outputs that were not routed yet, days without review times, and days with other segment keys."""
    counted: Iterable[tuple[date, list[str], int, int | None]] = CountedDay.objects.filter(stream=stream).values_list(
        "day", "keys", "waiting", "reviews"
    )
    return {day for day, day_keys, waiting, reviews in counted if waiting or reviews is None or day_keys != list(keys)}
