"""Hypothesis strategies for policies and outputs, with values coarse enough to hit each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from escalation.policies import spec
from escalation.routing import decide

LABELS = ["billing", "refund", ""]
FIELDS = ["/total", "/supplier"]
LANGUAGES = ["de", "en"]
VERSIONS = ["1", "2", ""]
CONFIDENCE_LEVELS = [0.0, 0.3, 0.5, 0.8, 0.95, 1.0]
MOVABLE_FIELDS = frozenset({"threshold", "thresholds", "segments", "audit", "reviews", "on_deadline", "model_versions"})

levels = st.sampled_from(CONFIDENCE_LEVELS)
segments = st.dictionaries(st.sampled_from(["language", "tier"]), st.sampled_from(LANGUAGES), max_size=2)
spelled_segments = st.dictionaries(st.sampled_from(["language", " Tier"]), st.sampled_from(["de", "EN "]), max_size=2)
label_decisions = st.builds(
    decide.LabelDecisions,
    predicted=st.lists(st.sampled_from(LABELS[:2]), unique=True),
    confidences=st.dictionaries(st.sampled_from(LABELS[:2]), levels),
)
fields = st.fixed_dictionaries(
    {field: st.tuples(st.none() | levels, st.sampled_from([0.0, 0.2, 0.5, 0.8, 0.999])) for field in FIELDS}
)


@dataclass(frozen=True)
class OutputBatch:
    """Outputs with their random draws."""

    outputs: decide.OutputColumns
    u: decide.Floats
    v: decide.Floats


def _generate_rules() -> st.SearchStrategy[list[dict[str, Any]]]:
    numbers = st.one_of(
        st.dictionaries(st.sampled_from(["eq", "lt", "lte", "gt", "gte"]), levels, min_size=1, max_size=2),
        st.fixed_dictionaries({"in": st.lists(levels, max_size=2)}),
    )
    texts = st.one_of(
        st.fixed_dictionaries({"eq": st.sampled_from([*LABELS, *LANGUAGES])}),
        st.fixed_dictionaries({"in": st.lists(st.sampled_from([*LABELS, *LANGUAGES]), max_size=2)}),
    )
    conditions = st.fixed_dictionaries(
        {},
        optional={"confidence": numbers, "value": numbers, "prediction": texts, "segment.language": texts},
    ).filter(bool)
    return st.lists(conditions, max_size=2).map(
        lambda found: [{"name": f"rule {place}", "when": when} for place, when in enumerate(found)]
    )


def generate_policies() -> st.SearchStrategy[spec.PolicySpec]:
    return st.fixed_dictionaries(
        {
            "threshold": st.none() | levels,
            "thresholds": st.dictionaries(st.sampled_from([*LABELS, *FIELDS]), levels, max_size=2),
            "segments": st.lists(st.fixed_dictionaries({"when": segments, "threshold": levels}), max_size=2),
            "rules": _generate_rules(),
            "audit": st.fixed_dictionaries({"rate": st.none() | levels, "mode": st.sampled_from(["hold", "after"])}),
            "model_versions": st.lists(st.sampled_from(VERSIONS), max_size=2),
            "reviews": st.integers(1, 2),
            "answer_first": st.booleans(),
            "on_deadline": st.sampled_from(["hold", "accept", "reject"]),
        }
    ).map(spec.parse_spec)


def generate_outputs() -> st.SearchStrategy[OutputBatch]:
    one = st.tuples(
        st.just(float("nan")) | levels,
        st.sampled_from(LABELS) | label_decisions | fields,
        st.just(float("nan")) | levels,
        spelled_segments,
        st.sampled_from(VERSIONS),
        st.sampled_from([0.0, 0.2, 0.5, 0.8, 0.999]),
        st.sampled_from([0.0, 0.2, 0.5, 0.8, 0.999]),
        st.integers(0, 5).map(lambda number: number == 5),
    )
    return st.lists(one, max_size=8).map(_build_batch)


def _build_batch(rows: list[Any]) -> OutputBatch:
    confidence, answer, value, segment, version, u, v, invalid = zip(*rows, strict=True) if rows else ((),) * 8
    return OutputBatch(
        decide.OutputColumns(
            np.array(confidence, float),
            [one if isinstance(one, str) else "" for one in answer],
            np.array(value, float),
            segment,
            version,
            [one if isinstance(one, decide.LabelDecisions) else None for one in answer],
            np.array(invalid, bool),
            [_list_column(one, 0) for one in answer],
            [_list_column(one, 1) for one in answer],
        ),
        np.array(u, float),
        np.array(v, float),
    )


def _list_column(answer: Any, place: int) -> dict[str, Any] | None:
    """The confidences or the permanent numbers of an answer's fields."""
    return {field: facts[place] for field, facts in answer.items()} if isinstance(answer, dict) else None
