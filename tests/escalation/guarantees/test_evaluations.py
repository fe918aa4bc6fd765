"""Evaluations: their results, refusals without using labels, and the delta that each one uses."""

from __future__ import annotations

import math
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest

from escalation.guarantees import evaluations, group_results, lines, preparation, thresholds
from escalation.models import Evaluation, EvidenceLine, Outcome, Output, Route, Stream, output_id
from escalation.policies import versions
from tests.helpers import evidence, measured_recall, races, stream_history, traffic
from tests.helpers.traffic import NOON

LATER = NOON + timedelta(days=11)
POLICY: dict[str, Any] = {"threshold": 0.9, "audit": {"rate": 0.5, "mode": "after"}}


@pytest.fixture
def stream(queue: object) -> Stream:
    return traffic.apply_stream(policy=POLICY)


def honest(count: int, seed: int = 1) -> tuple[list[float], list[bool]]:
    """Calibrated confidences, most of them high."""
    rng = np.random.default_rng(seed)
    scores = 1 - rng.random(count) ** 3
    return scores.tolist(), (rng.random(count) > scores).tolist()


def _target(stream: Stream, max_error: float = 0.05, **options: Any) -> None:
    options = {"declared_audits": 450} | options
    measured_recall.set_error_target(stream=stream, max_error=max_error, actor="user:mara", now=NOON, **options)


def test_a_certified_threshold_has_the_counts_of_its_audits(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(4000))
    _target(stream)
    (found,) = group_results.parse_group_results(evaluations.run_evaluation(stream, by="user:mara", now=LATER))
    assert found.threshold in thresholds.THRESHOLDS
    drawn = Route.objects.filter(u__lt=0.5).select_related("output__outcome").order_by("output_id")
    counted = list(drawn[:450] if found.way == "declared" else drawn)
    above = [route for route in counted if (route.output.confidence or 0.0) >= (found.threshold or 0.0)]
    assert (found.accepted, found.wrong) == (len(above), sum(route.output.outcome.wrong is True for route in above))
    everything = Output.objects.count()
    automated = Output.objects.filter(confidence__gte=found.threshold).count()
    assert found.coverage == pytest.approx(automated / everything)


def test_changing_the_threshold_does_not_change_the_sample(stream: Stream) -> None:
    scores, wrong = honest(2000)
    stream_history.write_history(stream, scores, wrong)
    _target(stream)
    before = preparation.prepare_evaluation(stream, now=LATER).sample
    spec = versions.validate_spec({**POLICY, "undo_seconds": 0, "threshold": 0.99})
    versions.activate_version(
        policy=versions.save_version(stream=stream, spec=spec, actor="user:mara"),
        by="user:mara",
        approved_by="user:max",
        now=NOON,
    )
    after = preparation.prepare_evaluation(stream, now=LATER).sample
    assert after.counts.labels_hash == before.counts.labels_hash


@pytest.mark.parametrize(
    ("outputs", "blind", "reason"), [(0, True, "no_traffic"), (40, True, "too_few"), (600, False, "unresolved")]
)
def test_a_hopeless_evaluation_is_refused_without_using_labels(
    stream: Stream, outputs: int, blind: bool, reason: str
) -> None:
    _target(stream)
    stream_history.write_history(stream, [0.95] * outputs, [False] * outputs, blind=blind)
    with pytest.raises(preparation.EvaluationRefused) as refused:
        evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    assert refused.value.reason == reason
    assert not Evaluation.objects.exists()


def test_an_evaluation_needs_an_error_target(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(1500))
    with pytest.raises(preparation.EvaluationRefused) as refused:
        evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    assert refused.value.reason == "no_target"


def test_a_stream_without_audits_is_refused(queue: object) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.9, "audit": {"rate": 0.0}})
    stream_history.write_history(stream, [0.95] * 600, [False] * 600)
    _target(stream)
    with pytest.raises(preparation.EvaluationRefused) as refused:
        preparation.prepare_evaluation(stream, now=LATER)
    assert refused.value.reason == "no_audit"


