"""Guarantees: their evidence, when they end, and what happens then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from escalation.guarantees import evaluations, group_results, guarantees, population, preparation
from escalation.models import Activation, Stream
from escalation.policies import versions
from escalation.policies.spec import dump_spec
from escalation.streams import definition
from escalation.streams.definition import StreamDefinition
from tests.escalation.guarantees.test_evaluations import POLICY, honest
from tests.helpers import measured_recall, stream_history, traffic
from tests.helpers.traffic import NOON

LATER = NOON + timedelta(days=11)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def stream(queue: object) -> Stream:
    return _stream()


def _stream(**guarantee: Any) -> Stream:
    # A strict policy: any certified threshold below this one sends fewer outputs to review.
    return traffic.apply_stream(policy={**POLICY, "threshold": 0.9999, "guarantee": guarantee})


def _start_guarantee(stream: Stream) -> guarantees.Guarantee:
    """A guarantee in effect, requested by one manager and approved by another."""
    stream_history.write_history(stream, *honest(1000))
    measured_recall.set_error_target(stream=stream, max_error=0.05, declared_audits=450, actor="user:mara", now=NOON)
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    proposed = guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara", now=LATER)
    assert not proposed.active
    versions.activate_version(policy=proposed.policy, by="user:mara", approved_by="user:max", now=LATER)
    found = guarantees.find_latest_guarantee(stream, now=LATER)
    assert found
    return found


def test_loosening_with_evidence_takes_two_people_and_keeps_it(stream: Stream) -> None:
    found = _start_guarantee(stream)
    assert found.holds
    activation = Activation.objects.latest("pk")
    assert activation.evidence == {"attempt": found.evaluation.pk}
    assert activation.approved_by == "user:max"
    (group,) = group_results.parse_group_results(found.evaluation)
    current = versions.find_active_policy(stream)
    assert current
    assert current.spec.threshold == group.threshold


def test_certified_thresholds_leave_the_rest_of_the_policy_unchanged(stream: Stream) -> None:
    before = versions.find_active_policy(stream)
    _start_guarantee(stream)
    after = versions.find_active_policy(stream)
    assert before
    assert after
    assert (after.spec.audit, after.spec.costs, after.spec.guarantee) == (
        before.spec.audit, before.spec.costs, before.spec.guarantee
    )  # fmt: skip


def test_a_manually_written_policy_has_no_guarantee(stream: Stream) -> None:
    assert guarantees.find_latest_guarantee(stream, now=LATER) is None


def test_a_guarantee_ends_on_its_expiry_date(stream: Stream) -> None:
    found = _start_guarantee(stream)
    assert found.evaluation.expires_at == LATER + timedelta(days=90)
    again = guarantees.find_latest_guarantee(stream, now=LATER + timedelta(days=91))
    assert again
    assert again.end_reason == "expired"


def test_a_guarantee_ends_with_a_new_model_version(stream: Stream) -> None:
    _start_guarantee(stream)
    stream_history.write_history(
        stream, [0.9] * 20, [False] * 20, since=LATER, span=MINUTE, prefix="new", model_version="2"
    )
    found = guarantees.find_latest_guarantee(stream, now=LATER)
    assert found
    assert found.end_reason == "model_version"


def test_a_mistyped_model_version_does_not_end_the_guarantee(stream: Stream) -> None:
    _start_guarantee(stream)
    few = population.MIN_RELEASE_OUTPUTS - 1
    for at, name in enumerate(("model", "model_version")):
        since, typo = LATER + at * MINUTE, dict[str, Any]({name: "typo"})
        stream_history.write_history(
            stream, [0.9] * (few // 2), [False] * few, since=since, span=MINUTE, prefix=name, **typo
        )
    found = guarantees.find_latest_guarantee(stream, now=LATER)
    assert found
    assert found.holds
    assert population.current_population(stream) == population.evaluated_population(found.evaluation)
    assert preparation.prepare_evaluation(stream, now=LATER + 2 * MINUTE).population.model_version == "1"


def test_a_shadow_version_does_not_end_the_guarantee(stream: Stream) -> None:
    _start_guarantee(stream)
    stream_history.write_history(stream, [0.9], [False], since=LATER, prefix="new", model_version="2", shadow=True)
    found = guarantees.find_latest_guarantee(stream, now=LATER)
    assert found
    assert found.holds


def test_a_guarantee_ends_if_the_answers_change(stream: Stream) -> None:
    _start_guarantee(stream)
    stream.schema_number = 2
    found = guarantees.find_latest_guarantee(stream, now=LATER)
    assert found
    assert found.end_reason == "answers"


@pytest.mark.parametrize(
    ("on_expiry", "threshold", "audit"),
    [("keep", True, (0.5, "after")), ("check_more", True, (1.0, "hold")), ("all_to_people", False, (0.5, "after"))],
)
def test_the_end_of_a_guarantee_triggers_on_expiry(
    queue: object, on_expiry: str, threshold: bool, audit: tuple[float, str]
) -> None:
    stream = _stream(on_expiry=on_expiry)
    _start_guarantee(stream)
    moment = LATER + timedelta(days=91)
    for _ in range(2):  # the second sweep does nothing
        guarantees.enforce_ended_guarantees(now=moment)
    current = versions.find_active_policy(stream)
    assert current
    assert (current.spec.threshold is not None) == threshold
    assert (current.spec.audit.rate, current.spec.audit.mode) == audit
    made = Activation.objects.filter(activated_by=guarantees.SYSTEM_ACTOR)
    assert made.count() == (0 if on_expiry == "keep" else 1)


def test_another_evaluation_renews_the_guarantee_of_a_policy(stream: Stream) -> None:
    found = _start_guarantee(stream)
    moment = LATER + timedelta(days=60)
    again = evaluations.run_evaluation(stream, by="user:mara", now=moment)
    # The second evaluation has a smaller delta; its result replaces the guarantee.
    version = guarantees.propose_certified_policy(evaluation=again, actor="user:mara", now=moment).policy
    if not version.activations.exists():
        versions.activate_version(policy=version, by="user:mara", approved_by="user:max", now=moment)
    renewed = guarantees.find_latest_guarantee(stream, now=moment)
    assert renewed
    assert (renewed.evaluation.pk, renewed.holds) == (again.pk, True)
    assert renewed.evaluation.expires_at > found.evaluation.expires_at


def test_a_version_with_the_same_automation_keeps_the_guarantee(stream: Stream) -> None:
    found = _start_guarantee(stream)
    current = versions.find_active_policy(stream)
    assert current
    more_checks = {**dump_spec(current.spec), "audit": {"rate": 0.9, "mode": "after"}}
    proposed = versions.propose_version(
        stream=stream, spec=versions.validate_spec(more_checks), actor="user:mara", now=LATER
    )
    assert proposed.active
    kept = guarantees.find_latest_guarantee(stream, now=LATER)
    assert kept
    assert (kept.evaluation, kept.holds) == (found.evaluation, True)


def test_a_new_threshold_replaces_the_guarantee_and_stays(queue: object) -> None:
    stream = _stream(on_expiry="all_to_people")
    _start_guarantee(stream)
    current = versions.find_active_policy(stream)
    assert current
    by_hand = {**dump_spec(current.spec), "threshold": 0.9999}
    versions.propose_version(stream=stream, spec=versions.validate_spec(by_hand), actor="user:mara", now=LATER)
    replaced = guarantees.find_latest_guarantee(stream, now=LATER)
    assert replaced
    assert replaced.end_reason == "replaced"
    assert guarantees.enforce_ended_guarantees(now=LATER + timedelta(days=91)) == []


def test_what_follows_an_end_waits_for_a_policy_for_the_changed_answers(queue: object) -> None:
    stream = _stream(on_expiry="all_to_people")
    _start_guarantee(stream)
    changed = StreamDefinition(slug="intents", title="Support intents", answers=[*traffic.ANSWERS, "fraud"])
    applied = definition.apply_definition(changed, actor="user:mara", now=LATER)
    assert applied.proposed is not None
    assert not applied.proposed.active
    assert guarantees.enforce_ended_guarantees(now=LATER) == [], "all outputs go to review anyway"
    versions.activate_version(
        policy=applied.proposed.policy, by="user:mara", approved_by="user:max", now=LATER + MINUTE
    )
    (ended,) = guarantees.enforce_ended_guarantees(now=LATER + 2 * MINUTE)
    assert (versions.spec_of(ended).threshold, ended.schema_number) == (None, 2)


def test_an_output_of_an_untrusted_version_does_not_end_it(queue: object) -> None:
    stream = traffic.apply_stream(policy={**POLICY, "threshold": 0.9999, "model_versions": ["1"]})
    _start_guarantee(stream)
    stream_history.write_history(stream, [0.99], [False], since=LATER, prefix="stray", model_version="2")
    found = guarantees.find_latest_guarantee(stream, now=LATER + timedelta(hours=1))
    assert found
    assert found.holds


@pytest.mark.parametrize("change", ["another target", "its time is over"])
def test_an_evaluation_that_would_end_at_once_makes_no_policy(stream: Stream, change: str) -> None:
    stream_history.write_history(stream, *honest(1000))
    measured_recall.set_error_target(stream=stream, max_error=0.05, declared_audits=450, actor="user:mara", now=NOON)
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    moment = LATER
    if change == "another target":
        measured_recall.set_error_target(
            stream=stream, max_error=0.04, declared_audits=450, actor="user:mara", now=LATER
        )
    else:
        moment = LATER + timedelta(days=400)
    with pytest.raises(preparation.EvaluationRefused) as refused:
        guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara", now=moment)
    assert refused.value.reason == "outdated"


def test_an_evaluation_without_a_threshold_makes_no_policy(stream: Stream) -> None:
    stream_history.write_history(stream, [0.9] * 1500, [index % 3 == 0 for index in range(1500)])
    measured_recall.set_error_target(stream=stream, max_error=0.02, declared_audits=450, actor="user:mara", now=NOON)
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    with pytest.raises(preparation.EvaluationRefused):
        guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara", now=LATER)


def test_alternating_model_versions_end_the_guarantee_for_good(stream: Stream) -> None:
    found = _start_guarantee(stream)
    for at, version in enumerate(["2", "1"]):
        since = LATER + timedelta(hours=at)
        stream_history.write_history(
            stream, [0.99] * 20, [False] * 20, since=since, span=MINUTE, prefix=f"turn{at}", model_version=version
        )
        guarantees.enforce_ended_guarantees(now=since + timedelta(minutes=1))
    last = guarantees.find_latest_guarantee(stream, now=LATER + timedelta(hours=2))
    assert last
    assert (last.evaluation, last.end_reason) == (found.evaluation, "model_version")


def test_guarantees_of_the_same_thresholds_end_independently(queue: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same version, which the system has taken out of effect before."""
    stream = _stream(on_expiry="all_to_people")
    first = _start_guarantee(stream)
    thresholds = evaluations.build_spec_changes(first.evaluation)
    moment = LATER + timedelta(days=91)
    assert len(guarantees.enforce_ended_guarantees(now=moment)) == 1
    # The exact evaluation counts once; by now there is enough evidence of the other kind.
    stream_history.write_history(stream, *honest(3000, seed=4), since=moment - timedelta(days=11), prefix="later")
    again = evaluations.run_evaluation(stream, by="user:mara", now=moment)
    monkeypatch.setattr(evaluations, "build_spec_changes", lambda evaluation: thresholds)
    version = guarantees.propose_certified_policy(evaluation=again, actor="user:mara", now=moment).policy
    assert version == first.version
    versions.activate_version(policy=version, by="user:mara", approved_by="user:max", now=moment)
    renewed = guarantees.find_latest_guarantee(stream, now=moment)
    assert renewed
    assert (renewed.evaluation, renewed.holds, renewed.since) == (again, True, moment)
    assert len(guarantees.enforce_ended_guarantees(now=moment + timedelta(days=91))) == 1


