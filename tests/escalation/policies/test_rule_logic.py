"""Rules that could never be why an output goes to review are found, and only those."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.policies import rule_logic
from escalation.policies.conditions import OutputFacts
from escalation.policies.spec import Rule, parse_spec


def _rules(*whens: dict[str, Any]) -> list[Rule]:
    return parse_spec({"rules": [{"name": str(place), "when": when} for place, when in enumerate(whens)]}).rules


@pytest.mark.parametrize(
    ("when", "subject"),
    [
        ({"value": {"gte": 10, "lt": 5}}, "value"),
        ({"value": {"gt": 5, "lt": 5}}, "value"),
        ({"value": {"gt": 5, "lte": 5}}, "value"),
        ({"value": {"gte": 5, "lte": 5}}, None),
        ({"value": {"gt": 5, "lt": math.nextafter(5, 6)}}, "value"),
        ({"value": {"in": [1, 7], "gt": 2, "lt": 6}}, "value"),
        ({"value": {"in": [1, 5], "gt": 2, "lt": 6}}, None),
        ({"value": {"gt": 1e308}}, None),
        ({"confidence": {"lt": 0}}, "confidence"),
        ({"confidence": {"gt": 1}}, "confidence"),
        ({"confidence": {"gt": 0.9, "lt": 0.95}, "value": {"eq": 1}}, None),
        ({"prediction": {"eq": "a", "in": ["b", "c"]}}, "prediction"),
        ({"prediction": {"eq": "a", "in": ["b", "A"]}}, None),
        ({"segment.tier": {"eq": "gold", "in": ["silver"]}}, "segment.tier"),
        ({"segment.tier": {"eq": "gold"}, "segment.Tier": {"eq": "silver"}}, "segment.tier"),
        ({"segment.language": {"eq": "de", "in": ["de-AT", "en"]}}, None),
    ],
)
def test_conditions_that_contradict_each_other_are_found(when: dict[str, Any], subject: str | None) -> None:
    (rule,) = _rules(when)
    assert rule_logic.find_contradiction(rule, one_label=True) == subject


def test_each_condition_on_a_set_of_labels_may_hold_for_another_label() -> None:
    (rule,) = _rules({"prediction": {"eq": "a", "in": ["b"]}})
    assert rule_logic.find_contradiction(rule, one_label=False) is None
    assert rule.evaluate(OutputFacts(math.nan, math.nan, ["a", "b"], {})) is True


_numbers = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
_tests = st.dictionaries(st.sampled_from(["lt", "lte", "gt", "gte", "eq"]), _numbers, min_size=1)


@given(_tests)
def test_a_rule_is_refused_only_if_no_output_meets_it(tests: dict[str, float]) -> None:
    (rule,) = _rules({"confidence": tests})
    met = any(rule.evaluate(OutputFacts(eighth / 8, math.nan, None, {})) for eighth in range(9))
    assert (rule_logic.find_contradiction(rule, one_label=True) is None) == met


def test_a_rule_that_says_the_same_as_an_earlier_one_is_found() -> None:
    rules = _rules(
        {"value": {"gte": 10}, "segment.tier": {"in": ["gold", "Silver"]}},
        {"value": {"gte": 10.5}, "segment.tier": {"in": ["gold", "silver"]}},
        {"segment.Tier": {"in": ["silver", "gold "]}, "value": {"gte": 10.0}},
        {"prediction": {"eq": "a"}},
        {"prediction": {"in": ["A"]}},
    )
    assert [(place, earlier.name) for place, earlier in rule_logic.find_repeated(rules)] == [(2, "0"), (4, "3")]