def test_too_few_audits_says_how_many_more_and_how_long(stream: Stream) -> None:
    stream_history.write_history(stream, [0.95] * 100, [False] * 100)
    _target(stream)
    with pytest.raises(preparation.EvaluationRefused) as refused:
        preparation.prepare_evaluation(stream, now=LATER)
    params = refused.value.params
    assert params["have"] + params["more"] == params["least"]
    # As many audits a day as in the eleven days since the first output.
    assert params["days"] == math.ceil(params["more"] * 11 / params["have"])


@pytest.mark.parametrize(("errors", "is_found"), [(0, True), (1, False)])
def test_the_requested_audits_suffice_only_without_errors(queue: object, errors: int, is_found: bool) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.9, "audit": {"rate": 1.0, "mode": "after"}})
    _target(stream)
    stream_history.write_history(stream, [0.95] * 50, [False] * 50, span=timedelta(days=5))
    with pytest.raises(preparation.EvaluationRefused) as refused:
        preparation.prepare_evaluation(stream, now=LATER)
    more = refused.value.params["more"]
    wrong = [index < errors for index in range(more)]
    stream_history.write_history(
        stream, [0.95] * more, wrong, since=NOON + timedelta(days=6), span=timedelta(days=4), prefix="more"
    )
    (group,) = group_results.parse_group_results(evaluations.run_evaluation(stream, by="user:mara", now=LATER))
    assert (group.threshold is not None) == is_found


def test_too_many_errors_count_as_an_evaluation(stream: Stream) -> None:
    rng = np.random.default_rng(2)
    stream_history.write_history(stream, rng.uniform(0.5, 1, 1500).tolist(), (rng.random(1500) < 0.2).tolist())
    _target(stream, 0.02)
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    assert made.refusal == "too_many_errors"
    assert group_results.parse_group_results(made)[0].threshold is None
    assert set(made.params) == {"more", "days", "answered"}


def test_evaluations_of_a_line_share_its_delta_and_lines_share_that_of_the_target(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(1500))
    _target(stream)
    made = [evaluations.run_evaluation(stream, by="user:mara", now=LATER) for _ in range(3)]
    measured_recall.set_error_target(stream=stream, max_error=0.04, actor="user:mara", now=LATER)
    stream_history.write_history(stream, *honest(1500, seed=2), since=LATER, prefix="later")
    made.append(evaluations.run_evaluation(stream, by="user:mara", now=LATER + timedelta(days=11)))
    assert [one.number for one in made] == [1, 2, 3, 4]
    assert [one.spent for one in made] == pytest.approx([0.04, 0.04, 0.04, 0.01 * 6 / math.pi**2])
    # Audits of before the target was changed are no evidence for it.
    assert output_id.time_of_id(made[-1].first_id) >= LATER
    everything = [lines.share_of_delta(position, lines.FIRST_SHARE) for position in range(20_000)]
    assert 0.9999 < sum(everything) < 1


def test_another_model_version_is_a_population_of_its_own(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(1500))
    _target(stream)
    evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    stream_history.write_history(stream, *honest(1500, seed=2), since=LATER, prefix="new", model_version="2")
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER + timedelta(days=11))
    assert (made.number, made.model_version) == (1, "2")
    assert made.first_id > Output.objects.filter(model_version="1").latest("id").pk


def test_the_window_ends_with_the_first_pending_audit_as_an_error(stream: Stream) -> None:
    scores, wrong = honest(2000)
    stream_history.write_history(stream, scores, wrong, answered=[index < 1500 for index in range(2000)])
    _target(stream)
    drawn = preparation.prepare_evaluation(stream, now=LATER).sample
    waiting = Route.objects.filter(u__lt=0.5, output__outcome=None).order_by("output_id").first()
    assert waiting
    assert drawn.window.last == waiting.output_id + 1
    assert drawn.unresolved == 1


def test_an_output_withdrawn_after_review_stays_in_the_sample(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(2000))
    _target(stream)
    before = preparation.prepare_evaluation(stream, now=LATER).sample
    Output.objects.filter(outcome__wrong=True).update(state=Output.State.WITHDRAWN)
    assert preparation.prepare_evaluation(stream, now=LATER).sample.counts.labels_hash == before.counts.labels_hash


