"""What errors in single labels and fields cost: in the report, and in what a changed policy would have done."""

from __future__ import annotations

import random
from typing import Any

import pytest

from escalation import statistics
from escalation.models import Route, Stream
from escalation.policies import versions
from escalation.policies.spec import Costs, PolicySpec, dump_spec, hash_spec, parse_spec
from escalation.reports.costs import PolicyCosts
from escalation.simulation import policy_effect
from reviewqueue.models import User
from reviewqueue.queue.claim import claim_next
from reviewqueue.verdicts import submit
from tests.escalation.reports.test_stream_report import build
from tests.helpers import traffic

LABELS = ["urgent", "billing", "spam", "praise"]
COSTS: dict[str, Any] = {
    "currency": "EUR", "review": 0.5, "error": 7.0, "missed": 5.0,
    "by_label": {"urgent": {"missed": 50.0, "invented": 2.0}, "spam": {"invented": 0.0}},
}  # fmt: skip
# As written above: spam is missed at the default of all labels, and others are invented at the cost of an error.
MISSED = {"urgent": 50.0, "billing": 5.0, "spam": 5.0, "praise": 5.0}
INVENTED = {"urgent": 2.0, "billing": 7.0, "spam": 0.0, "praise": 7.0}
type Sets = dict[str, tuple[set[str], set[str]]]


def draw_sets(seed: int, count: int) -> Sets:
    """Random predicted and right labels by output."""
    draws = random.Random(seed)

    def draw() -> set[str]:
        return {label for label in LABELS if draws.random() < 0.4}

    return {f"mail-{index}": (draw(), draw()) for index in range(count)}


def _price(predicted: set[str], right: set[str]) -> float:
    return sum(MISSED[one] for one in right - predicted) + sum(INVENTED[one] for one in predicted - right)


def apply_label_stream(**policy: Any) -> Stream:
    return traffic.apply_stream(
        answers=LABELS, multiple=True, error_unit="label", costs=COSTS, policy={"threshold": 0.8, **policy}
    )


def post_sets(stream: Stream, sets: Sets, rob: User) -> None:
    """Post them, every third below the threshold, and let people say what is right."""
    for place, (name, (predicted, _)) in enumerate(sets.items()):
        confidence = 0.4 if place % 3 == 0 else 0.9
        traffic.post_and_route(stream, name, prediction=sorted(predicted), confidence=confidence)
    traffic.judge_all(rob, lambda name: sorted(sets[name][1]), now=traffic.shift_noon(minutes=1))


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize(("mode", "share", "seed"), [("hold", 0.5, 1), ("after", 0.25, 2)])
def test_each_missed_and_invented_label_costs_its_own(rob: User, mode: str, share: float, seed: int) -> None:
    stream, sets = apply_label_stream(audit={"rate": share, "mode": mode}), draw_sets(seed, 45)
    post_sets(stream, sets, rob)
    caught = undetected = 0.0
    for route in Route.objects.select_related("output"):
        cost = _price(*sets[route.output.external_id])
        if not route.released:
            caught += cost
        if route.audit:
            undetected += cost * (1 / share - (mode == "hold"))
    found = build(stream)
    assert caught
    assert undetected
    assert found.costs.caught_errors == pytest.approx(caught)
    assert found.costs.undetected_errors is not None
    assert found.costs.undetected_errors.value == pytest.approx(undetected)
    assert sum(day.costs.caught_errors for day in found.days) == pytest.approx(caught)


@pytest.mark.usefixtures("queue")
def test_the_editor_prices_the_same_errors(rob: User) -> None:
    stream, sets = apply_label_stream(audit={"rate": 1.0}), draw_sets(3, 12)
    post_sets(stream, sets, rob)
    spec = versions.find_active_policy(stream).spec  # type: ignore[union-attr]
    effect = policy_effect.compare_policies(stream, spec, spec, now=traffic.shift_noon(minutes=5))
    sure = [_price(*one) for place, one in enumerate(sets.values()) if place % 3]
    assert effect.after.error_cost == pytest.approx(sum(sure) * 30)


@pytest.mark.usefixtures("queue")
def test_an_error_in_a_rejected_set_costs_what_an_error_costs(rob: User) -> None:
    stream = apply_label_stream()
    traffic.post_and_route(stream, "odd", prediction=["urgent", "billing"], confidence=0.1)
    claim = claim_next(user=rob, slug="intents", now=traffic.NOON)
    assert claim is not None
    submit.submit_verdict(claim_id=claim.id, user=rob, kind="none", now=traffic.NOON)
    traffic.settle_all(now=traffic.NOON)
    assert build(stream).costs.caught_errors == 7.0


