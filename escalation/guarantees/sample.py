"""The certification sample: a simple random sample of a stream's traffic, whose labels nobody could select.

It holds the window's audits, on both sides of any threshold (`routing.audits.COUNTS_IN_GUARANTEE`). An audit that
reviewers did not judge before seeing the AI's answer counts as an error. The sample needs no weights: the audit rate at
the time an output was routed was fixed before anything was known of it. Neither a threshold nor a rate that is changed
later redraws it, so lowering the rate loses no audit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db.models import Q

from escalation.guarantees import alarms, queries, thresholds, units
from escalation.guarantees.counting import Progress, SampleWindow
from escalation.guarantees.counts import EvidenceCounts, SampledUnit
from escalation.guarantees.population import Population
from escalation.models import ErrorTarget, Output, Policy, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from reviewqueue.kernel import sql

MAX_SAMPLE_AGE_DAYS = 180
_COUNTING_FORMAT = 1  # to be raised whenever what is counted, or how it is kept, changes


@dataclass(frozen=True, slots=True)
class EvaluationSample:
    """The audits of a window, counted by group and bin of the grid.

    Errors are by answers given blind. Audits without such an answer are errors: they were unjudgeable or not answered
    blind, their answer is overdue, the output was withdrawn, or it is the pending one at the end of the window.
    progress: what of it need not be counted again.
    """

    window: SampleWindow
    counts: EvidenceCounts
    progress: Progress

    @property
    def sampled(self) -> int:
        return self.counts.sampled

    @property
    def unresolved(self) -> int:
        """How many count as errors without an answer that says so."""
        return self.counts.sampled - self.counts.answered


def has_traffic(stream: Stream, covered: Population, *, spec: PolicySpec, earliest: int) -> bool:
    """Whether the population has traffic, drawn or not, since its last alarm and from the id `earliest` on.

    Only live outputs that were routed by the rules of `spec`, or by no policy.
    """
    after = max(earliest - 1, alarms.find_last_alarm(stream.pk, covered))
    by_its_rules = Q(route__policy__in=_list_policies_with_rules_of(spec, stream)) | Q(route__policy=None)
    return Output.objects.filter(
        by_its_rules, stream=stream, pk__gt=after, route__isnull=False, shadow=False, **asdict(covered)
    ).exists()


def find_window(stream: Stream, covered: Population, *, spec: PolicySpec, earliest: int) -> SampleWindow | None:
    """The latest stretch of the population's live traffic that was routed by the rules of `spec` and could be drawn.

    earliest: the id before which outputs do not count.
    """
    limits = {
        "first": earliest,
        "alarm": alarms.find_last_alarm(stream.pk, covered),
        "policies": _list_policies_with_rules_of(spec, stream),
    }
    row = sql.fetch_tuple(queries.WINDOW, _population_parameters(stream.pk, covered) | limits)
    return SampleWindow(*row) if row and row[0] is not None else None


def _list_policies_with_rules_of(spec: PolicySpec, stream: Stream) -> list[int]:
    """The stream's policy versions whose rules catch the same outputs, by whatever names and in whatever order."""
    return [
        policy.pk
        for policy in Policy.objects.filter(stream=stream)
        if _conditions_of(versions.spec_of(policy)) == _conditions_of(spec)
    ]


def have_same_conditions(one: PolicySpec, other: PolicySpec) -> bool:
    """Whether the rules of two versions catch the same outputs, so that audits under one count for the other."""
    return _conditions_of(one) == _conditions_of(other)


def _conditions_of(spec: PolicySpec) -> set[bytes]:
    return {msgspec.json.encode(rule.when, order="deterministic") for rule in spec.rules}


def hash_counting(spec: PolicySpec, *, first: int) -> str:
    """Identifies what decides which audits of a line count, and how; see `guarantees.counting`."""
    parts = (_COUNTING_FORMAT, thresholds.GRID_HASH, first, spec.guarantee.due_days, sorted(_conditions_of(spec)))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def extend_window(
    stream: Stream, covered: Population, progress: Progress, *, spec: PolicySpec, unsettled: int
) -> SampleWindow | None:
    """The window of which a part is counted, as `find_window` finds it; None if the line has ended.

    Adds the outputs before `unsettled` to the counted part.
    """
    if alarms.find_last_alarm(stream.pk, covered) >= progress.window.first:
        return None
    limits = {"seen": progress.routed, "unsettled": unsettled}
    found = sql.fetch_tuples(queries.WINDOW_SINCE, _population_parameters(stream.pk, covered) | limits)
    if not _continues_line([policy_id for policy_id, *_ in found], spec) or any(rate == 0 for _, _, rate, *_ in found):
        return None
    window = progress.window
    progress.window = window.extend((last, rate) for *_, last, rate in found if last is not None)
    progress.routed = max(progress.routed, unsettled - 1)
    return window.extend((last, rate) for _, last, rate, *_ in found)


def _continues_line(policy_ids: Sequence[int | None], spec: PolicySpec) -> bool:
    """Whether all of these policies have the rules of `spec`."""
    policies = Policy.objects.in_bulk([policy_id for policy_id in policy_ids if policy_id is not None])
    return None not in policy_ids and all(
        _conditions_of(versions.spec_of(policy)) == _conditions_of(spec) for policy in policies.values()
    )


def draw_sample(
    target: ErrorTarget,
    covered: Population,
    window: SampleWindow,
    *,
    progress: Progress,
    due_days: float,
    now: datetime,
) -> EvaluationSample:
    """The sample of a window, up to and including the first output whose answer is pending but not overdue.

    progress: what of it is counted already; audits that can hardly change any more are added. due_days: the window goes
    on past an output unanswered for so long, which counts as wrong.
    """
    due = now - timedelta(days=due_days)
    unit = units.choose_units(target)
    limits: dict[str, Any] = _population_parameters(target.stream_id, covered) | {
        "first": progress.counted + 1,
        "last": window.last,
        "key": target.segment_key,
        "edges": list(thresholds.THRESHOLDS),
        "due": due,
    }
    # What follows a pending audit is not read each time; of a line that is counted anew, everything is read once.
    pending = sql.fetch_value(unit.fill(queries.FIRST_PENDING), limits) if progress.counts.sampled else None
    if pending is not None:
        limits["last"] = pending + 1
    rows = [SampledUnit(*row) for row in sql.fetch_tuples(unit.fill(queries.SAMPLE), limits)]
    rows, last = _cut_after_first_pending(rows, limits["last"], due=due)
    progress.add([row for row in rows if row.id <= progress.routed and not row.is_pending(due)])
    counts = progress.counts.copy()
    counts.add([row for row in rows if row.id > progress.counted])
    return EvaluationSample(SampleWindow(window.first, last, window.rate), counts, progress)


def _cut_after_first_pending(rows: list[SampledUnit], last: int, *, due: datetime) -> tuple[list[SampledUnit], int]:
    """The rows up to the first output that is unanswered but not overdue, and the id at which they end (exclusive).

    Errors take longer to settle than agreement, so continuing past a pending output would count too few of them.
    Stopping just before it would as well, because a future error could then decide where the rows end. So the pending
    one is included, and counts as wrong like any other without an answer.
    """
    pending = next((row.id for row in rows if row.is_pending(due)), None)
    if pending is None:
        return rows, last
    return [row for row in rows if row.id <= pending], pending + 1


def _population_parameters(stream_id: int, covered: Population) -> dict[str, Any]:
    return {
        "stream": stream_id,
        "model": covered.model,
        "version": covered.model_version,
        "schema": covered.schema_number,
    }
