"""The routing decision, against a reference implementation for one output at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.policies.spec import PolicySpec, parse_spec
from escalation.policies.spec import dump_spec as spec_plain
from escalation.routing import decide
from escalation.routing.field_routes import RouteParts
from tests.helpers import routing_strategies


def _columns(**one: Any) -> decide.OutputColumns:
    return decide.OutputColumns(
        confidence=np.array([one.get("confidence", 0.9)], float),
        predicted=[one.get("predicted", "refund")],
        value=np.array([one.get("value", math.nan)], float),
        segment=[one.get("segment", {})],
        model_version=[one.get("model_version", "1")],
        labels=[one.get("labels")],
        invalid=np.array([one.get("invalid", False)]),
    )


def _one(spec: dict[str, Any], *, u: float = 0.5, p: float = 0.0, **one: Any) -> dict[str, Any]:
    routes = decide.decide_routes(parse_spec(spec), _columns(**one), u=np.array([u]), p=p)
    return {
        "eligible": bool(routes.eligible[0]),
        "audited": bool(routes.audited[0]),
        "released": bool(routes.released[0]),
        "review": bool(routes.review[0]),
        "pi": float(routes.pi[0]),
        "reason": routes.reason[0],
    }


def _row(outputs: decide.OutputColumns, row: int) -> decide.OutputColumns:
    one = slice(row, row + 1)
    assert outputs.labels is not None
    assert outputs.invalid is not None
    return decide.OutputColumns(
        outputs.confidence[one],
        outputs.predicted[one],
        outputs.value[one],
        outputs.segment[one],
        outputs.model_version[one],
        outputs.labels[one],
        outputs.invalid[one],
        outputs.fields and outputs.fields[one],
        outputs.field_numbers and outputs.field_numbers[one],
    )


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda fact, operand: fact == operand,
    "in": lambda fact, operand: fact in operand,
    "lt": lambda fact, operand: fact < operand,
    "lte": lambda fact, operand: fact <= operand,
    "gt": lambda fact, operand: fact > operand,
    "gte": lambda fact, operand: fact >= operand,
}


def _facts(outputs: decide.OutputColumns, row: int) -> dict[str, list[Any]]:
    """The folded values of one output's fields, without the missing ones: several for a set of labels."""
    assert outputs.labels is not None
    numbers = {"confidence": float(outputs.confidence[row]), "value": float(outputs.value[row])}
    facts: dict[str, list[Any]] = {name: [number] for name, number in numbers.items() if not math.isnan(number)}
    facts |= {f"segment.{key}": [value] for key, value in _folded(outputs.segment[row]).items()}
    decisions = outputs.labels[row]
    if outputs.predicted[row] or decisions:
        facts["prediction"] = list(decisions.predicted) if decisions else [outputs.predicted[row]]
    return facts


def _folded(segment: Mapping[str, str]) -> dict[str, str]:
    return {key.strip().lower(): value.strip().lower() for key, value in segment.items()}


def _verdict(rule: dict[str, Any], facts: dict[str, list[Any]]) -> bool | None:
    """Whether a rule applies; None if that depends on what is missing."""
    found = [
        any(_TESTS[operator](fact, operand) for fact in facts[subject]) if subject in facts else None
        for subject, tests in rule["when"].items()
        for operator, operand in tests.items()
    ]
    return False if False in found else None if None in found else True


def _threshold(spec: dict[str, Any], sent: Mapping[str, str], predicted: str) -> float:
    """The strictest threshold that could apply, whatever the missing keys of the segment are."""
    segment = _folded(sent)
    named: dict[str, float] = spec["thresholds"]
    specific = [threshold for label, threshold in named.items() if predicted and label == predicted]
    possible: list[float] = []
    for part in spec["segments"]:
        if part["when"].items() <= sent.items():
            specific.append(part["threshold"])
        elif all(segment.get(key, value) == value for key, value in part["when"].items()):
            possible.append(part["threshold"])
    overall: float = math.inf if spec["threshold"] is None else spec["threshold"]
    return max([*(specific or [overall]), *possible])


def _refused(spec: dict[str, Any], outputs: decide.OutputColumns, row: int) -> str | None:
    """Why it has to be reviewed; None if it does not."""
    assert outputs.labels is not None
    assert outputs.invalid is not None
    facts, decisions = _facts(outputs, row), outputs.labels[row]
    if "confidence" not in facts:
        return "no_confidence"
    if spec["model_versions"] and outputs.model_version[row] not in spec["model_versions"]:
        return "unknown_model_version"
    if outputs.invalid[row]:
        return "invalid_prediction"
    verdicts = [(rule["name"], _verdict(rule, facts)) for rule in spec["rules"]]
    caught = [f"rule:{name}" for name, verdict in verdicts if verdict]
    caught += [f"rule_unevaluable:{name}" for name, verdict in verdicts if verdict is None]
    if caught:
        return caught[0]
    if _is_decided_by_field(spec, outputs, row):
        return _refused_by_field(spec, outputs, row)
    (confidence,) = facts["confidence"]
    sure = {**dict.fromkeys(decisions.predicted, confidence), **decisions.confidences} if decisions else {}
    held = sorted((sure[label], label) for label, least in spec["thresholds"].items() if sure.get(label, least) < least)
    if held:
        return f"below_threshold:{held[0][1]}"
    threshold = _threshold(spec, outputs.segment[row], outputs.predicted[row])
    return "below_threshold" if confidence < threshold else None


