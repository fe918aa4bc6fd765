"""Everything an evaluation needs, and the reasons to refuse one before it costs anything."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation import statistics
from escalation.guarantees import population, sample_size, targets
from escalation.guarantees.population import Population
from escalation.guarantees.sample import EvaluationSample, draw_sample, find_window, has_traffic
from escalation.models import ErrorTarget, Evaluation, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from escalation.test_items import recall
from escalation.test_items.recall import ReviewerRecall
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import DomainError

MAX_MISSING_SHARE = 0.02  # of a sample, before nothing can be said
# Of what a look may cost, what it spends on the bound of how much reviewers catch.
RECALL_DELTA_SHARE = 0.2


class EvaluationRefused(DomainError):
    """Nothing can be said; `reason` is a code, `params` what its sentence says. The sentence stands in `statements`."""

    code = "no_statement"

    def __init__(self, reason: str, **params: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = params


@dataclass(frozen=True, slots=True)
class PreparedEvaluation:
    """What a look would be made of, gathered without having looked: only counts, never which ones are wrong.

    number: which look of its line it would be. spends: the probability of a false statement that it may cost.
    max_error: the target, lowered by what reviewers miss.
    """

    target: ErrorTarget
    population: Population
    sample: EvaluationSample
    number: int
    total_delta: float
    max_error: float
    recall: ReviewerRecall | None
    expires_days: int
    conditions_hash: str

    @property
    def threshold_delta(self) -> float:
        """What is left for the thresholds."""
        return self.total_delta * (1 - RECALL_DELTA_SHARE) if self.recall else self.total_delta

    @property
    def group_names(self) -> list[str]:
        """The groups that each get a promise of their own; one without a name where it is one promise for all.

        What belongs to no group (no such segment) gets none: a person sees it.
        """
        return [""] if self.is_for_everything else sorted(set(self.sample.group) - {""})

    @property
    def is_for_everything(self) -> bool:
        return self.target.groups == ErrorTarget.Grouping.TOGETHER

    def members(self, name: str) -> NDArray[np.bool_]:
        """(n,) which of the sample belong to a group."""
        return np.array([self.is_for_everything or group == name for group in self.sample.group], dtype=np.bool_)

    def missing(self, name: str) -> NDArray[np.float64]:
        """(m,) the confidences of those of a group of which nobody could tell."""
        of_group = [self.is_for_everything or group == name for group in self.sample.missing_group]
        return self.sample.missing_scores[np.array(of_group, dtype=np.bool_)]

    @property
    def min_audits(self) -> int:
        """The fewest answered checks of a group that could show anything: so many without one mistake."""
        return statistics.compute_min_labels(
            self.max_error, self.threshold_delta / max(len(self.group_names), 1) / statistics.COLD_START_COUNT
        )


def prepare_evaluation(stream: Stream, *, now: datetime | None = None) -> PreparedEvaluation:
    """Everything that a look needs; raises Refused where it is plain beforehand that nothing could be said."""
    moment = clock.current_time(now)
    target = targets.find_error_target(stream)
    if target is None:
        raise EvaluationRefused("no_target")
    line = population.current_population(stream)
    if line is None:
        raise EvaluationRefused("no_traffic")
    current = versions.find_active_policy(stream)
    spec = current.spec if current else PolicySpec()
    if spec.on_deadline == "accept":
        raise EvaluationRefused("deadline_accepts")
    window = find_window(stream, line, now=moment)
    if window is None or window.rate == 0:
        raise EvaluationRefused("no_audit" if has_traffic(stream, line, now=moment) else "none_of_late")
    number = _count_evaluations(stream, line) + 1
    spends = statistics.compute_evaluation_delta(target.delta, number)
    drawn = draw_sample(stream, line, window, spec=spec, group=_choose_grouping(target), now=moment)
    caught = recall.measure_recall(stream, delta=spends * RECALL_DELTA_SHARE, now=moment)
    if caught is not None and caught.low <= 0:
        raise EvaluationRefused("none_caught", shown=caught.shown)
    ready = PreparedEvaluation(
        target=target,
        population=line,
        sample=drawn,
        number=number,
        total_delta=spends,
        max_error=target.max_error * (caught.low if caught else 1.0),
        recall=caught,
        expires_days=spec.guarantee.expires_days,
        conditions_hash=hash_conditions(spec),
    )
    _require_enough_audits(ready, stream, moment)
    return ready


def hash_conditions(spec: PolicySpec) -> str:
    """SHA-256 of what beside thresholds decides about what goes out: a look is about one such set."""
    return hashlib.sha256(repr((spec.rules, spec.model_versions, spec.on_deadline)).encode()).hexdigest()


def _count_evaluations(stream: Stream, line: Population) -> int:
    """How often somebody has looked at a line's labels, or said something else after they could have seen figures."""
    changed = max(0, ErrorTarget.objects.filter(stream=stream).count() - 1)
    return Evaluation.objects.filter(stream=stream, **asdict(line)).count() + changed


def _choose_grouping(target: ErrorTarget) -> str:
    match target.groups:
        case ErrorTarget.Grouping.CLASSES:
            return "predicted"
        case ErrorTarget.Grouping.SEGMENTS:
            return f"segment:{target.segment_key}"
        case _:
            return ""


def _require_enough_audits(ready: PreparedEvaluation, stream: Stream, now: datetime) -> None:
    """Some group has enough answered checks that no mistake among them would do, and few enough have no answer."""
    drawn = ready.sample
    # Of few, a single one that nobody could judge is more than the share: then what is missing is checks.
    if drawn.sampled >= ready.min_audits and drawn.missing > MAX_MISSING_SHARE * drawn.sampled:
        raise EvaluationRefused("unresolved", missing=drawn.missing, sampled=drawn.sampled)
    have = max((int(ready.members(name).sum()) for name in ready.group_names), default=0)
    if have < ready.min_audits:
        raise EvaluationRefused("too_few", **_describe_shortfall(ready, have, stream, now))


def _describe_shortfall(ready: PreparedEvaluation, have: int, stream: Stream, now: datetime) -> dict[str, Any]:
    # By the error rate so far it would be nearer to the truth; but that would be a look, and has its price.
    more = ready.min_audits - have
    # A group gets its share of the stream's checks only.
    whole = math.ceil(more * max(len(ready.sample.scores), 1) / max(have, 1))
    return {
        "have": have,
        "least": ready.min_audits,
        "more": more,
        "days": sample_size.estimate_collection_days(stream, ready.population, whole, now=now),
    }