@pytest.mark.usefixtures("queue")
def test_each_wrong_field_costs_its_own(rob: User) -> None:
    schema = {"type": "object", "properties": {"total": {"type": "number"}, "name": {"type": "string"}}}
    costs = {"currency": "EUR", "review": 0.5, "error": 3.0, "by_field": {"/total": 40.0}}
    stream = traffic.apply_stream(answers=None, schema=schema, policy={"threshold": 0.8}, costs=costs)
    for name in ("total", "name", "both", "right"):
        traffic.post_and_route(stream, name, prediction={"total": 1, "name": "A"}, confidence=0.5)
    wrong: dict[str, dict[str, Any]] = {
        "total": {"total": 2},
        "name": {"name": "B"},
        "both": {"total": 2, "name": "B"},
        "right": {},
    }
    traffic.judge_all(rob, lambda name: {"total": 1, "name": "A", **wrong[name]}, now=traffic.shift_noon(minutes=1))
    assert build(stream).costs.caught_errors == 40 + 3 + 43


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize(("mode", "share"), [("after", 0.5), ("hold", 0.25)])
def test_audits_of_fields_estimate_what_their_undetected_errors_cost(rob: User, mode: str, share: float) -> None:
    schema = {"type": "object", "properties": {"total": {"type": "number"}, "name": {"type": "string"}}}
    costs = {"currency": "EUR", "review": 0.5, "error": 3.0, "by_field": {"/total": 40.0}, "value_factor": 0.5}
    policy = {"threshold": 0.8, "thresholds": {"/total": 0.9}, "audit": {"rate": share, "mode": mode}}
    stream = traffic.apply_stream(answers=None, schema=schema, policy=policy, costs=costs)
    right = {"total": 1, "name": "A"}
    caught = undetected = found_cost = 0.0
    stood = audits = wrong = 0
    draws = random.Random(4)
    truth: dict[str, dict[str, Any]] = {}
    answers: dict[str, dict[str, Any]] = {}
    for place in range(40):
        name, scores = f"doc-{place}", {"total": 0.95 if place % 4 else 0.5, "name": 0.9}
        truth[name] = {"total": draws.choice([1, 2]), "name": draws.choice(["A", "B"])}
        traffic.post_and_route(stream, name, prediction=right, confidence=0.95, scores=scores, value=2)
    # Reviewers are asked for some fields only, and change no others.
    for route in Route.objects.select_related("output"):
        reviewed = {field[1:] for part in ("asked", "audited") for field in (route.parts or {})[part]}
        true = truth[route.output.external_id]
        answers[route.output.external_id] = {**right, **{name: true[name] for name in reviewed}}
    traffic.judge_all(rob, lambda name: answers[name], now=traffic.shift_noon(minutes=1))
    prices = {"/total": 40.0, "/name": 3.0}
    for route in Route.objects.select_related("output"):
        said, parts = truth[route.output.external_id], route.parts or {}
        errors = {field for field in prices if said[field[1:]] != right[field[1:]]}
        reviewed, drawn = {*parts["asked"], *parts["audited"]}, {*parts["audited"]} - {*parts["asked"]}
        if not route.released:
            caught += sum(prices[field] for field in errors & reviewed) + bool(errors & reviewed)
        undetected += sum((prices[field] + 1) * (1 / share - (not route.released)) for field in errors & drawn)
        stood += len(prices.keys() - {*parts["asked"]} if route.released else prices.keys() - reviewed)
        audits, wrong = audits + len(drawn), wrong + len(errors & drawn)
        found_cost += sum(prices[field] + 1 for field in errors & drawn)
    found = build(stream).costs
    assert found.caught_errors == pytest.approx(caught)
    assert found.undetected_errors is not None
    assert found.undetected_errors.value == pytest.approx(undetected)
    assert found.undetected_errors.audits == audits
    low, _ = statistics.compute_clopper_pearson(wrong, audits, 0.05)
    assert found.undetected_errors.low == pytest.approx(low * stood * found_cost / wrong)


def test_without_parts_a_wrong_output_costs_one_error() -> None:
    price = PolicyCosts(Costs(error=3.0, by_field={"/total": 40.0}), 1)
    assert price.price_error(predicted="", true="") == 3.0
    sets = PolicyCosts(Costs(error=3.0, missed=9.0), 1, by_label=True)
    assert sets.price_error(predicted="", true="", wrong_parts=["a", "b"], invented=["b"]) == 9.0 + 3.0
    whole = PolicyCosts(Costs(error=3.0), 1)
    assert whole.price_error(predicted="", true="", wrong_parts=["a", "b"], invented=["b"]) == 3.0


def test_costs_of_parts_change_the_hash_and_their_absence_does_not() -> None:
    plain = parse_spec({"costs": {"error": 5}})
    stored = dump_spec(plain)
    for name in ("missed", "invented", "by_label", "by_field"):
        del stored["costs"][name]
    assert hash_spec(parse_spec(stored), 1) == hash_spec(plain, 1)
    others: list[dict[str, Any]] = [
        {"missed": 0},
        {"invented": 5},
        {"by_label": {"a": {"missed": 1}}},
        {"by_field": {"/a": 1}},
    ]
    hashes = {hash_spec(parse_spec({"costs": {"error": 5, **one}}), 1) for one in [{}, *others]}
    assert len(hashes) == 5
    assert PolicySpec().costs.typical_cost == 1.0
    assert parse_spec({"costs": COSTS}).costs.typical_cost == pytest.approx((5 + 50 + 2 + 0) / 4)