def _is_decided_by_field(spec: dict[str, Any], outputs: decide.OutputColumns, row: int) -> bool:
    assert outputs.labels is not None
    named = any(name in routing_strategies.FIELDS for name in spec["thresholds"])
    return named and not outputs.predicted[row] and outputs.labels[row] is None


def _refused_by_field(spec: dict[str, Any], outputs: decide.OutputColumns, row: int) -> str | None:
    assert outputs.fields is not None
    fields = outputs.fields[row]
    if fields is None:
        return "no_confidence"
    for unknown in sorted(field for field, sure in fields.items() if sure is None):
        return f"no_confidence:{unknown}"
    missed = [
        (sure, field)
        for field, sure in fields.items()
        if sure is not None and sure < _threshold(spec, outputs.segment[row], field)
    ]
    return f"below_threshold:{min(missed)[1]}" if missed else None


def is_drawn(spec: dict[str, Any], outputs: decide.OutputColumns, row: int, *, u: float, p: float) -> bool:
    """Whether it, or one of its fields, is an audit."""
    numbers = (outputs.field_numbers or [])[row]
    if numbers is None or not _is_decided_by_field(spec, outputs, row):
        return u < p
    return min(numbers.values()) < p


def _reference(spec: dict[str, Any], outputs: decide.OutputColumns, row: int, *, u: float, p: float) -> tuple[Any, ...]:
    """(reason, eligible, audited, released, review, pi) of one output, straight from the design document."""
    reason = _refused(spec, outputs, row)
    if reason is not None:
        return reason, False, False, False, True, 1.0
    pi = 1.0 - (1.0 - p) ** 2 if _is_decided_by_field(spec, outputs, row) else p
    if is_drawn(spec, outputs, row, u=u, p=p):
        return "audit", True, True, spec["audit"]["mode"] == "after", True, pi
    return "above_threshold", True, False, True, False, pi


@given(
    spec=routing_strategies.generate_policies(),
    batch=routing_strategies.generate_outputs(),
    p=st.sampled_from([0.0, 0.2, 0.5, 1.0]),
)
def test_the_decision_matches_the_reference_row_by_row(
    spec: PolicySpec, batch: routing_strategies.OutputBatch, p: float
) -> None:
    routes = decide.decide_routes(spec, batch.outputs, u=batch.u, p=p)
    plain = spec_plain(spec)
    for row in range(len(batch.outputs)):
        got = (
            routes.reason[row],
            routes.eligible[row],
            routes.audited[row],
            routes.released[row],
            routes.review[row],
            routes.pi[row],
        )
        assert got == _reference(plain, batch.outputs, row, u=float(batch.u[row]), p=p)