def test_outputs_without_the_segment_key_belong_to_no_group(stream: Stream) -> None:
    segments = [{"language": "de"} if index % 2 else {} for index in range(3000)]
    stream_history.write_history(stream, *honest(3000), segments=segments)
    _target(stream, groups="segments", segment_key="language")
    (group,) = group_results.parse_group_results(evaluations.run_evaluation(stream, by="user:mara", now=LATER))
    assert group.group == "de"


def test_a_group_with_too_few_audits_says_what_it_takes(stream: Stream) -> None:
    labels = ["refund" if index % 50 else "billing" for index in range(4000)]
    stream_history.write_history(stream, *honest(4000), predicted=labels)
    _target(stream, groups="classes")
    billing, refund = group_results.parse_group_results(evaluations.run_evaluation(stream, by="user:mara", now=LATER))
    assert (billing.refusal, refund.refusal) == ("too_few", "")
    assert billing.params
    assert billing.params["have"] + billing.params["more"] == billing.params["least"]


def test_other_rules_begin_another_line_and_going_back_does_too(stream: Stream) -> None:
    """Nobody can choose by the labels which rules would have caught the errors."""
    stream_history.write_history(stream, *honest(1500))
    _target(stream)
    first = evaluations.run_evaluation(stream, by="user:mara", now=LATER).line
    moment, seen = LATER, [first]
    for rules in ([{"name": "large", "when": {"value": {"gt": 5}}}], []):
        spec = versions.validate_spec({**POLICY, "undo_seconds": len(seen), "rules": rules})
        versions.activate_version(
            policy=versions.save_version(stream=stream, spec=spec, actor="user:mara"),
            by="user:mara", approved_by="user:max", now=moment,
        )  # fmt: skip
        stream_history.write_history(stream, *honest(1500, 7), since=moment, prefix=f"rules {len(seen)}", value=1.0)
        seen.append(evaluations.run_evaluation(stream, by="user:mara", now=moment + timedelta(days=11)).line)
        moment += timedelta(days=12)
    assert [line and line.number for line in seen] == [1, 2, 3]
    assert len({line and line.first_id for line in seen}) == 3


def test_the_starts_of_a_line_are_fixed_once_and_by_outputs_without_audits(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(1500))
    _target(stream)
    evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    line = EvidenceLine.objects.get()
    drawn = Outcome.objects.filter(output__route__u__lt=0.5)
    drawn.update(wrong=True)
    again = evaluations.run_evaluation(stream, by="user:mara", now=LATER).line
    stream_history.write_history(stream, [0.3] * 1500, [True] * 1500, since=LATER, prefix="more")
    later = evaluations.run_evaluation(stream, by="user:mara", now=LATER + timedelta(days=11)).line
    assert again
    assert later
    assert line.plan == again.plan == later.plan == EvidenceLine.objects.get().plan


def test_progress_is_recorded_only_when_more_is_certified(stream: Stream) -> None:
    _target(stream, declared_audits=None)
    stream_history.write_history(stream, [0.99, 0.7] * 500, [False] * 1000)
    first = evaluations.record_progress(stream, now=LATER)
    assert first
    assert first.asked_by == "system:guarantees"
    assert evaluations.record_progress(stream, now=LATER) is None
    # What has been certified stays so, whatever comes later: the alarm watches over that.
    stream_history.write_history(stream, [0.99, 0.7] * 300, [True] * 600, since=LATER, prefix="worse")
    assert evaluations.record_progress(stream, now=LATER + timedelta(days=11)) is None
    (kept,) = group_results.parse_group_results(
        evaluations.run_evaluation(stream, by="user:mara", now=LATER + timedelta(days=11))
    )
    assert kept.threshold == group_results.parse_group_results(first)[0].threshold


def test_an_overdue_audit_counts_as_wrong(stream: Stream) -> None:
    scores, wrong = honest(2000)
    stream_history.write_history(
        stream, scores, wrong, answered=[index != 700 and index != 701 for index in range(2000)]
    )
    _target(stream)
    open_ones = Route.objects.filter(u__lt=0.5, output__outcome=None).count()
    drawn = preparation.prepare_evaluation(stream, now=LATER + timedelta(days=20)).sample
    assert drawn.unresolved == open_ones
    assert (
        evidence.count_errors(drawn) == open_ones + Route.objects.filter(u__lt=0.5, output__outcome__wrong=True).count()
    )


