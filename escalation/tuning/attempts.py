"""Looking at the labels to see which threshold keeps a target; every look is written down and has a price.

What can be told without looking (no checks, too few, too many unanswered) is refused before, and costs nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from escalation import estimators, ids, policies
from escalation.models import Activation, Attempt, Evidence, Stream, Target
from escalation.policy import Policy as Spec
from escalation.tuning import catching, certifying, grid, lines, needs, sample, targets
from escalation.tuning.catching import Caught
from escalation.tuning.lines import Line
from escalation.tuning.sample import Sample, Window
from reviewqueue import clock, events
from reviewqueue.problems import DomainError

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
        return estimators.n_min(self.max_error, self.delta / max(len(self.names), 1) / estimators.COLD_STARTS)


@dataclass(frozen=True, slots=True)
class Group:
    """What a look found for one group: a threshold with its counts and bound, or why there is none.

    delta: the probability that this statement is false. coverage: the share of the group's outputs of the window at
    or above the threshold. starts: thresholds at which a walk began, with their shares of delta.
    """

    group: str
    delta: float
    starts: list[tuple[float, float]]
    threshold: float | None = None
    accepted: int = 0
    wrong: int = 0
    bound: float | None = None
    coverage: float | None = None
    refusal: str = ""
    params: Mapping[str, Any] | None = None


def prepare(stream: Stream, *, now: datetime | None = None) -> Ready:
    """Everything that a look needs; raises Refused where it is plain beforehand that nothing could be said."""
    moment = clock.current(now)
    target = targets.target(stream)
    if target is None:
        raise Refused("no_target")
    line = lines.of(stream)
    if line is None:
        raise Refused("no_traffic")
    current = policies.active(stream)
    spec = current.spec if current else Spec()
    if spec.on_deadline == "accept":
        raise Refused("deadline_accepts")
    window = sample.window_of(stream, line, now=moment)
    if window is None or window.rate == 0:
        raise Refused("no_audit" if sample.is_there_any(stream, line, now=moment) else "none_of_late")
    number = _looks(stream, line) + 1
    spends = estimators.attempt_delta(target.doubt, number)
    drawn = sample.draw(stream, line, window, spec=spec, group=_grouping(target), now=moment)
    caught = catching.measured(stream, delta=spends * SHARE_OF_CATCHING, now=moment)
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


def look(stream: Stream, *, by: str, now: datetime | None = None) -> Attempt:
    """Look at the labels once and write down what was found. Raises Refused where there was nothing to look at.

    Two looks at once are two attempts, one after the other.
    """
    with transaction.atomic():
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        ready, moment = prepare(stream, now=now), clock.current(now)
        found = _found(ready, stream, moment)
        made = Attempt.objects.create(
            stream=stream,
            target=ready.target,
            model=ready.line.model,
            model_version=ready.line.model_version,
            schema_number=ready.line.schema_number,
            number=ready.number,
            spent=ready.spends,
            first_id=ready.sample.window.first,
            last_id=ready.sample.window.last,
            rate=ready.sample.window.rate,
            max_error=ready.max_error,
            caught=asdict(ready.caught) if ready.caught else None,
            sampled=ready.sample.sampled,
            resolved=len(ready.sample.scores) - ready.sample.overdue,
            overdue=ready.sample.overdue,
            groups=[asdict(group) for group in found],
            refusal="" if any(group.threshold is not None for group in found) else found[0].refusal,
            params={} if any(group.threshold is not None for group in found) else dict(found[0].params or {}),
            grid_hash=grid.HASH,
            labels_hash=ready.sample.labels_hash,
            conditions_hash=ready.conditions_hash,
            asked_by=by,
            asked_at=moment,
            expires_at=moment + timedelta(days=ready.expires_days),
        )
        events.record(
            actor=by,
            verb="target.attempted",
            object_type="attempt",
            object_id=made.pk,
            queue=stream.slug,
            after={"number": made.number, "spent": made.spent, "refusal": made.refusal},
            at=now,
        )
    return made


def conditions(spec: Spec) -> str:
    """SHA-256 of what beside thresholds decides about what goes out: a look is about one such set."""
    return hashlib.sha256(repr((spec.rules, spec.model_versions, spec.on_deadline)).encode()).hexdigest()


def groups_of(attempt: Attempt) -> list[Group]:
    """What an attempt found, typed."""
    return [Group(**{**row, "starts": [tuple(start) for start in row["starts"]]}) for row in attempt.groups]


def latest(stream: Stream) -> Attempt | None:
    return Attempt.objects.filter(stream=stream).select_related("target").order_by("-pk").first()


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
    return {"have": have, "least": ready.least, "more": more, "days": needs.days(stream, ready.line, whole, now=now)}


def _found(ready: Ready, stream: Stream, now: datetime) -> list[Group]:
    """One group after the other; together they are false with probability <= delta."""
    delta = ready.delta / len(ready.names)
    shares = _coverage(stream, ready)
    return [_group(ready, name, delta, shares.get(name, {}), stream, now) for name in ready.names]


def _group(ready: Ready, name: str, delta: float, histogram: Mapping[int, int], stream: Stream, now: datetime) -> Group:
    members = ready.members(name)
    if members.sum() < ready.least:
        return Group(name, delta, [], refusal="too_few", params=_too_few(ready, int(members.sum()), stream, now))
    scores, wrong = ready.sample.scores[members], ready.sample.wrong[members]
    deployed = _deployed(ready, stream, now)
    begin = certifying.starts(scores, alpha=ready.max_error, delta=delta, deployed=deployed)
    spelled = [(float(certifying.STRICT_TO_LOOSE[start.index]), start.delta) for start in begin]
    found = certifying.certify(scores, wrong, begin, alpha=ready.max_error, delta=delta)
    if found is None:
        accepted, missed = estimators.counts(scores, wrong, certifying.STRICT_TO_LOOSE)
        following = (
            delta * estimators.attempt_delta(1.0, ready.number + 1) / estimators.attempt_delta(1.0, ready.number)
        )
        more = needs.more(accepted, missed, n=len(scores), alpha=ready.max_error, delta=following)
        days = None if more is None else needs.days(stream, ready.line, more, now=now)
        params = {"more": more, "days": days, "answered": len(scores)}
        return Group(name, delta, spelled, refusal="too_many_errors", params=params)
    lost = int(np.sum(ready.missing(name) >= found.threshold))
    if lost > MOST_MISSING * (found.accepted + lost):
        params = {"missing": lost, "sampled": found.accepted + lost}
        return Group(name, delta, spelled, refusal="unresolved", params=params)
    return Group(
        name,
        delta,
        spelled,
        threshold=found.threshold,
        accepted=found.accepted,
        wrong=found.wrong,
        bound=found.bound,
        coverage=_share_from(histogram, found.threshold),
    )


def _deployed(ready: Ready, stream: Stream, now: datetime) -> float | None:
    """The threshold in use, where there is one for everything and the promise is one for everything.

    Only one that nobody can have picked by these labels: in effect since before the first of them, or found by a look.
    """
    current = policies.active(stream)
    if current is None or not ready.together:
        return None
    of_policy = Activation.objects.filter(stream=stream, policy=current.policy_id)
    began = ids.moment(ready.sample.window.first)
    is_fixed = of_policy.filter(effective_at__lte=min(began, now)).exists()
    is_found = Evidence.objects.filter(policy=current.policy_id).exists()
    return current.spec.threshold if is_fixed or is_found else None


_HISTOGRAM = """
    SELECT {group}, CASE WHEN o.confidence IS NULL OR r.reason LIKE 'rule:%%' THEN -1
        ELSE width_bucket(o.confidence, %(edges)s::float8[]) - 1 END, count(*)
    FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
    WHERE o.stream_id = %(stream)s AND o.id >= %(first)s AND o.id < %(last)s AND o.model = %(model)s
      AND o.model_version = %(model_version)s AND o.schema_number = %(schema_number)s
    GROUP BY 1, 2
