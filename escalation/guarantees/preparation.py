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
from escalation.guarantees.population import Line
from escalation.guarantees.sample import Sample, draw, is_there_any, window_of
from escalation.models import Attempt, Stream, Target
from escalation.policies import versions
from escalation.policies.spec import Policy as Spec
from escalation.test_items import recall
from escalation.test_items.recall import Caught
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import DomainError

MOST_MISSING = 0.02  # of a sample, before nothing can be said
# Of what a look may cost, what it spends on the bound of how much reviewers catch.
SHARE_OF_CATCHING = 0.2


class Refused(DomainError):
    """Nothing can be said; `reason` is a code, `params` what its sentence says. The sentence stands in `statements`."""

    code = "no_statement"

    def __init__(self, reason: str, **params: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = params


@dataclass(frozen=True, slots=True)
class Ready:
    """What a look would be made of, gathered without having looked: only counts, never which ones are wrong.

    number: which look of its line it would be. spends: the probability of a false statement that it may cost.
    max_error: the target, lowered by what reviewers miss.
    """

    target: Target
    line: Line
    sample: Sample
    number: int
    spends: float
    max_error: float
    caught: Caught | None
    expires_days: int
    conditions_hash: str

    @property
    def delta(self) -> float:
        """What is left for the thresholds."""
        return self.spends * (1 - SHARE_OF_CATCHING) if self.caught else self.spends

    @property
    def names(self) -> list[str]:
        """The groups that each get a promise of their own; one without a name where it is one promise for all.

        What belongs to no group (no such segment) gets none: a person sees it.
        """
        return [""] if self.together else sorted(set(self.sample.group) - {""})

    @property
    def together(self) -> bool:
        return self.target.groups == Target.Groups.TOGETHER

    def members(self, name: str) -> NDArray[np.bool_]:
        """(n,) which of the sample belong to a group."""
        return np.array([self.together or group == name for group in self.sample.group], dtype=np.bool_)

    def missing(self, name: str) -> NDArray[np.float64]:
        """(m,) the confidences of those of a group of which nobody could tell."""
        of_group = [self.together or group == name for group in self.sample.missing_group]
        return self.sample.missing_scores[np.array(of_group, dtype=np.bool_)]

    @property
    def least(self) -> int:
        """The fewest answered checks of a group that could show anything: so many without one mistake."""
        return statistics.n_min(self.max_error, self.delta / max(len(self.names), 1) / statistics.COLD_STARTS)


def prepare(stream: Stream, *, now: datetime | None = None) -> Ready:
    """Everything that a look needs; raises Refused where it is plain beforehand that nothing could be said."""
    moment = clock.current(now)
    target = targets.target(stream)
    if target is None:
        raise Refused("no_target")
    line = population.of(stream)
    if line is None:
        raise Refused("no_traffic")
    current = versions.active(stream)
    spec = current.spec if current else Spec()
    if spec.on_deadline == "accept":
        raise Refused("deadline_accepts")
    window = window_of(stream, line, now=moment)
    if window is None or window.rate == 0:
        raise Refused("no_audit" if is_there_any(stream, line, now=moment) else "none_of_late")
    number = _looks(stream, line) + 1
    spends = statistics.attempt_delta(target.doubt, number)
    drawn = draw(stream, line, window, spec=spec, group=_grouping(target), now=moment)
    caught = recall.measured(stream, delta=spends * SHARE_OF_CATCHING, now=moment)
    if caught is not None and caught.low <= 0:
        raise Refused("none_caught", shown=caught.shown)
    ready = Ready(
        target=target,
        line=line,
        sample=drawn,
        number=number,
        spends=spends,
        max_error=target.max_error * (caught.low if caught else 1.0),
        caught=caught,
        expires_days=spec.promise.expires_days,
        conditions_hash=conditions(spec),
    )
    _demand_enough(ready, stream, moment)
    return ready


def conditions(spec: Spec) -> str:
    """SHA-256 of what beside thresholds decides about what goes out: a look is about one such set."""
    return hashlib.sha256(repr((spec.rules, spec.model_versions, spec.on_deadline)).encode()).hexdigest()


def _looks(stream: Stream, line: Line) -> int:
    """How often somebody has looked at a line's labels, or said something else after they could have seen figures."""
    changed = max(0, Target.objects.filter(stream=stream).count() - 1)
    return Attempt.objects.filter(stream=stream, **asdict(line)).count() + changed


def _grouping(target: Target) -> str:
    match target.groups:
        case Target.Groups.CLASSES:
            return "predicted"
        case Target.Groups.SEGMENTS:
            return f"segment:{target.segment_key}"
        case _:
            return ""


def _demand_enough(ready: Ready, stream: Stream, now: datetime) -> None:
    """Some group has enough answered checks that no mistake among them would do, and few enough have no answer."""
    drawn = ready.sample
    # Of few, a single one that nobody could judge is more than the share: then what is missing is checks.
    if drawn.sampled >= ready.least and drawn.missing > MOST_MISSING * drawn.sampled:
        raise Refused("unresolved", missing=drawn.missing, sampled=drawn.sampled)
    have = max((int(ready.members(name).sum()) for name in ready.names), default=0)
    if have < ready.least:
        raise Refused("too_few", **_too_few(ready, have, stream, now))


def _too_few(ready: Ready, have: int, stream: Stream, now: datetime) -> dict[str, Any]:
    # By the error rate so far it would be nearer to the truth; but that would be a look, and has its price.
    more = ready.least - have
    # A group gets its share of the stream's checks only.
    whole = math.ceil(more * max(len(ready.sample.scores), 1) / max(have, 1))
    return {
        "have": have,
        "least": ready.least,
        "more": more,
        "days": sample_size.days(stream, ready.line, whole, now=now),
    }