def test_a_guarantee_follows_its_thresholds_across_versions(queue: object, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _stream()
    found = _start_guarantee(stream)
    thresholds = evaluations.build_spec_changes(found.evaluation)
    monkeypatch.setattr(evaluations, "build_spec_changes", lambda evaluation: thresholds)
    current = versions.find_active_policy(stream)
    assert current
    more_checks = {**dump_spec(current.spec), "audit": {"rate": 0.9, "mode": "after"}}
    versions.propose_version(stream=stream, spec=versions.validate_spec(more_checks), actor="user:mara", now=LATER)
    again = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    guarantees.propose_certified_policy(evaluation=again, actor="user:mara", now=LATER)
    versions.activate_version(policy=found.version, by="user:mara", approved_by="user:max", now=LATER)
    kept = guarantees.find_latest_guarantee(stream, now=LATER)
    assert kept
    assert (kept.evaluation, kept.holds) == (again, True)


def test_accepting_at_deadlines_replaces_the_guarantee(stream: Stream) -> None:
    _start_guarantee(stream)
    current = versions.find_active_policy(stream)
    assert current
    releasing = versions.validate_spec({**dump_spec(current.spec), "on_deadline": "accept", "deadline_hours": 1})
    version = versions.save_version(stream=stream, spec=releasing, actor="user:mara")
    versions.activate_version(policy=version, by="user:mara", approved_by="user:max", now=LATER)
    replaced = guarantees.find_latest_guarantee(stream, now=LATER)
    assert replaced
    assert replaced.end_reason == "replaced"


def test_an_evaluation_under_other_rules_makes_no_policy(queue: object) -> None:
    large = {"name": "large", "when": {"value": {"gte": 1000}}, "route": "review"}
    stream = traffic.apply_stream(policy={**POLICY, "threshold": 0.9999, "rules": [large]})
    stream_history.write_history(stream, *honest(1000))
    measured_recall.set_error_target(stream=stream, max_error=0.05, declared_audits=450, actor="user:mara", now=NOON)
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    current = versions.find_active_policy(stream)
    assert current
    version = versions.save_version(
        stream=stream, spec=versions.validate_spec({**dump_spec(current.spec), "rules": []}), actor="user:mara"
    )
    versions.activate_version(policy=version, by="user:mara", approved_by="user:max", now=LATER)
    with pytest.raises(preparation.EvaluationRefused, match="outdated"):
        guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara", now=LATER)


def test_a_guarantee_is_renewed_while_its_audits_support_it(stream: Stream) -> None:
    stream_history.write_history(stream, [0.99, 0.7] * 500, [False] * 1000)
    measured_recall.set_error_target(stream=stream, max_error=0.05, actor="user:mara", now=NOON)
    (first,) = guarantees.evaluate_evidence(now=LATER)
    made = guarantees.propose_certified_policy(evaluation=first, actor="user:mara", now=LATER)
    versions.activate_version(policy=made.policy, by="user:mara", approved_by="user:max", now=LATER)
    assert guarantees.evaluate_evidence(now=LATER) == []
    nearly = LATER + timedelta(days=80)
    (renewed,) = guarantees.evaluate_evidence(now=nearly)
    assert guarantees.evaluate_evidence(now=nearly) == []
    current = guarantees.find_latest_guarantee(stream, now=first.expires_at + MINUTE)
    assert current
    assert (current.evaluation, current.holds) == (renewed, True)


def test_where_only_a_stricter_threshold_is_supported_it_is_offered_instead(stream: Stream) -> None:
    found = _start_guarantee(stream)
    (group,) = group_results.parse_group_results(found.evaluation)
    assert group.way == "declared"
    nearly = LATER + timedelta(days=80)
    stream_history.write_history(stream, *honest(1000, seed=2), since=nearly - timedelta(days=11), prefix="later")
    (offered,) = guarantees.evaluate_evidence(now=nearly)
    (stricter,) = group_results.parse_group_results(offered)
    assert (stricter.way, stricter.threshold) == ("anytime", 0.99)
    assert group.threshold == 0.915
    active = versions.find_active_policies([stream.pk])
    assert guarantees.find_earned_evaluations([stream], active, now=nearly) == {stream.pk: offered}


def test_a_guarantee_that_its_audits_no_longer_support_is_not_renewed(stream: Stream) -> None:
    found = _start_guarantee(stream)
    nearly = LATER + timedelta(days=80)
    scores, _ = honest(1000, seed=2)
    stream_history.write_history(stream, scores, [True] * 1000, since=nearly - timedelta(days=11), prefix="worse")
    assert guarantees.evaluate_evidence(now=nearly) == []
    expired = found.evaluation.expires_at + MINUTE
    ended = guarantees.find_latest_guarantee(stream, now=expired)
    assert ended
    assert ended.end_reason == "expired"
