"""Policy specs: valid content, the canonical form, and which changes one person may make."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.policies import versions
from escalation.policies.spec import PolicySpec, dump_spec, hash_spec, only_tightens, parse_spec, parse_stored_spec
from escalation.routing import decide
from reviewqueue.kernel.errors import Invalid
from tests.helpers import routing_strategies

WHOLE: dict[str, Any] = {
    "threshold": 0.8,
    "thresholds": {"refund": 0.9},
    "segments": [{"when": {"language": "de"}, "threshold": 0.95}],
    "rules": [{"name": "large amounts", "when": {"value": {"gte": 1000}}, "route": "review"}],
    "audit": {"rate": 0.05, "mode": "after"},
    "model_versions": ["1", "2"],
    "reviews": 2,
    "answer_first": True,
    "answer_first_share": 0.1,
    "undo_seconds": 0,
    "deadline_hours": 24,
    "on_deadline": "accept",
    "on_overload": "hold",
    "costs": {"currency": "EUR", "review": 0.4, "error": 5, "matrix": {"billing": {"refund": 12}}},
}


def test_a_policy_round_trips_through_plain_data() -> None:
    parsed = parse_spec(WHOLE)
    assert parse_spec(dump_spec(parsed)) == parsed


def test_plain_data_includes_every_field() -> None:
    assert dump_spec(PolicySpec()).keys() == set(PolicySpec.__struct_encode_fields__)


def test_an_empty_policy_sends_everything_to_review() -> None:
    silent = PolicySpec()
    assert silent.threshold is None
    assert silent.on_deadline == "hold"
    assert silent.on_overload == "refuse"
    assert silent.reviews == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"threshold": 1.01}, "/threshold"),
        ({"threshold": -0.01}, "/threshold"),
        ({"threshold": math.nan}, "/threshold"),
        ({"threshold": math.inf}, "/threshold"),
        ({"threshold": True}, "/threshold"),
        ({"threshold": "0.8"}, "/threshold"),
        ({"thresholds": {"refund": 2}}, "/thresholds/refund"),
        ({"segments": [{"when": {"language": "de"}}]}, "/segments/0"),
        ({"segments": [{"when": {"language": 1}, "threshold": 1}]}, "/segments/0/when/language"),
        ({"rules": [{"name": "", "when": {"value": {"gte": 1}}}]}, "/rules/0/name"),
        ({"rules": [{"name": "x", "when": {}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"value": {}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"value": {"gte": math.nan}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"value": {"lt": math.inf}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"value": {"gte": "1000"}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"value": {"gte": True}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"value": {"in": 3}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"value": {"eq": [3]}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"value": {"near": 3}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"prediction": {"gte": "a"}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"prediction": {"eq": 1}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"model__secret": {"eq": "a"}}}]}, "/rules/0"),
        ({"rules": [{"name": "x", "when": {"value": {"gte": 1}}, "route": "auto"}]}, "/rules/0/route"),
        ({"rules": [{"name": "x", "when": {"value": {"gte": 1}}}] * 2}, ""),
        ({"audit": {"rate": 0.1, "per_day": 5}}, "/audit"),
        ({"audit": {"rate": 1.5}}, "/audit/rate"),
        ({"audit": {"per_day": -1}}, "/audit/per_day"),
        ({"audit": {"mode": "never"}}, "/audit/mode"),
        ({"reviews": 0}, "/reviews"),
        ({"reviews": 1.5}, "/reviews"),
        ({"undo_seconds": -1}, "/undo_seconds"),
        ({"deadline_hours": 0}, "/deadline_hours"),
        ({"on_deadline": "auto"}, "/on_deadline"),
        ({"on_overload": "accept"}, "/on_overload"),
        ({"costs": {"currency": "euro"}}, "/costs/currency"),
        ({"costs": {"currency": "EUR\n"}}, "/costs/currency"),
        ({"costs": {"error": -1}}, "/costs/error"),
        ({"costs": {"error": math.nan}}, "/costs/error"),
        ({"tresholds": {"refund": 0.9}}, "/tresholds"),
    ],
)
def test_an_invalid_policy_is_rejected_with_a_pointer(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        versions.validate_spec({**WHOLE, **change})
    assert refused.value.errors[0]["pointer"] == pointer


@pytest.mark.parametrize("nothing", [None, [], "policy", 3, True])
def test_data_that_is_not_a_policy_is_rejected(nothing: object) -> None:
    with pytest.raises(Invalid):
        versions.validate_spec(nothing)


def test_the_hash_depends_on_content_not_on_key_order() -> None:
    def digest(spec: Any, schema_number: int = 1) -> str:
        return hash_spec(parse_spec(spec), schema_number)

    assert digest({}) == digest({"threshold": None, "audit": {"mode": "after"}, "costs": {"error": 1}})
    assert digest({"thresholds": {"a": 1, "b": 0.5}}) == digest({"thresholds": {"b": 0.5, "a": 1.0}})
    assert digest({"threshold": 0.8}) != digest({"threshold": 0.81})
    assert digest({"threshold": 0.8}) != digest({"threshold": 0.8}, schema_number=2)
    assert digest({"segments": [{"when": {}, "threshold": 0.1}]}) != digest({})


def test_the_hash_is_stable_across_releases() -> None:
    # Hard-coded: a release that changed it would make every stored version look new.
    assert hash_spec(parse_stored_spec(WHOLE), 1) == "c56a75d5ba0e8b32d042bb2ad1155c78f5ba45f30e4c03b8702afa63e1553cfc"
    settings = {"expires_days": 30, "on_expiry": "keep"}
    with_guarantee = parse_spec({"threshold": 0.8, "guarantee": settings, "costs": {"error": 5}})
    assert hash_spec(with_guarantee, 1) == "99c9b597f4b0f73a56c2cc3f194a767731fbc50060fed50f4640fd5d533073f1"


def test_a_version_stored_before_guarantees_keeps_its_thresholds_when_one_ends() -> None:
    assert parse_stored_spec({"threshold": 0.8}).guarantee.on_expiry == "keep"
    assert parse_stored_spec(dump_spec(parse_spec({}))).guarantee.on_expiry == "all_to_people"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"threshold": 0.8}, {"threshold": 0.8}),
        ({"threshold": 0.8}, {"threshold": 0.81}),
        ({"threshold": 0.8}, {"threshold": None}),
        ({"threshold": 0.8}, {"threshold": 0.8, "thresholds": {"refund": 0.9}}),
        ({"threshold": 0.8, "audit": {"rate": 0.1}}, {"threshold": 0.8, "audit": {"rate": 0.2}}),
        ({"threshold": 0.8}, {"threshold": 0.8, "audit": {"rate": 0.0, "mode": "hold"}}),
        ({"threshold": 0.8, "audit": {"per_day": 5}}, {"threshold": 0.8, "audit": {"per_day": 6}}),
        ({"threshold": 0.8, "on_deadline": "accept"}, {"threshold": 0.8}),
        ({"threshold": 0.8}, {"threshold": 0.8, "reviews": 2}),
        ({"threshold": 0.8}, {"threshold": 0.8, "model_versions": ["1"]}),
        ({"threshold": 0.8, "model_versions": ["1", "2"]}, {"threshold": 0.8, "model_versions": ["2"]}),
    ],
)
def test_one_person_may_make_changes_that_only_tighten(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert only_tightens(parse_spec(old), parse_spec(new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"threshold": 0.8}, {"threshold": 0.79}),
        ({"threshold": None}, {"threshold": 1}),
        ({"threshold": 0.8}, {"threshold": 0.9, "thresholds": {"refund": 0.7}}),
        ({"threshold": 0.8, "thresholds": {"refund": 0.9}}, {"threshold": 0.8}),
        # In a set of labels, each threshold is one more condition, however low.
        ({"threshold": 0.9, "thresholds": {"refund": 0.8}}, {"threshold": 0.9}),
        # Removing the class threshold exposes the segment's lower one.
        (
            {"threshold": 0.9, "thresholds": {"a": 0.9}, "segments": [{"when": {"x": "y"}, "threshold": 0.1}]},
            {"threshold": 0.9, "segments": [{"when": {"x": "y"}, "threshold": 0.1}]},
        ),
        ({"threshold": 0.8}, {"threshold": 0.8, "segments": [{"when": {"x": "y"}, "threshold": 0.9}]}),
        ({"threshold": 0.8, "audit": {"rate": 0.2}}, {"threshold": 0.8, "audit": {"rate": 0.1}}),
        ({"threshold": 0.8, "audit": {"rate": 0.2}}, {"threshold": 0.8, "audit": {"per_day": 1000}}),
        ({"threshold": 0.8, "audit": {"mode": "hold"}}, {"threshold": 0.8, "audit": {"mode": "after"}}),
        ({"threshold": 0.8}, {"threshold": 0.8, "on_deadline": "reject"}),
        ({"threshold": 0.8, "reviews": 2}, {"threshold": 0.8}),
        ({"threshold": 0.8, "model_versions": ["1"]}, {"threshold": 0.8}),
        ({"threshold": 0.8, "model_versions": ["1"]}, {"threshold": 0.8, "model_versions": ["1", "2"]}),
        ({"threshold": 0.8}, {"threshold": 0.9, "costs": {"error": 2}}),
        ({"threshold": 0.8}, {"threshold": 0.9, "undo_seconds": 1}),
        ({"threshold": 0.8}, {"threshold": 0.9, "rules": [{"name": "x", "when": {"value": {"gte": 1}}}]}),
        ({"threshold": 0.8}, {"threshold": 0.9, "deadline_hours": 1}),
        ({"threshold": 0.8}, {"threshold": 0.9, "on_overload": "hold"}),
    ],
)
def test_every_other_change_takes_two_people(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert not only_tightens(parse_spec(old), parse_spec(new))


@given(
    old=routing_strategies.generate_policies(),
    change=routing_strategies.generate_policies(),
    field=st.sampled_from(PolicySpec.__struct_encode_fields__),
    batch=routing_strategies.generate_outputs(),
)
def test_a_single_tightening_change_automates_no_more_outputs(
    old: PolicySpec, change: PolicySpec, field: str, batch: routing_strategies.OutputBatch
) -> None:
    new = parse_spec({**dump_spec(old), field: dump_spec(change)[field]})
    if not only_tightens(old, new):
        return
    before = decide.decide_routes(old, batch.outputs, u=batch.u, p=old.audit.rate or 0.0)
    after = decide.decide_routes(new, batch.outputs, u=batch.u, p=new.audit.rate or 0.0)
    assert not np.any(after.released & ~before.released)
    assert not np.any(after.eligible & ~before.eligible)
    assert not np.any(before.review & ~after.review)


@given(
    old=routing_strategies.generate_policies(),
    new=routing_strategies.generate_policies(),
    batch=routing_strategies.generate_outputs(),
)
def test_several_tightening_changes_automate_no_more_outputs(
    old: PolicySpec, new: PolicySpec, batch: routing_strategies.OutputBatch
) -> None:
    # The parts that must be equal are made equal, so that the others are tested.
    equal = {
        name: dump_spec(old)[name]
        for name in PolicySpec.__struct_encode_fields__
        if name not in routing_strategies.MOVABLE_FIELDS
    }
    new = parse_spec({**dump_spec(new), **equal})
    if not only_tightens(old, new):
        return
    before = decide.decide_routes(old, batch.outputs, u=batch.u, p=old.audit.rate or 0.0)
    after = decide.decide_routes(new, batch.outputs, u=batch.u, p=new.audit.rate or 0.0)
    assert not np.any(after.released & ~before.released)


def test_an_error_costs_the_matrix_entry_or_the_default() -> None:
    costs = parse_spec(WHOLE).costs
    assert costs.error_cost("billing", "refund") == 12
    assert costs.error_cost("refund", "billing") == 5
    assert costs.error_cost("refund", "refund") == 0
    assert costs.error_cost("", "") == 5  # structured answers that differ
    assert costs.expected_error_cost("billing") == pytest.approx((12 + 5) / 2)
    assert parse_spec({"costs": {"error": 0}}).costs.expected_error_cost("billing") > 0


def test_the_value_of_an_output_adds_to_its_cost_by_the_factor() -> None:
    assert parse_spec({"costs": {"value_factor": 0.1}}).costs.value_cost(1_000) == pytest.approx(100)
    assert parse_spec({}).costs.value_cost(1_000) == 0


def test_a_new_value_factor_changes_the_hash_and_takes_two_people() -> None:
    before, after = parse_spec({}), parse_spec({"costs": {"value_factor": 0.1}})
    assert hash_spec(before, 1) != hash_spec(after, 1)
    assert not only_tightens(before, after)
    assert not only_tightens(after, before)
    assert parse_spec(dump_spec(after)) == after


def test_different_guarantee_settings_change_the_hash() -> None:
    changed = parse_spec({"guarantee": {"expires_days": 30}})
    assert hash_spec(changed, 1) != hash_spec(parse_spec({}), 1)


def test_the_guarantee_may_be_given_under_its_former_name_only_alone() -> None:
    settings = {"expires_days": 30, "on_expiry": "check_more"}
    assert parse_spec({"promise": settings}) == parse_spec({"guarantee": settings})
    assert dump_spec(parse_spec({"guarantee": settings}))["promise"]["expires_days"] == 30
    with pytest.raises(Invalid, match="former name") as refused:
        versions.validate_spec({"promise": settings, "guarantee": settings})
    assert refused.value.errors[0]["pointer"] == "/promise"
    with pytest.raises(Invalid) as refused:
        versions.validate_spec({"guarantee": {"expires_days": 0}})
    assert refused.value.errors[0]["pointer"] == "/guarantee/expires_days"


def test_reviewing_or_holding_everything_is_always_stricter() -> None:
    old = parse_spec({"threshold": 0.9, "segments": [{"when": {"a": "b"}, "threshold": 0.5}], "audit": {"per_day": 20}})
    nothing_through = parse_spec({"audit": {"per_day": 20}})
    everything_held = parse_spec(dump_spec(old) | {"audit": {"rate": 1.0, "mode": "hold"}})
    assert only_tightens(old, nothing_through)
    assert only_tightens(old, everything_held)
    assert not only_tightens(nothing_through, old)
    assert not only_tightens(everything_held, old)


def test_deciding_by_field_is_never_a_tightening_of_deciding_as_a_whole() -> None:
    whole, by_field = parse_spec({"threshold": 0.9}), parse_spec({"threshold": 0.9, "thresholds": {"/total": 1}})
    assert not only_tightens(whole, by_field)
    assert not only_tightens(by_field, whole)
    assert only_tightens(by_field, parse_spec({"threshold": 0.9, "thresholds": {"/total": 1, "/paid": 0.95}}))
    assert not only_tightens(by_field, parse_spec({"threshold": 0.9, "thresholds": {"/total": 1, "/paid": 0.8}}))