def test_the_window_begins_after_the_last_output_without_audits(queue: object) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.9, "audit": {"rate": 0.0}})
    stream_history.write_history(stream, *honest(300), prefix="before")
    spec = versions.validate_spec({**POLICY, "undo_seconds": 0})
    version = versions.save_version(stream=stream, spec=spec, actor="user:mara")
    versions.activate_version(policy=version, by="user:mara", approved_by="user:max", now=NOON)
    first = stream_history.write_history(stream, *honest(1500, seed=3), since=LATER)[0].output.id
    _target(stream)
    ready = preparation.prepare_evaluation(stream, now=LATER + timedelta(days=11))
    assert ready.sample.window.first == first
    assert ready.sample.window.rate == 0.5


def test_guarantees_per_class_share_delta(stream: Stream) -> None:
    scores, wrong = honest(6000)
    rng = np.random.default_rng(4)
    labels = rng.choice(["refund", "billing"], 6000).tolist()
    wrong = [
        flag or (label == "billing" and bool(rng.random() < 0.4)) for flag, label in zip(wrong, labels, strict=True)
    ]
    stream_history.write_history(stream, scores, wrong, predicted=labels)
    _target(stream, groups="classes")
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    billing, refund = group_results.parse_group_results(made)
    assert (billing.group, refund.group) == ("billing", "refund")
    assert made.line
    shares = {name: plan["share"] for name, plan in made.line.plan.items()}
    assert shares == {"billing": 0.4, "refund": 0.4}
    assert refund.delta < made.spent * 0.4
    assert billing.threshold is None
    assert refund.threshold is not None
    changed = evaluations.build_spec_changes(made)
    assert changed == {"threshold": None, "thresholds": {"refund": refund.threshold}, "segments": []}


def test_guarantees_per_segment_use_the_segment_key(stream: Stream) -> None:
    scores, wrong = honest(6000)
    segments = [{"language": "de" if index % 2 else "en"} for index in range(6000)]
    stream_history.write_history(stream, scores, wrong, segments=segments)
    _target(stream, groups="segments", segment_key="language")
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    assert [group.group for group in group_results.parse_group_results(made)] == ["de", "en"]
    assert [part["when"] for part in evaluations.build_spec_changes(made)["segments"]] == [
        {"language": "de"},
        {"language": "en"},
    ]


def test_outputs_matched_by_a_rule_are_not_in_the_sample(queue: object) -> None:
    rule = {"name": "large", "when": {"prediction": {"eq": "billing"}}}
    stream = traffic.apply_stream(policy={**POLICY, "rules": [rule]})
    labels = ["billing" if index % 4 == 0 else "refund" for index in range(4000)]
    stream_history.write_history(stream, *honest(4000), predicted=labels)
    _target(stream)
    (found,) = group_results.parse_group_results(evaluations.run_evaluation(stream, by="user:mara", now=LATER))
    above = Output.objects.filter(confidence__gte=found.threshold, predicted="refund").count()
    assert found.coverage == pytest.approx(above / 4000)
    assert (
        preparation.prepare_evaluation(stream, now=LATER).sample.sampled
        == Route.objects.filter(u__lt=0.5, output__predicted="refund").count()
    )


@pytest.mark.django_db(transaction=True)
def test_concurrent_evaluations_count_as_two(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(1500))
    _target(stream)
    evaluate = partial(evaluations.run_evaluation, stream, by="user:mara", now=LATER)
    races.race(evaluate, evaluate)
    assert sorted(Evaluation.objects.values_list("number", flat=True)) == [1, 2]


def test_no_guarantee_if_deadlines_accept_outputs(queue: object) -> None:
    stream = traffic.apply_stream(policy=POLICY)
    spec = versions.validate_spec({**POLICY, "undo_seconds": 0, "on_deadline": "accept", "deadline_hours": 1})
    version = versions.save_version(stream=stream, spec=spec, actor="user:mara")
    versions.activate_version(policy=version, by="user:mara", approved_by="user:max", now=NOON)
    stream_history.write_history(stream, *honest(1000))
    _target(stream)
    with pytest.raises(preparation.EvaluationRefused, match="deadline_accepts"):
        preparation.prepare_evaluation(stream, now=LATER)


