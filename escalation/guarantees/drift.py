"""Watches, audit by audit, whether more errors occur than a guarantee allows, for as long as it holds.

Uses the audits at or above the guarantee's threshold, in order of arrival up to the first pending one; those that
reviewers did not judge blind in time count as errors. These are an unbiased sample of what is automated, whatever
the audit rate was at the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import numpy as np
from django.db import transaction

from escalation import statistics
from escalation.guarantees import group_results, guarantees, population, queries, units
from escalation.guarantees.group_results import GroupResult
from escalation.guarantees.guarantees import SYSTEM_ACTOR, Guarantee
from escalation.models import GuaranteeWatch, Stream, output_id
from escalation.policies import versions
from escalation.routing import audits
from reviewqueue.activity import log
from reviewqueue.kernel import clock, sql

ROUTING_GRACE = timedelta(hours=1)
BATCH_SIZE_AUDITS = 1_000  # audits read at a time; a sweep stops at the first pending one


def watch_guarantees(*, now: datetime | None = None) -> list[GuaranteeWatch]:
    """Process the audits answered since the last call, for every guarantee that holds; returns the alarms raised."""
    latest = guarantees.find_latest_guarantees(list(Stream.objects.order_by("pk")), now=now).values()
    moment = clock.current_time(now)
    return [alarm for guarantee in latest if guarantee.holds for alarm in _watch_guarantee(guarantee, moment)]


def list_watches(guarantee: Guarantee) -> list[GuaranteeWatch]:
    """The watches of a guarantee, one per group, ordered by group name."""
    return list(GuaranteeWatch.objects.filter(evaluation=guarantee.evaluation).order_by("group"))


def _watch_guarantee(guarantee: Guarantee, now: datetime) -> list[GuaranteeWatch]:
    certified = [
        group for group in group_results.parse_group_results(guarantee.evaluation) if group.threshold is not None
    ]
    return [alarm for group in certified if (alarm := _update_watch(guarantee, group, now)) is not None]


def _update_watch(guarantee: Guarantee, group: GroupResult, now: datetime) -> GuaranteeWatch | None:
    """Process a group's audits up to the first pending one; returns the watch if this raises its alarm."""
    with transaction.atomic():
        row, _ = GuaranteeWatch.objects.select_for_update().get_or_create(
            evaluation=guarantee.evaluation,
            group=group.group,
            defaults={"seen": output_id.first_id_at(guarantee.since) - 1},
        )
        while row.alarmed_at is None:
            rows, rest = _fetch_audits(guarantee, group, row.seen, now)
            if rows:
                _count_audits(row, rows, guarantee, now)
            if rest == "none":
                _skip_unaudited(row, now)
            if rest != "more":
                break
    return row if row.alarmed_at == now else None


def _skip_unaudited(row: GuaranteeWatch, now: datetime) -> None:
    """Skip older outputs that are not audits: they never will be, so the next sweep need not read them again."""
    routed = output_id.first_id_at(now - ROUTING_GRACE)
    if row.alarmed_at is None and row.seen < routed:
        row.seen = routed
        row.save(update_fields=["seen"])


class _AuditRow(NamedTuple):
    id: int
    wrong: bool | None  # None: unjudgeable or unanswered
    blind: bool | None  # None: unanswered
    received_at: datetime
    gone: bool

    @property
    def is_error(self) -> bool:
        return not audits.is_answered(blind=self.blind, wrong=self.wrong) or self.wrong is not False

    def is_pending(self, due: datetime) -> bool:
        return self.blind is None and not self.gone and self.received_at > due


def _count_audits(row: GuaranteeWatch, rows: Sequence[_AuditRow], guarantee: Guarantee, now: datetime) -> None:
    """Update the watch. An audit is right only if it was judged blind and right."""
    errors = np.array([audit.is_error for audit in rows], dtype=np.bool_)
    state = statistics.update_detector(errors, alpha=guarantee.evaluation.max_error, levels=row.levels)
    row.levels, row.seen = list(state.levels), rows[-1].id
    row.audits += state.alarm or len(rows)
    row.wrong += int(errors[: state.alarm].sum())
    if state.alarm is not None:
        row.seen, row.alarmed_at = rows[state.alarm - 1].id, now
        log.record_event(
            actor=SYSTEM_ACTOR,
            verb="statement.alarmed",
            object_type="attempt",
            object_id=row.evaluation_id,
            queue=guarantee.evaluation.stream.slug,
            after={"number": guarantee.evaluation.number, "checked": row.audits, "wrong": row.wrong},
            at=now,
        )
    row.save(update_fields=["levels", "seen", "audits", "wrong", "alarmed_at"])


type _Rest = Literal["more", "pending", "none"]


def _fetch_audits(guarantee: Guarantee, group: GroupResult, seen: int, now: datetime) -> tuple[list[_AuditRow], _Rest]:
    """The next audits that are answered or overdue, and what comes after them: more rows, a pending audit, or none."""
    evaluation = guarantee.evaluation
    found = [
        _AuditRow(*row)
        for row in sql.fetch_tuples(
            units.choose_units(evaluation.target).fill(queries.NEXT_AUDITS),
            {
                "stream": evaluation.stream_id,
                "seen": seen,
                "threshold": group.threshold,
                "group": group.group,
                "key": evaluation.target.segment_key,
                "most": BATCH_SIZE_AUDITS,
                **asdict(population.evaluated_population(evaluation)),
            },
        )
    ]
    due = now - timedelta(days=versions.spec_of(guarantee.version).guarantee.due_days)
    closed = next((index for index, audit in enumerate(found) if audit.is_pending(due)), len(found))
    if closed < len(found):
        return found[:closed], "pending"
    return found, "more" if closed == BATCH_SIZE_AUDITS else "none"
