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
from typing import Any, NamedTuple

import msgspec
import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from escalation.guarantees import alarms, queries, units
from escalation.guarantees.population import Population
from escalation.models import ErrorTarget, Output, Policy, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from escalation.routing import audits
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
    """Columns of the n units of a sample (`guarantees.units`), in order of their outputs' ids.

    `wrong` is by answers given blind. `group` is the value that the target groups by. `answered`: whether reviewers
    judged it blind. The others are wrong: they were unjudgeable or not answered blind, their answer is overdue, the
    output was withdrawn, or it is the pending one at the end of the window.
    """

    window: SampleWindow
    scores: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    group: Sequence[str]
    answered: NDArray[np.bool_]
    labels_hash: str

    @property
    def sampled(self) -> int:
        return len(self.scores)

    @property
    def unresolved(self) -> int:
        """How many count as errors without an answer that says so."""
        return int(np.sum(~self.answered))


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
    target: ErrorTarget, covered: Population, window: SampleWindow, *, due_days: float, now: datetime
) -> EvaluationSample:
    """The sample of a window, up to and including the first output whose answer is pending but not overdue.

    due_days: the window goes on past an output unanswered for so long, which counts as wrong.
    """
    rows, last = _cut_after_first_pending(
        _fetch_rows(target, covered, window), window.last, due=timedelta(days=due_days), now=now
    )
    return EvaluationSample(
        window=SampleWindow(window.first, last, window.rate),
        scores=np.array([row.score for row in rows], dtype=np.float64),
        wrong=np.array([row.is_error for row in rows], dtype=np.bool_),
        group=[row.group for row in rows],
        answered=np.array([row.is_answered for row in rows], dtype=np.bool_),
        labels_hash=_hash_labels(rows),
    )


class _SampledUnit(NamedTuple):
    """An audited output, or an audited field of one."""

    id: int
    score: float
    group: str
    wrong: bool | None  # None: unjudgeable or unanswered
    blind: bool | None  # None: unanswered
    received_at: datetime
    gone: bool

    @property
    def is_answered(self) -> bool:
        return audits.is_answered(blind=self.blind, wrong=self.wrong)

    @property
    def is_error(self) -> bool:
        return not self.is_answered or self.wrong is not False


def _fetch_rows(target: ErrorTarget, covered: Population, window: SampleWindow) -> list[_SampledUnit]:
    limits: dict[str, Any] = {"first": window.first, "last": window.last, "key": target.segment_key}
    return [
        _SampledUnit(*row)
        for row in sql.fetch_tuples(
            units.choose_units(target).fill(queries.SAMPLE), _population_parameters(target.stream_id, covered) | limits
        )
    ]


def _cut_after_first_pending(
    rows: list[_SampledUnit], last: int, *, due: timedelta, now: datetime
) -> tuple[list[_SampledUnit], int]:
    """The rows up to the first output that is unanswered but not overdue, and the id at which they end (exclusive).

    Errors take longer to settle than agreement, so continuing past a pending output would count too few of them.
    Stopping just before it would as well, because a future error could then decide where the rows end. So the pending
    one is included, and counts as wrong like any other without an answer.
    """
    pending = next((row.id for row in rows if row.blind is None and not row.gone and row.received_at > now - due), None)
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


def _hash_labels(rows: Sequence[_SampledUnit]) -> str:
    """SHA-256 of ids, groups and errors: identifies the labels that an evaluation used."""
    return hashlib.sha256(repr([(row.id, row.group, row.is_error) for row in rows]).encode()).hexdigest()