"""


def _coverage(stream: Stream, ready: Ready) -> dict[str, dict[int, int]]:
    """How many of the window's outputs of each group were how sure, by bin of the grid: no label is looked at."""
    kind, _, key = _grouping(ready.target).partition(":")
    expression = {"": "''", "predicted": "o.predicted", "segment": "COALESCE(o.segment ->> %(key)s, '')"}[kind]
    window: Window = ready.sample.window
    with connection.cursor() as cursor:
        cursor.execute(
            _HISTOGRAM.format(group=expression),
            {
                "stream": stream.pk,
                "first": window.first,
                "last": window.last,
                "edges": list(grid.THRESHOLDS),
                "key": key,
                **asdict(ready.line),
            },
        )
        found: dict[str, dict[int, int]] = {}
        for name, place, count in cursor.fetchall():
            found.setdefault(name, {})[place] = count
    return found


def _share_from(histogram: Mapping[int, int], threshold: float) -> float | None:
    total = sum(histogram.values())
    first = grid.THRESHOLDS.index(threshold)
    return sum(count for place, count in histogram.items() if place >= first) / total if total else None


def spec_of(attempt: Attempt) -> dict[str, Any]:
    """The thresholds that an attempt shows to keep its target, as changes to a policy's plain data.

    One promise for everything sets the overall threshold and drops the others. A promise for each group sets one for
    each group that has it; everything else goes to people.
    """
    certified = {group.group: group.threshold for group in groups_of(attempt) if group.threshold is not None}
    match attempt.target.groups:
        case Target.Groups.CLASSES:
            return {"threshold": None, "thresholds": certified, "segments": []}
        case Target.Groups.SEGMENTS:
            key = attempt.target.segment_key
            parts = [{"when": {key: value}, "threshold": threshold} for value, threshold in certified.items()]
            return {"threshold": None, "thresholds": {}, "segments": parts}
        case _:
            return {"threshold": certified[""], "thresholds": {}, "segments": []}


def window_of(attempt: Attempt) -> tuple[datetime, datetime]:
    """When the first output of its window was received, and until when."""
    return ids.moment(attempt.first_id), ids.moment(attempt.last_id)


def names_of(groups: Sequence[Group]) -> list[str]:
    """The groups that have a statement."""
    return [group.group for group in groups if group.threshold is not None]