def test_an_automated_output_withdrawn_unreviewed_counts_as_wrong(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(2000))
    _target(stream)
    before = preparation.prepare_evaluation(stream, now=LATER).sample
    gone = Output.objects.filter(route__u__lt=0.5, route__eligible=True, outcome__wrong=False)[:20]
    taken_back = list(gone.values_list("pk", flat=True))
    Outcome.objects.filter(output__in=taken_back).delete()
    Output.objects.filter(pk__in=taken_back).update(state=Output.State.WITHDRAWN)
    after = preparation.prepare_evaluation(stream, now=LATER).sample
    assert after.window == before.window
    assert evidence.count_errors(after) == evidence.count_errors(before) + 20


def test_audits_that_could_not_be_judged_count_as_errors(stream: Stream) -> None:
    """In a group, too: few within the whole stream, but many within the group."""
    count = 8000
    labels = ["billing" if index % 10 == 0 else "refund" for index in range(count)]
    scores, wrong = honest(count)
    wrong = [was_wrong and label == "refund" for was_wrong, label in zip(wrong, labels, strict=True)]
    stream_history.write_history(stream, scores, wrong, predicted=labels)
    _target(stream, groups="classes")
    of_billing = Outcome.objects.filter(output__predicted="billing", output__route__u__lt=0.5).order_by("pk")
    unjudged = list(of_billing.values_list("pk", flat=True)[:60])
    Outcome.objects.filter(pk__in=unjudged).update(wrong=None, outcome="unjudgeable")
    billing, refund = group_results.parse_group_results(evaluations.run_evaluation(stream, by="user:mara", now=LATER))
    assert (billing.refusal, refund.refusal) == ("too_many_errors", "")


def test_of_each_group_only_the_first_audit_counts(stream: Stream) -> None:
    """A hundred copies of one input are one audit."""
    stream_history.write_history(stream, [0.95] * 1000, [False] * 1000)
    _target(stream)
    everything = preparation.prepare_evaluation(stream, now=LATER).sample.sampled
    numbers = list(Output.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, 600, 10):
        Output.objects.filter(pk__in=numbers[start : start + 10]).update(group=f"thread {start}")
    drawn = set(Route.objects.filter(u__lt=0.5).values_list("output_id", flat=True))
    grouped = sum(number in drawn for number in numbers[:600])
    groups = sum(any(number in drawn for number in numbers[start : start + 10]) for start in range(0, 600, 10))
    assert groups < grouped
    sampled = preparation.prepare_evaluation(stream, now=LATER).sample.sampled
    assert sampled == everything - grouped + groups
    # Which one counts does not depend on what comes before in another population.
    Output.objects.filter(pk__in=numbers[:300]).update(shadow=True)
    assert preparation.prepare_evaluation(stream, now=LATER).sample.sampled < sampled


def test_lowering_the_audit_rate_loses_no_audit(stream: Stream) -> None:
    stream_history.write_history(stream, *honest(2000))
    _target(stream)
    before = preparation.prepare_evaluation(stream, now=LATER).sample.sampled
    spec = versions.validate_spec({**POLICY, "audit": {"rate": 0.05, "mode": "after"}})
    versions.activate_version(
        policy=versions.save_version(stream=stream, spec=spec, actor="user:mara"),
        by="user:mara", approved_by="user:max", now=LATER,
    )  # fmt: skip
    more = stream_history.write_history(stream, *honest(1000, seed=3), since=LATER, prefix="more")
    after = preparation.prepare_evaluation(stream, now=LATER + timedelta(days=11)).sample
    assert after.sampled == before + sum(plan.u < 0.05 for plan in more)
    assert after.window.rate == 0.05


def test_no_threshold_lies_below_every_score_that_was_audited(stream: Stream) -> None:
    rng = np.random.default_rng(4)
    scores = rng.uniform(0.93, 0.99, 2000)
    stream_history.write_history(stream, scores.tolist(), [False] * 2000)
    _target(stream)
    (found,) = group_results.parse_group_results(evaluations.run_evaluation(stream, by="user:mara", now=LATER))
    lowest = min(route.output.confidence or 0.0 for route in Route.objects.filter(u__lt=0.5).select_related("output"))
    assert found.threshold == max(step for step in thresholds.THRESHOLDS if step <= lowest)
    assert found.coverage == 1.0
