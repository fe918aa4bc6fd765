"""Lines of evidence: which audits count towards a guarantee, fixed before any of their labels is seen.

A line begins with the error target, or later with the output after which the present conditions hold: the same rules,
audits that are switched on, no alarm since (`sample.find_window`). When any of these changes, another line begins with
later outputs, and the audits before no longer count. Thresholds, costs and audit rates may change at any time: audits
are drawn on both sides of every threshold.

All lines of a population share the target's delta: the first one has 80 % of it, and the k-th one after that the share
6 / (pi^2 k^2) of the rest. So however often somebody changes the rules, the probability that any line ever certifies
something false is at most delta. Within a line, its groups share delta in the same way: those known when it is planned
have 80 % together, and the k-th one to appear later gets 6 / (pi^2 k^2) of the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from escalation import statistics
from escalation.guarantees import certification, queries, thresholds, units
from escalation.guarantees.certification import WalkPlan
from escalation.guarantees.population import Population
from escalation.models import ErrorTarget, EvidenceLine, Stream, output_id
from reviewqueue.kernel import sql

FIRST_SHARE = 0.8
# The shares of a line's delta: for the bound of the reviewers' recall, kept for it from the start, and for thresholds.
RECALL_DELTA_SHARE = 0.2
THRESHOLDS_DELTA_SHARE = 1 - RECALL_DELTA_SHARE
MAX_DECLARED_AUDITS = 5_000
# Outputs received so long before a line also tell where confidences lie.
SCORES_BEFORE_LINE = timedelta(days=28)


class LineMoved(Exception):
    """Another line was begun since this one was found: what was gathered for it is out of date. Gather it again."""


def count_declared_audits(target: ErrorTarget) -> int:
    """The number of audits after which the exact evaluation is taken.

    By default as many as certify a threshold with 80 % power if half as many errors happen as the target allows.
    """
    if target.declared_audits is not None:
        return target.declared_audits
    delta = (
        target.delta
        * FIRST_SHARE
        * THRESHOLDS_DELTA_SHARE
        * statistics.FORMER_DECLARED_SHARE
        / statistics.COLD_START_COUNT
    )
    needed = statistics.compute_labels_needed(target.max_error / 2, alpha=target.max_error, delta=delta)
    return min(needed or MAX_DECLARED_AUDITS, MAX_DECLARED_AUDITS)


def find_line(stream: Stream, target: ErrorTarget, covered: Population, *, first_id: int) -> EvidenceLine:
    """The line whose outputs begin here; not stored yet if there is none.

    first_id: where the present conditions begin. A stored line that began there, or later, goes on.
    """
    stored = (
        EvidenceLine.objects.filter(stream=stream, target=target, first_id__gte=first_id, **asdict(covered))
        .select_related("target", "stream")
        .order_by("-number")
        .first()
    )
    if stored is not None:
        return stored
    number = EvidenceLine.objects.filter(stream=stream, **asdict(covered)).count() + 1
    return EvidenceLine(
        stream=stream,
        target=target,
        number=number,
        delta=target.delta * share_of_delta(number - 1, FIRST_SHARE),
        first_id=first_id,
        **asdict(covered),
    )


def find_latest_line(target: ErrorTarget, covered: Population) -> EvidenceLine | None:
    """The latest stored line of a population towards a target."""
    return EvidenceLine.objects.filter(target=target, **asdict(covered)).order_by("-number").first()


def find_earliest_id(stream: Stream, target: ErrorTarget, covered: Population, *, oldest: datetime) -> int:
    """Outputs before this id count in no line: they precede the target, or are too old to begin a line with them."""
    stored = find_latest_line(target, covered)
    return stored.first_id if stored else output_id.first_id_at(max(target.set_at, oldest))


def share_of_delta(position: int, first: float) -> float:
    """The share of delta at a position, counted from 0, among any number of them; all shares sum to at most 1."""
    return first if position == 0 else (1 - first) * 6 / (math.pi * position) ** 2


def plan_groups(
    line: EvidenceLine, names: Sequence[str], *, ready: Sequence[str], last_id: int, now: datetime
) -> EvidenceLine:
    """The line with every group's share of delta, and the walks of those that are ready; stored once and for all.

    ready: the groups with so many audits that one could pass. Walks are planned no earlier, because they depend on how
    many outputs of which confidence a group has, of outputs that were not drawn; and no later, because then the labels
    are used. Concurrent calls plan a group once. Raises LineMoved if the line is not the present one any more.
    """
    unplanned = [name for name in ready if not _has_walks(line, name)]
    if line.pk is not None and not unplanned and all(name in line.plan for name in names):
        return line
    planned = _plan_walks(line, unplanned, groups=len(names), last_id=last_id)
    with transaction.atomic():
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=line.stream_id)
        stored = _find_same_line(line)
        shares = _choose_shares(stored.plan, [name for name in names if name not in stored.plan])
        stored.plan |= shares
        stored.plan |= {
            name: {**stored.plan[name], **asdict(walks)}
            for name, walks in planned.items()
            if not _has_walks(stored, name)
        }
        stored.opened_at = stored.opened_at or now
        stored.save()
    return stored


def _find_same_line(line: EvidenceLine) -> EvidenceLine:
    """The line as it is stored; itself if it is not. Its stream has to be locked."""
    if line.pk is not None:
        return EvidenceLine.objects.select_related("target", "stream").get(pk=line.pk)
    present = find_line(line.stream, line.target, population_of(line), first_id=line.first_id)
    if (present.number, present.first_id) != (line.number, line.first_id):
        raise LineMoved
    return present


def _has_walks(line: EvidenceLine, name: str) -> bool:
    return "anytime" in line.plan.get(name, {})


def population_of(line: EvidenceLine) -> Population:
    return Population(line.model, line.model_version, line.schema_number)


def compute_group_delta(line: EvidenceLine, group: str) -> float:
    """The probability that a guarantee of this group of the line is ever false."""
    return float(line.delta * line.plan[group]["share"])


def find_walks(line: EvidenceLine, group: str) -> WalkPlan | None:
    """A group's walks; None if they are not planned yet."""
    return read_walks(line, group) if _has_walks(line, group) else None


