"""The certification sample: a simple random sample of a stream's traffic, whose labels nobody could select.

It holds the window's audits, on both sides of any threshold (`routing.audits.COUNTS_IN_GUARANTEE`). An audit that
reviewers did not judge before seeing the AI's answer counts as an error. The sample needs no weights: the audit rate at
the time an output was routed was fixed before anything was known of it. Neither a threshold nor a rate that is changed
later redraws it, so lowering the rate loses no audit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db.models import Q

from escalation.guarantees import alarms, queries, thresholds, units
from escalation.guarantees.counts import EvidenceCounts, SampledUnit
from escalation.guarantees.population import Population
from escalation.models import ErrorTarget, Output, Policy, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from reviewqueue.kernel import sql

MAX_SAMPLE_AGE_DAYS = 180


@dataclass(frozen=True, slots=True)
class SampleWindow:
    """Outputs with first <= id < last; `rate` is the lowest audit rate among them."""

    first: int
    last: int
    rate: float


@dataclass(frozen=True, slots=True)
class EvaluationSample:
    """The audits of a window, counted by group and bin of the grid.

    Errors are by answers given blind. Audits without such an answer are errors: they were unjudgeable or not answered
    blind, their answer is overdue, the output was withdrawn, or it is the pending one at the end of the window.
    """

    window: SampleWindow
    counts: EvidenceCounts

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


def _conditions_of(spec: PolicySpec) -> set[bytes]:
    return {msgspec.json.encode(rule.when, order="deterministic") for rule in spec.rules}


def draw_sample(
    target: ErrorTarget, covered: Population, window: SampleWindow, *, due_days: float, first: int, now: datetime
) -> EvaluationSample:
    """The sample of a window, up to and including the first output whose answer is pending but not overdue.

    due_days: the window goes on past an output unanswered for so long, which counts as wrong. first: how many audits
    of each group the exact evaluation takes.
    """
    rows, last = _cut_after_first_pending(
        _fetch_rows(target, covered, window), window.last, due=timedelta(days=due_days), now=now
    )
    counts = EvidenceCounts(first, units.list_labels(target, covered.schema_number))
    counts.add(rows)
    return EvaluationSample(SampleWindow(window.first, last, window.rate), counts)


def _fetch_rows(target: ErrorTarget, covered: Population, window: SampleWindow) -> list[SampledUnit]:
    limits: dict[str, Any] = {
        "first": window.first,
        "last": window.last,
        "key": target.segment_key,
        "edges": list(thresholds.THRESHOLDS),
    }
    return [
        SampledUnit(*row)
        for row in sql.fetch_tuples(
            units.choose_units(target).fill(queries.SAMPLE), _population_parameters(target.stream_id, covered) | limits
        )
    ]


def _cut_after_first_pending(
    rows: list[SampledUnit], last: int, *, due: timedelta, now: datetime
) -> tuple[list[SampledUnit], int]:
    """The rows up to the first output that is unanswered but not overdue, and the id at which they end (exclusive).

    Errors take longer to settle than agreement, so continuing past a pending output would count too few of them.
    Stopping just before it would as well, because a future error could then decide where the rows end. So the pending
    one is included, and counts as wrong like any other without an answer.
    """
    pending = next((row.id for row in rows if row.is_pending(now - due)), None)
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