@given(
    spec=routing_strategies.generate_policies(),
    batch=routing_strategies.generate_outputs(),
    p=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_each_output_is_decided_independently_and_deterministically(
    spec: PolicySpec, batch: routing_strategies.OutputBatch, p: float
) -> None:
    whole = decide.decide_routes(spec, batch.outputs, u=batch.u, p=p)
    parsed_again = parse_spec(spec_plain(spec))
    for row in range(len(batch.outputs)):
        single = decide.decide_routes(parsed_again, _row(batch.outputs, row), u=batch.u[row : row + 1], p=p)
        assert single.reason == [whole.reason[row]]
        assert single.released[0] == whole.released[row]
        assert single.pi[0] == whole.pi[row]


@given(spec=routing_strategies.generate_policies(), batch=routing_strategies.generate_outputs())
def test_without_confidence_nothing_is_automated(spec: PolicySpec, batch: routing_strategies.OutputBatch) -> None:
    routes = decide.decide_routes(spec, batch.outputs, u=batch.u, p=1.0)
    missing = np.isnan(batch.outputs.confidence)
    assert not np.any(routes.released & missing)
    assert np.all(routes.review[missing])


@given(
    spec=routing_strategies.generate_policies(),
    batch=routing_strategies.generate_outputs(),
    p=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_every_output_is_automated_or_reviewed(
    spec: PolicySpec, batch: routing_strategies.OutputBatch, p: float
) -> None:
    routes = decide.decide_routes(spec, batch.outputs, u=batch.u, p=p)
    assert np.all(routes.released | routes.review)
    assert np.all(routes.eligible | ~routes.released)
    assert np.all((routes.pi == 1.0) | routes.eligible)


def test_no_outputs_give_no_routes() -> None:
    nothing = decide.OutputColumns(np.array([]), [], np.array([]), [], [])
    assert decide.decide_routes(PolicySpec(threshold=0.5), nothing, u=np.array([]), p=0.5).reason == []


def test_routing_reasons_have_a_precedence() -> None:
    spec = {
        "threshold": 0.8,
        "model_versions": ["1"],
        "rules": [
            {"name": "first", "when": {"value": {"gte": 10}}},
            {"name": "second", "when": {"prediction": {"eq": "refund"}}},
        ],
    }
    assert _one(spec, confidence=math.nan, model_version="9", value=10)["reason"] == "no_confidence"
    assert _one(spec, confidence=0.1, model_version="9", invalid=True)["reason"] == "unknown_model_version"
    assert _one(spec, confidence=0.1, value=10, invalid=True)["reason"] == "invalid_prediction"
    assert _one(spec, confidence=0.1, value=10)["reason"] == "rule:first"
    assert _one(spec, confidence=0.1, value=9.99)["reason"] == "rule:second"
    assert _one(spec, confidence=0.1, value=math.nan)["reason"] == "rule:second"
    assert _one(spec, confidence=0.1, value=math.nan, predicted="billing")["reason"] == "rule_unevaluable:first"
    assert _one(spec, confidence=0.1, value=9, predicted="billing")["reason"] == "below_threshold"
    assert _one(spec, predicted="billing", value=9, u=0.1, p=0.2)["reason"] == "audit"
    assert _one(spec, predicted="billing", value=9, u=0.2, p=0.2)["reason"] == "above_threshold"


@pytest.mark.parametrize(
    ("spec", "one", "threshold"),
    [
        ({"threshold": 0.8}, {}, 0.8),
        ({}, {}, math.inf),
        ({"threshold": 0.8, "thresholds": {"refund": 0.6}}, {}, 0.6),
        ({"threshold": 0.8, "thresholds": {"billing": 0.6}}, {}, 0.8),
        ({"thresholds": {"refund": 0.6}}, {}, 0.6),
        ({"threshold": 0.8, "segments": [{"when": {"l": "de"}, "threshold": 0.3}]}, {"segment": {"l": "de"}}, 0.3),
        ({"threshold": 0.8, "segments": [{"when": {"l": "de"}, "threshold": 0.3}]}, {"segment": {"l": "en"}}, 0.8),
        (
            {"thresholds": {"refund": 0.5}, "segments": [{"when": {"l": "de"}, "threshold": 0.3}]},
            {"segment": {"l": "de"}},
            0.5,
        ),
        (
            {"segments": [{"when": {"l": "de"}, "threshold": 0.9}, {"when": {}, "threshold": 0.3}]},
            {"segment": {"l": "de", "x": "y"}},
            0.9,
        ),
    ],
)
def test_the_strictest_matching_threshold_applies(spec: dict[str, Any], one: dict[str, Any], threshold: float) -> None:
    assert decide.resolve_thresholds(parse_spec(spec), _columns(**one)).tolist() == [threshold]


def test_a_confidence_equal_to_the_threshold_is_automated() -> None:
    assert _one({"threshold": 0.8}, confidence=0.8)["released"]
    assert not _one({"threshold": 0.8}, confidence=math.nextafter(0.8, 0))["released"]


def test_without_any_threshold_nothing_is_automated() -> None:
    assert not _one({}, confidence=1.0)["released"]


def test_an_audit_holds_the_output_only_in_hold_mode() -> None:
    held = _one({"threshold": 0.8, "audit": {"mode": "hold"}}, u=0.1, p=0.2)
    after = _one({"threshold": 0.8, "audit": {"mode": "after"}}, u=0.1, p=0.2)
    assert (held["released"], held["review"], held["audited"]) == (False, True, True)
    assert (after["released"], after["review"], after["audited"]) == (True, True, True)
    assert held["pi"] == after["pi"] == 0.2


def test_a_field_at_its_threshold_stands_and_one_below_the_rate_isis_drawn() -> None:
    spec = parse_spec({"threshold": 0.8, "thresholds": {"/total": 0.9}, "audit": {"mode": "hold"}})
    columns = replace(
        _columns(predicted="", confidence=0.1),
        fields=[{"/total": 0.9, "/paid": 0.8, "/tax": 0.79, "/tip": None}],
        field_numbers=[{"/total": 0.2, "/paid": 0.19, "/tax": 0.0, "/tip": 0.9}],
    )
    routes = decide.decide_routes(spec, columns, u=np.array([0.0]), p=0.2)
    assert routes.parts == [RouteParts(asked=["/tax", "/tip"], audited=["/paid", "/tax"])]
    assert (routes.reason, routes.released.tolist()) == (["no_confidence:/tip"], [False])
    assert routes.parts[0] is not None
    assert routes.parts[0].list_reviewed(["/tip", "/total", "/paid", "/tax"]) == ["/tip", "/paid", "/tax"]
