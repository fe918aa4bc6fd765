"""The export of an evaluation: with the export of labels and audits, everything needed to find its result anew."""

from __future__ import annotations

from typing import Any

from escalation.guarantees import lines, thresholds, units
from escalation.models import Evaluation


def export_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    """The population, target, line of evidence and results of an evaluation, as plain data.

    first, end: it counted audits with first <= number < end that were settled until `evaluated_at`. max_error: the
    target, lowered by what reviewers miss. starts of a result: thresholds, each with its delta. carries: whether a walk
    that comes to another start goes on with both. grid: all thresholds, strict to loose.
    """
    target, line = evaluation.target, evaluation.line
    plans = line.plan if line else {}
    return {
        "stream": evaluation.stream.slug,
        "number": evaluation.number,
        "model": evaluation.model,
        "model_version": evaluation.model_version or None,
        "schema_number": evaluation.schema_number,
        "first": str(evaluation.first_id),
        "end": str(evaluation.last_id),
        "evaluated_at": evaluation.asked_at.isoformat(),
        "error_target": target.max_error,
        "max_error": evaluation.max_error,
        "reviewer_recall": evaluation.reviewer_recall,
        "delta": target.delta,
        "groups": target.groups,
        "segment_key": target.segment_key,
        "labels": list(units.list_labels(target, evaluation.stream.slug, evaluation.schema_number) or []),
        "declared_audits": lines.count_declared_audits(target),
        "line": {"number": line.number, "delta": line.delta, "first": str(line.first_id), "plan": plans}
        if line
        else None,
        "carries": any(lines.read_walks(line, group).carries for group in plans) if line else False,
        "grid": list(thresholds.THRESHOLDS[::-1]),
        "grid_hash": evaluation.grid_hash,
        "sampled": evaluation.sampled,
        "refusal": evaluation.refusal,
        "results": evaluation.groups,
    }
