"""The result of each group of a line of evidence, from the counts of its audits.

Two ways are tried, the exact evaluation of the first audits and the evidence so far, and the looser threshold is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from escalation.guarantees import certification, group_results, lines
from escalation.guarantees.counts import Tally, find_worst
from escalation.guarantees.group_results import GroupResult
from escalation.guarantees.preparation import PreparedEvaluation, describe_shortfall


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The counts of a group. first: of its first `declared_audits` only, None if they are too old; sampled: of all."""

    so_far: Tally
    first: Tally | None
    sampled: int


def evaluate_group(
    prepared: PreparedEvaluation, name: str, best: GroupResult | None, now: datetime, *, exact: bool
) -> GroupResult:
    """The loosest threshold of both ways and of all evaluations before, or why there is none.

    exact: whether the exact evaluation still counts.
    """
    counts, delta = prepared.counts_of(name), lines.compute_group_delta(prepared.line, name)
    if best is None and counts.answered < prepared.min_audits:
        shortfall = describe_shortfall(prepared, counts.answered, now)
        return GroupResult(name, delta, [], refusal="too_few", params=shortfall)
    evidence = _Evidence(counts.tally(), counts.tally_first() if exact else None, counts.sampled)
    found = _certify(prepared, name, evidence, delta * lines.THRESHOLDS_DELTA_SHARE)
    if found is None or (best is not None and not group_results.is_looser(found.threshold, best.threshold)):
        if best is not None:
            return best
        found = GroupResult(name, delta, [], refusal="too_many_errors")
    return replace(found, threshold_if_none_missed=_find_uncorrected(prepared, name, evidence, delta))


def _find_uncorrected(prepared: PreparedEvaluation, name: str, evidence: _Evidence, delta: float) -> float | None:
    """The threshold if reviewers missed nothing and no delta were kept to prove it; never guaranteed."""
    found = _certify(replace(prepared, max_error=prepared.target.max_error), name, evidence, delta)
    return found.threshold if found else None


def evaluate_labels(
    prepared: PreparedEvaluation, best: Mapping[str, GroupResult], now: datetime, *, exact: bool
) -> list[GroupResult]:
    """The result of each label of a set: all at the loosest threshold at which each of them keeps the target.

    Outputs are automated when the model is sure enough of every label, so that is where errors about each label are
    counted. "Some label has too many errors" is refuted if it is for each label by itself, so delta is not divided.
    """
    of_labels = {name: prepared.counts_of(name) for name in prepared.group_names}
    tallies = {name: counts.tally() for name, counts in of_labels.items()}
    firsts = {name: counts.tally_first() for name, counts in of_labels.items()} if exact else None
    some = next(iter(of_labels.values()))
    delta = lines.compute_group_delta(prepared.line, "")
    if not best and some.answered < prepared.min_audits:
        shortfall = describe_shortfall(prepared, some.answered, now)
        return [GroupResult(name, delta, [], refusal="too_few", params=shortfall) for name in of_labels]
    worst = _Evidence(
        find_worst(list(tallies.values())), find_worst(list(firsts.values())) if firsts else None, some.sampled
    )
    found = _certify(prepared, "", worst, delta * lines.THRESHOLDS_DELTA_SHARE)
    before = next(iter(best.values())).threshold if best else None
    if found is not None and group_results.is_looser(found.threshold, before):
        found = replace(found, threshold_if_none_missed=_find_uncorrected(prepared, "", worst, delta))
        used = firsts if firsts and found.way == group_results.DECLARED else tallies
        return [_name_label(found, name, used[name]) for name in of_labels]
    if best:
        return [best[name] for name in of_labels]
    evidence = {name: _Evidence(tallies[name], firsts[name] if firsts else None, some.sampled) for name in of_labels}
    return [_refuse_label(prepared, name, one, delta) for name, one in evidence.items()]


def _name_label(found: GroupResult, name: str, counts: Tally) -> GroupResult:
    """What holds for all labels, with the counts of one of them."""
    at = int(np.searchsorted(-certification.THRESHOLDS_STRICT_TO_LOOSE, -(found.threshold or 0.0)))
    return replace(found, group=name, wrong=int(counts.wrong[at]))


def _refuse_label(prepared: PreparedEvaluation, name: str, evidence: _Evidence, delta: float) -> GroupResult:
    """Why a label has no threshold: its own errors, or only those of other labels."""
    by_others = _certify(prepared, "", evidence, delta * lines.THRESHOLDS_DELTA_SHARE) is not None
    return GroupResult(name, delta, [], refusal="other_labels" if by_others else "too_many_errors")


def _certify(prepared: PreparedEvaluation, name: str, evidence: _Evidence, delta: float) -> GroupResult | None:
    walks, alpha = lines.read_walks(prepared.line, name), prepared.max_error
    once, ever_after = delta * walks.declared_share, delta * (1 - walks.declared_share)
    so_far = certification.certify_anytime_counts(evidence.so_far, walks, alpha=alpha, delta=ever_after)
    results = [(group_results.ANYTIME, ever_after, walks.anytime, so_far)]
    if evidence.first is not None and evidence.sampled >= prepared.declared_audits:
        first = certification.certify_declared_counts(evidence.first, walks, alpha=alpha, delta=once)
        results.append((group_results.DECLARED, once, walks.declared, first))
    way, spent, starts, found = max(results, key=lambda result: -1 if result[3] is None else result[3].index)
    if found is None:
        return None
    return GroupResult(
        name,
        spent,
        [(start, share * spent) for start, share in starts],
        threshold=found.threshold,
        accepted=found.accepted,
        wrong=found.wrong,
        way=way,
    )
