"""What goes out is what the written policy lets out, for every kind of answer; and what has to stay in."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from escalation.decisions import deadlines, settle
from escalation.ingest import schema
from escalation.models import Outcome, Output, Route
from escalation.policies import applicability, versions
from escalation.policies.spec import parse_spec
from escalation.routing import decide, plan
from escalation.routing.field_routes import RouteParts
from escalation.routing.plan import ReceivedOutput
from escalation.simulation import replay
from escalation.streams import definition
from reviewqueue.answers.schema import AnswerSpec, build_answer_spec
from reviewqueue.kernel.errors import Invalid
from reviewqueue.models import ItemContent
from reviewqueue.queue.claim import claim_next
from reviewqueue.verdicts import submit
from tests.helpers import stream_setup, written_policy
from tests.helpers.route_replay import read_stored_decisions, replay_routes
from tests.helpers.stream_setup import Producer
from tests.helpers.traffic import NOON

ROOT = Path(__file__).parents[3]
KINDS = sorted(written_policy.FORMS)
_NUMBERS = itertools.count()
_SINCE, _UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _form(kind: str) -> AnswerSpec:
    fields = {"answers": None, "multiple": False, "schema": None, **written_policy.FORMS[kind]}
    return build_answer_spec(**fields)


def _decide(
    policy: dict[str, Any], form: AnswerSpec, output: dict[str, Any], *, numbers: dict[str, float] | None = None
) -> tuple[bool, RouteParts | None]:
    """Whether the product's ingest and decision automate a posted output, and its parts; what it refuses stays in.

    numbers: the permanent numbers of its fields, of which those below 0.5 are drawn; none is by default.
    """
    try:
        decoded = schema.decode_output(json.dumps(output).encode(), form=form, secret=b"secret")
    except Invalid:
        return False, None
    row = ReceivedOutput(
        id=1, stream_id=1, external_id="1", model="m", model_version=decoded.posted.model_version or "",
        predicted=decoded.predicted, confidence=decoded.confidence, value=decoded.posted.value,
        segment=decoded.segment or {}, group="", due_at=None, received_at=NOON, schema_number=1, shadow=False,
        labels=decoded.labels, invalid_prediction=decoded.invalid_prediction, fields=decoded.fields,
    )  # fmt: skip
    columns = plan.build_output_columns([row], [numbers or dict.fromkeys(decoded.fields or (), 0.9)])
    routes = decide.decide_routes(parse_spec(policy), columns, u=np.array([0.9]), p=0.5)
    return bool(routes.released[0]), routes.parts[0]


def _released(policy: dict[str, Any], form: AnswerSpec, output: dict[str, Any]) -> bool:
    return _decide(policy, form, output)[0]


@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_nothing_goes_out_but_what_the_written_policy_lets_out(data: st.DataObject, kind: str) -> None:
    policy = data.draw(written_policy.generate_policies(kind))
    form = _form(kind)
    assert applicability.find_misfits(parse_spec(policy), form) == []
    for output in data.draw(st.lists(written_policy.generate_outputs(kind), min_size=1, max_size=8)):
        posted = {"id": "1", **output}
        assert _released(policy, form, posted) == written_policy.may_be_released(policy, posted), posted


@given(data=st.data(), mode=st.sampled_from(["hold", "after"]))
def test_reviewers_are_asked_for_the_fields_that_the_written_policy_names(data: st.DataObject, mode: str) -> None:
    policy = data.draw(written_policy.generate_policies("structured").filter(lambda one: one.get("thresholds")))
    posted = {"id": "1", **data.draw(written_policy.generate_outputs("structured"))}
    numbers = {field: data.draw(st.sampled_from([0.2, 0.7])) for field in written_policy.FIELDS}
    released, parts = _decide({**policy, "audit": {"mode": mode}}, _form("structured"), posted, numbers=numbers)
    asked, drawn = written_policy.list_asked_fields(policy, posted), [one for one in numbers if numbers[one] < 0.5]
    stands = written_policy.may_be_released(policy, posted)
    assert released == (stands and not (mode == "hold" and drawn))
    if parts is not None:
        assert parts.audited == drawn
        assert parts.asked == (written_policy.FIELDS if written_policy.is_held_as_a_whole(policy, posted) else asked)


def _documented_streams() -> list[dict[str, Any]]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = [block.partition("```")[0] for page in pages for block in page.read_text().split("```yaml\n")[1:]]
    parsed = [yaml.safe_load(block) for block in blocks]
    return [one for found in parsed if isinstance(found, dict) for one in found.get("streams", []) if "policy" in one]


def test_every_documented_policy_fits_its_stream_and_means_what_it_says() -> None:
    documented = _documented_streams()
    assert {("schema" in one, one.get("multiple", False)) for one in documented} == {
        (False, False), (False, True), (True, False),
    }  # fmt: skip
    for one in documented:
        (parsed,) = definition.parse_definitions({"streams": [one]})
        policy = definition.build_policy_spec(parsed)
        assert policy is not None
        form = build_answer_spec(
            answers=parsed.answers, multiple=parsed.multiple, schema=parsed.schema, error_unit=parsed.error_unit
        )
        assert applicability.find_misfits(parse_spec(policy), form) == [], one["slug"]
        if parsed.schema is None:
            _compare_every_combination(policy, form)


def _compare_every_combination(policy: dict[str, Any], form: AnswerSpec) -> None:
    answers = list(form.answers)
    predictions: list[Any] = [*answers] if form.kind == "label" else [[], answers[:1], answers[1:], answers]
    levels = [None, 0.5, 0.79, 0.8, 0.9, 0.95, 0.99]
    segments: list[dict[str, Any]] = [{}, {"language": "DE"}, {"segment": {"language": "en", "tier": "Gold "}}]
    for prediction, sure, value, segment in itertools.product(predictions, levels, [None, 1, 5000], segments):
        scores = {} if sure is None else {"scores": dict.fromkeys(answers[:1], 1 - sure)}
        posted = {"id": "1", "model": "m", "input": "x", "prediction": prediction, "confidence": sure, "value": value}
        posted |= segment | (scores if form.kind == "labels" else {})
        assert _released(policy, form, posted) == written_policy.may_be_released(policy, posted), posted


@pytest.mark.django_db
@settings(
    max_examples=8,
    phases=[Phase.generate],  # a smaller example takes minutes to find here, and the test above finds it faster
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_the_front_door_lets_out_what_the_written_policy_lets_out(
    data: st.DataObject, holding: Callable[..., Producer]
) -> None:
    drawn = {
        kind: (
            data.draw(written_policy.generate_policies(kind)),
            data.draw(st.lists(written_policy.generate_outputs(kind), min_size=1, max_size=6)),
        )
        for kind in KINDS
    }
    for kind, (policy, outputs) in drawn.items():
        slug = f"{kind}-{next(_NUMBERS)}"
        target = stream_setup.create_stream(slug, policy=policy, **written_policy.FORMS[kind])
        for output, result in zip(outputs, _post(holding, slug, *outputs), strict=True):
            assert result["code"] in {202, 400}
            assert (result.get("route") == "auto") == written_policy.may_be_released(policy, output), (output, result)
        routes = list(Route.objects.filter(output__stream=target))
        assert replay_routes(routes) == read_stored_decisions(routes)
        replayed = replay.replay_policy(target, versions.validate_spec(policy), since=_SINCE, until=_UNTIL)
        assert (replayed.same, replayed.newly_automated, replayed.newly_reviewed) == (len(routes), 0, 0)


def _post(holding: Callable[..., Producer], slug: str, *outputs: dict[str, Any]) -> list[dict[str, Any]]:
    whole = [{"id": str(place), "model": "m", "input": {"text": "i"}, **one} for place, one in enumerate(outputs)]
    answer = holding("outputs:write").post(f"streams/{slug}/outputs", whole, headers={"Prefer": "wait=5"})
    results: list[dict[str, Any]] = json.loads(answer.content)["results"]
    return results


@pytest.mark.django_db
def test_a_prediction_that_breaks_the_schema_goes_to_a_person(holding: Callable[..., Producer]) -> None:
    target = stream_setup.create_stream("structured", schema=written_policy.SCHEMA)
    broken = [{"total": "12,50"}, {"vat": 3}, {}, {"total": -1}, {"total": 1, "vat": 3}]
    results = _post(
        holding, "structured", *({"prediction": one, "confidence": 0.95} for one in [*broken, {"total": 12.5}])
    )
    assert [(one["route"], one["reason"]) for one in results] == [
        *[("review", "invalid_prediction")] * len(broken), ("auto", "above_threshold"),
    ]  # fmt: skip
    assert results[-1]["decision"]["answer"] == {"total": 12.5}
    assert Output.objects.filter(stream=target, invalid_prediction=True).count() == len(broken)


@pytest.mark.django_db
def test_neither_a_deadline_nor_a_person_accepts_what_breaks_the_schema(holding: Callable[..., Producer]) -> None:
    policy = {"threshold": 0.8, "on_deadline": "accept"}
    stream_setup.create_stream("structured", policy=policy, schema=written_policy.SCHEMA)
    due = {"due_at": "2026-03-01T12:00:00Z"}
    _post(
        holding, "structured",
        {"prediction": {"total": "12,50"}, "confidence": 0.95, **due},
        {"prediction": {"total": 12.5}, "confidence": 0.75, **due},
    )  # fmt: skip
    assert deadlines.answer_overdue_outputs(now=datetime(2026, 3, 2, tzinfo=UTC)) == 1
    rob = stream_setup.create_person("rob", "reviewer", slug="structured")
    claim = claim_next(user=rob, slug="structured")
    assert claim
    assert claim.item.proposal == {"total": "12,50"}
    assert claim.item.why
    assert "does not match the form" in claim.item.why["message"]
    with pytest.raises(Invalid, match="cannot be accepted as it is") as refused:
        submit.submit_verdict(claim_id=claim.id, user=rob, kind="agree")
    assert refused.value.errors == [{"pointer": "/answer/total", "detail": "This must be a number."}]
    submit.submit_verdict(claim_id=claim.id, user=rob, kind="correct", answer={"total": 12.5})
    settle.settle_items()
    assert Outcome.objects.get().wrong


@pytest.mark.django_db
def test_scores_without_a_confidence_count_by_the_kind_of_answer(holding: Callable[..., Producer]) -> None:
    sure = {"threshold": 0.8}
    stream_setup.create_stream("one", policy=sure)
    stream_setup.create_stream("many", policy=sure, answers=["insult", "threat", "sexual"], multiple=True)
    stream_setup.create_stream("fields", policy=sure, schema=written_policy.SCHEMA)
    one = _post(
        holding, "one",
        {"prediction": "refund", "scores": {"refund": 0.97, "billing": 0.02, "card_arrival": 0.01}},
        {"prediction": "refund", "scores": {"refund": 0.7, "billing": 0.9}},
        {"prediction": "refund", "scores": {"billing": 0.99}},
        {"prediction": "refund", "scores": {"Refund": 0.97}},
    )  # fmt: skip
    assert [each.get("reason") for each in one] == ["above_threshold", "below_threshold", None, None]
    assert one[3]["problem"]["errors"] == [
        {
            "pointer": "/scores/Refund",
            "detail": "`scores` has an entry for `Refund`, which is not an answer of this stream; did you mean "
            "`refund`?",
        }
    ]
    assert "confidence" in one[2]["problem"]["detail"]
    many = _post(
        holding, "many",
        {"prediction": ["insult"], "scores": {"insult": 0.99, "threat": 0.001, "sexual": 0.002}},
        {"prediction": [], "scores": {"insult": 0.01, "threat": 0.001}},
        {"prediction": [], "scores": {"insult": 0.4}},
        {"prediction": ["insult", "threat"], "scores": {"insult": 0.99}},
        {"prediction": [], "confidence": 0.9},
    )  # fmt: skip
    assert [each.get("reason") for each in many] == [
        "above_threshold", "above_threshold", "below_threshold", None, "above_threshold",
    ]  # fmt: skip
    assert [many[0]["decision"]["answer"], many[1]["decision"]["answer"]] == [["insult"], []]
    fields = _post(
        holding, "fields",
        {"prediction": {"supplier": "A", "total": 3.5}, "scores": {"supplier": 0.99, "total": 0.41}},
        {"prediction": {"supplier": "A", "total": 3.5}, "scores": {"/supplier": 0.99, "/total": 0.95}},
        {"prediction": {"total": 3.5}, "scores": {"total": 0.95, "supplier": 0.1}},
        {"prediction": {"total": 3.5}, "scores": {"supplier": 0.99}},
        {"prediction": {"total": 3.5}, "scores": {"totl": 0.95}, "confidence": 0.9},
        {"prediction": {"total": 3.5}, "scores": {"total": 0.95, "/total": 0.9}},
    )  # fmt: skip
    assert [each.get("reason") for each in fields] == [
        "below_threshold", "above_threshold", "above_threshold", None, None, None,
    ]  # fmt: skip
    assert fields[4]["problem"]["errors"][0]["pointer"] == "/scores/totl"
    assert "did you mean `total`?" in fields[4]["problem"]["detail"]


@pytest.mark.django_db
def test_a_rule_or_threshold_that_lacks_a_fact_sends_to_a_person(holding: Callable[..., Producer]) -> None:
    rules = [
        {"name": "large", "when": {"value": {"gte": 1000}}},
        {"name": "children", "when": {"segment.Age": {"in": ["child"]}, "confidence": {"lt": 0.99}}},
    ]
    segments = [{"when": {"language": "de"}, "threshold": 0.95}]
    stream_setup.create_stream("careful", policy={"threshold": 0.8, "rules": rules, "segments": segments})
    known = {"prediction": "refund", "confidence": 0.9, "value": 5, "segment": {"age": "adult", "language": "en"}}
    results = _post(
        holding, "careful",
        known,
        {**known, "value": None},
        {**known, "segment": {"language": "en"}},
        {**known, "segment": {"language": "en"}, "confidence": 0.995},
        {**known, "segment": {"age": " Child", "language": "en"}},
        {**known, "segment": {"age": "adult"}},
        {**known, "segment": {"age": "adult"}, "language": "EN"},
        {**known, "segment": {"age": "adult"}, "language": "DE"},
        {**known, "segment": {"age": "adult"}, "confidence": 0.97},
    )  # fmt: skip
    assert [each["reason"] for each in results] == [
        "above_threshold",
        "rule_unevaluable:large",
        "rule_unevaluable:children",
        "above_threshold",  # the other condition is false, whatever the age
        "rule:children",
        "below_threshold",  # the language may be German
        "above_threshold",
        "below_threshold",
        "above_threshold",
    ]


@pytest.mark.django_db
def test_a_language_includes_its_regions(holding: Callable[..., Producer]) -> None:
    rules = [{"name": "french", "when": {"segment.language": {"in": ["fr", "pt-BR"]}}}]
    segments = [{"when": {"language": "de"}, "threshold": 0.95}, {"when": {"language": "en"}, "threshold": 0.5}]
    stream_setup.create_stream("tongues", policy={"threshold": 0.8, "rules": rules, "segments": segments})
    known = {"prediction": "refund", "confidence": 0.9}
    results = _post(
        holding, "tongues",
        {**known, "language": "fr-CA"},
        {**known, "segment": {"Language": "FR_ca"}},
        {**known, "language": "pt-br"},
        {**known, "language": "pt"},
        {**known, "language": "frp"},
        {**known, "language": "de-AT"},
        {**known, "segment": {"language": "de_AT"}},
        {**known, "language": "de-AT", "confidence": 0.95},
        {**known, "language": "en", "confidence": 0.6},
        {**known, "language": "en-GB", "confidence": 0.6},
    )  # fmt: skip
    assert [each["reason"] for each in results] == [
        *["rule:french"] * 3,
        *["above_threshold"] * 2,
        *["below_threshold"] * 2,
        *["above_threshold"] * 2,
        "below_threshold",  # a guarantee about `en` does not cover it
    ]


@pytest.mark.django_db
def test_a_label_below_its_own_threshold_holds_the_output(holding: Callable[..., Producer]) -> None:
    policy = {
        "threshold": 0.8,
        "thresholds": {"threat": 0.97},
        "rules": [{"name": "s", "when": {"prediction": {"eq": "sexual"}}}],
    }
    stream_setup.create_stream("many", policy=policy, answers=["insult", "threat", "sexual"], multiple=True)
    results = _post(
        holding, "many",
        {"prediction": ["insult"], "scores": {"insult": 0.9, "threat": 0.05}},
        {"prediction": ["insult"], "scores": {"insult": 0.9, "threat": 0.01}},
        {"prediction": ["threat"], "confidence": 0.9},
        {"prediction": ["insult"], "confidence": 0.9},
        {"prediction": ["insult", "sexual"], "confidence": 0.99},
    )  # fmt: skip
    assert [each["reason"] for each in results] == [
        "below_threshold:threat", "above_threshold", "below_threshold:threat", "above_threshold", "rule:s",
    ]  # fmt: skip
    content = ItemContent.objects.get(pk=Output.objects.get(external_id="0").pk)
    assert content.why["message"].startswith("Confidence that “%(label)s” does not apply")
    assert content.why["params"] == {"label": "threat", "confidence": 0.95, "threshold": 0.97}
    assert content.alternatives == [{"answer": "insult", "confidence": 0.9}, {"answer": "threat", "confidence": 0.05}]
