"""Watching whether more goes wrong than a statement says, check by check, for as long as it is in force.

Only outputs at or above the statement's threshold that were drawn at random and judged by somebody who had not seen the
AI's answer; so each is a fair look at what goes out, whatever the audit rate was at its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import numpy as np
from django.db import connection, transaction

from escalation import statistics
from escalation.guarantees import evaluations, guarantees, population
from escalation.guarantees.evaluations import GroupResult
from escalation.guarantees.guarantees import SYSTEM_ACTOR, Guarantee
from escalation.models import GuaranteeWatch, Stream, output_id
from escalation.policies import versions
from reviewqueue.activity import log
from reviewqueue.kernel import clock

ROUTING_GRACE = timedelta(hours=1)
BATCH_SIZE_AUDITS = 1_000  # checks that are read at a time: a sweep that finds the next one unanswered reads no further


def watch_guarantees(*, now: datetime | None = None) -> list[GuaranteeWatch]:
    """Take in the checks that were answered since, for every statement in force; returns the alarms this raises."""
    held = guarantees.find_latest_guarantees(list(Stream.objects.order_by("pk")), now=now).values()
    moment = clock.current_time(now)
    return [alarm for statement in held if statement.holds for alarm in _watch_guarantee(statement, moment)]


def list_watches(statement: Guarantee) -> list[GuaranteeWatch]:
    """How the checks of each group have gone since the statement took effect."""
    return list(GuaranteeWatch.objects.filter(evaluation=statement.evaluation).order_by("group"))


def _watch_guarantee(statement: Guarantee, now: datetime) -> list[GuaranteeWatch]:
    found = [group for group in evaluations.parse_group_results(statement.evaluation) if group.threshold is not None]
    return [alarm for group in found if (alarm := _update_watch(statement, group, now)) is not None]


def _update_watch(statement: Guarantee, group: GroupResult, now: datetime) -> GuaranteeWatch | None:
    """One group's checks up to the first that waits for its answer; the watch itself where this raises its alarm."""
    with transaction.atomic():
        row, _ = GuaranteeWatch.objects.select_for_update().get_or_create(
            evaluation=statement.evaluation,
            group=group.group,
            defaults={"seen": output_id.first_id_at(statement.since) - 1},
        )
        while row.alarmed_at is None:
            checks, following = _fetch_audits(statement, group, row.seen, now)
            if checks:
                _count_audits(row, checks, statement, now)
            if following == "nothing":
                _skip_unaudited(row, now)
            if following != "more":
                break
    return row if row.alarmed_at == now else None


def _skip_unaudited(row: GuaranteeWatch, now: datetime) -> None:
    """What came in a while ago and is no check never will be one: the next sweep need not go through it again."""
    past = output_id.first_id_at(now - ROUTING_GRACE)
    if row.alarmed_at is None and row.seen < past:
        row.seen = past
        row.save(update_fields=["seen"])


class _AuditRow(NamedTuple):
    id: int
    wrong: bool | None  # None: nobody could tell, or nobody has answered
    blind: bool | None  # None: nobody has answered
    received_at: datetime
    gone: bool

    def is_open(self, due: datetime) -> bool:
        return self.blind is None and not self.gone and self.received_at > due


def _count_audits(row: GuaranteeWatch, checks: Sequence[_AuditRow], statement: Guarantee, now: datetime) -> None:
    told = [check for check in checks if check.blind is None or (check.blind and check.wrong is not None)]
    errors = np.array([check.wrong is not False for check in told], dtype=np.bool_)
    after = statistics.update_detector(errors, alpha=statement.evaluation.max_error, levels=row.levels)
    row.levels, row.seen = list(after.levels), checks[-1].id
    row.audits += after.alarm or len(told)
    row.wrong += int(errors[: after.alarm].sum())
    if after.alarm is not None:
        row.seen, row.alarmed_at = told[after.alarm - 1].id, now
        log.record_event(
            actor=SYSTEM_ACTOR,
            verb="statement.alarmed",
            object_type="attempt",
            object_id=row.evaluation_id,
            queue=statement.evaluation.stream.slug,
            after={"number": statement.evaluation.number, "checked": row.audits, "wrong": row.wrong},
            at=now,
        )
    row.save(update_fields=["levels", "seen", "audits", "wrong", "alarmed_at"])


_NEXT_AUDITS = """
    SELECT o.id, e.wrong, e.blind, o.received_at, o.state IN ('withdrawn', 'erased') AND e.output_id IS NULL
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id > %(seen)s AND o.model = %(model)s AND o.model_version = %(model_version)s
      AND o.schema_number = %(schema_number)s AND o.confidence >= %(threshold)s AND r.u < r.p
      AND r.reason NOT LIKE 'rule:%%' AND {group}
    ORDER BY o.id LIMIT %(most)s
"""
_GROUP_CONDITIONS = {
    "together": "true",
    "classes": "o.predicted = %(group)s",
    "segments": "o.segment ->> %(key)s = %(group)s",
}


type _WhatFollows = Literal["more", "an open one", "nothing"]


def _fetch_audits(
    statement: Guarantee, group: GroupResult, seen: int, now: datetime
) -> tuple[list[_AuditRow], _WhatFollows]:
    """The next checks that have their answer or are overdue, and what follows them."""
    evaluation = statement.evaluation
    with connection.cursor() as cursor:
        cursor.execute(
            _NEXT_AUDITS.format(group=_GROUP_CONDITIONS[evaluation.target.groups]),
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
        found = [_AuditRow(*row) for row in cursor.fetchall()]
    due = now - timedelta(days=versions.spec_of(statement.version).guarantee.due_days)
    closed = next((at for at, one in enumerate(found) if one.is_open(due)), len(found))
    return found[:closed], "an open one" if closed < len(
        found
    ) else "more" if closed == BATCH_SIZE_AUDITS else "nothing"
