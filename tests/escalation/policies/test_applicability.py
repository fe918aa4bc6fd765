"""Which parts of a policy can take effect, by the kind of a stream's answers."""

from __future__ import annotations

from typing import Any

from escalation.policies.applicability import find_misfits
from escalation.policies.spec import parse_spec
from reviewqueue.answers.schema import AnswerSpec
from tests.helpers import invoices

LABEL = AnswerSpec("label", ["billing", "refund"])
LABELS = AnswerSpec("labels", ["toxicity", "insult"])
STRUCTURED = AnswerSpec("structured", schema={"type": "object"})


def _misfits(form: AnswerSpec, **policy: Any) -> dict[str, str]:
    return {misfit.pointer: misfit.detail for misfit in find_misfits(parse_spec(policy), form)}


def _rule(**when: Any) -> list[dict[str, Any]]:
    return [{"name": "r", "when": when}]


def test_a_policy_that_names_the_streams_answers_fits() -> None:
    rules = _rule(prediction={"in": ["refund", "billing"]}, value={"gte": 10}, confidence={"lt": 0.9})
    costs = {"matrix": {"billing": {"refund": 12}}}
    segments = [{"when": {"language": "de"}, "threshold": 0.9}]
    assert _misfits(LABEL, threshold=0.8, thresholds={"refund": 0.9}, rules=rules, costs=costs, segments=segments) == {}
    assert _misfits(LABELS, thresholds={"insult": 0.9}, rules=_rule(prediction={"eq": "toxicity"})) == {}
    assert _misfits(STRUCTURED, threshold=0.8, rules=_rule(value={"gte": 10}), segments=segments) == {}


def test_an_unknown_answer_is_found_wherever_a_policy_names_one() -> None:
    found = _misfits(
        LABEL,
        thresholds={"refnd": 0.9, "a/b": 1},
        rules=_rule(prediction={"eq": " Refund", "in": ["billing", "insult"]}),
        costs={"matrix": {"biling": {"refund": 1}, "refund": {"fraud": 2}}},
    )
    assert list(found) == [
        "/thresholds/refnd",
        "/thresholds/a~1b",
        "/rules/0/when/prediction/eq",
        "/rules/0/when/prediction/in/1",
        "/costs/matrix/biling",
        "/costs/matrix/refund/fraud",
    ]
    assert found["/thresholds/refnd"] == "“refnd” is not an answer of this stream. Did you mean “refund”?"
    assert found["/rules/0/when/prediction/eq"].endswith("Did you mean “refund”?")
    assert found["/thresholds/a~1b"].endswith("Its answers: “billing”, “refund”.")


def test_parts_that_a_kind_of_answer_cannot_use_are_found() -> None:
    matrix = {"matrix": {"toxicity": {"insult": 12}}}
    assert list(_misfits(LABELS, costs=matrix)) == ["/costs/matrix"]
    every = _misfits(STRUCTURED, thresholds={"total": 0.9}, rules=_rule(prediction={"eq": "x"}), costs=matrix)
    assert list(every) == ["/thresholds/total", "/rules/0/when/prediction/eq", "/costs/matrix"]


def test_costs_of_parts_fit_only_answers_with_such_parts() -> None:
    of_labels = {"missed": 2, "invented": 0, "by_label": {"insult": {"missed": 9}, "threat": {"invented": 1}}}
    per_label = AnswerSpec("labels", ["toxicity", "insult"], error_unit="label")
    assert list(_misfits(per_label, costs=of_labels)) == ["/costs/by_label/threat"]
    for form in (LABEL, LABELS, STRUCTURED):
        assert list(_misfits(form, costs=of_labels)) == ["/costs/missed", "/costs/invented", "/costs/by_label"]
    of_fields = {"by_field": {"/total": 5, "/totl": 5}}
    with_fields = AnswerSpec("structured", schema=invoices.SCHEMA)
    assert list(_misfits(with_fields, costs=of_fields)) == ["/costs/by_field/~1totl"]
    assert len(_misfits(per_label, costs=of_fields)) == 2


def test_conditions_that_never_hold_are_found() -> None:
    found = _misfits(STRUCTURED, rules=_rule(confidence={"lt": 80}, value={"in": []}))
    assert list(found) == ["/rules/0/when/confidence/lt", "/rules/0/when/value/in"]
    assert "from 0 to 1, not 80" in found["/rules/0/when/confidence/lt"]


def test_a_rule_that_never_applies_or_says_the_same_again_is_refused_with_a_sentence() -> None:
    found = _misfits(LABEL, rules=_rule(value={"gte": 10, "lt": 5}))
    assert list(found) == ["/rules/0/when/value"]
    assert found["/rules/0/when/value"] == (
        "The rule “r” would never apply: no output can meet its conditions on value. Correct them."
    )
    same = [{"name": name, "when": {"value": {"gte": 10}}} for name in ("large", "big")]
    assert _misfits(LABEL, rules=same) == {
        "/rules/1/when": "The rule “big” has the same conditions as “large”, which comes first. Remove one of them."
    }


def test_a_segment_without_a_key_is_found_before_it_replaces_every_threshold() -> None:
    segments = [{"when": {"language": "de"}, "threshold": 0.9}, {"when": {}, "threshold": 0.5}]
    assert list(_misfits(LABEL, threshold=0.95, segments=segments)) == ["/segments/1/when"]


def test_a_threshold_of_a_field_names_a_leaf_of_the_schema() -> None:
    form = AnswerSpec("structured", schema=invoices.SCHEMA)
    assert _misfits(form, thresholds={"/total": 0.9, "/address/city": 0.8, "/lines": 0.99}) == {}
    found = _misfits(form, thresholds=dict.fromkeys(["/totl", "total", "/address", "/lines/0/amount", "refund"], 0.9))
    hints = {pointer: detail.partition("Did you mean ")[2] for pointer, detail in found.items()}
    assert hints == {
        "/thresholds/~1totl": "“/total”?",
        "/thresholds/total": "“/total”?",
        "/thresholds/~1address": "“/address/city”?",
        "/thresholds/~1lines~10~1amount": "“/lines”?",
        "/thresholds/refund": "",
    }
    assert "Its fields: “/supplier”, “/number”" in found["/thresholds/refund"]