def read_walks(line: EvidenceLine, group: str) -> WalkPlan:
    """A group's walks. A stored plan without the newer settings keeps the meaning it had."""
    plan = line.plan[group]
    declared, anytime = (tuple((start, share) for start, share in plan[way]) for way in ("declared", "anytime"))
    newer = {name: plan[name] for name in ("declared_share", "carries") if name in plan}
    return WalkPlan(declared, anytime, **newer)


def read_declared_share(line: EvidenceLine) -> float:
    """The share of delta of the line's exact evaluation; what it will be if the line has no walks yet."""
    planned = next((name for name in line.plan if _has_walks(line, name)), None)
    return statistics.DECLARED_SHARE if planned is None else read_walks(line, planned).declared_share


def _choose_shares(plan: Mapping[str, Any], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """The shares of delta of groups that join a line; `position` counts those that join after it was first planned."""
    if not plan:
        together = 1.0 if list(names) == [""] else FIRST_SHARE
        return {name: {"position": 0, "share": together / len(names)} for name in names}
    before = max(group["position"] for group in plan.values())
    return {
        name: {"position": before + at, "share": share_of_delta(before + at, FIRST_SHARE)}
        for at, name in enumerate(names, start=1)
    }


def _plan_walks(line: EvidenceLine, names: Sequence[str], *, groups: int, last_id: int) -> dict[str, WalkPlan]:
    if not names:
        return {}
    counts = _count_unlabelled(line, last_id=last_id)
    declared = count_declared_audits(line.target)
    delta = line.delta * THRESHOLDS_DELTA_SHARE * statistics.DECLARED_SHARE / groups
    return {
        name: certification.plan_walks(
            counts.get(name, [0] * len(thresholds.THRESHOLDS)),
            max_error=line.target.max_error,
            declared_audits=declared,
            declared_delta=delta,
        )
        for name in names
    }


def _count_unlabelled(line: EvidenceLine, *, last_id: int) -> dict[str, list[int]]:
    """For each group, how many units that were not drawn lie in each bin of the grid."""
    limits = {
        "stream": line.stream_id,
        "first": output_id.first_id_at(output_id.time_of_id(line.first_id) - SCORES_BEFORE_LINE),
        "last": last_id,
        "edges": list(thresholds.THRESHOLDS),
        "key": line.target.segment_key,
        **asdict(population_of(line)),
    }
    statement = units.choose_units(line.target).fill(queries.UNLABELLED)
    found: dict[str, list[int]] = {}
    for name, bin_index, count in sql.fetch_tuples(statement, limits):
        found.setdefault(name, [0] * len(thresholds.THRESHOLDS))[bin_index] = count
    return found
