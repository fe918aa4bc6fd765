"""Every figure about audits counts the same outputs, on a history in which other definitions would differ."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest

from escalation import statistics
from escalation.exports import labels
from escalation.guarantees import drift, population, sample, sample_size, targets
from escalation.models import (
    ErrorTarget,
    Evaluation,
    Evidence,
    GuaranteeWatch,
    Outcome,
    Output,
    Payload,
    Policy,
    Route,
    Stream,
    output_id,
)
from escalation.outputs import search
from escalation.outputs.search import OutputQuery
from escalation.policies import versions
from escalation.policies.versions import ActivePolicy
from escalation.reports import overview, stream_report
from escalation.reports.stream_report import Report
from escalation.simulation import daily_counts, explorer
from tests.helpers import evidence, traffic
from tests.helpers.traffic import NOON

RULES_CHANGED = NOON + timedelta(hours=12)
NOW = NOON + timedelta(days=20)  # everything but the last output is overdue by then
LARGE = {"name": "large", "when": {"value": {"gte": 1000}}}
BILLING = {"name": "billing", "when": {"prediction": {"eq": "billing"}}}
POLICY: dict[str, Any] = {
    "threshold": 0.8,
    "audit": {"rate": 0.5},
    "costs": {"currency": "EUR", "review": 0.5, "error": 10.0},
}


class Past(NamedTuple):
    """One output of the history. `wrong` is what people found; None where they could not judge it."""

    name: str
    hour: float
    u: float = 0.1
    p: float = 0.5
    confidence: float | None = 0.9
    reason: str = ""
    predicted: str = "refund"
    answered: bool = True
    blind: bool = True
    wrong: bool | None = False
    mode: str = "after"
    state: str = "decided"
    shadow: bool = False
    invalid: bool = False

    @property
    def eligible(self) -> bool:
        return not self.reason

    @property
    def audit(self) -> str:
        return self.mode if self.eligible and self.u < self.p else ""


HISTORY = [
    Past("old right", 1),
    Past("caught by a rule added later", 2, predicted="billing", wrong=True),
    Past("caught by a rule removed since", 3, reason="rule:large", wrong=True),
    Past("right", 13),
    Past("wrong", 14, wrong=True),
    Past("caught by a rule", 15, reason="rule:billing", predicted="billing", wrong=True),
    Past("without the facts of a rule", 15.5, reason="rule_unevaluable:billing", wrong=True),
    Past("against its schema", 15.6, reason="invalid_prediction", invalid=True, wrong=True),
    Past("against its schema and stopped", 15.7, reason="stopped", invalid=True, wrong=True),
    Past("answer seen before", 16, blind=False, wrong=True),
    Past("unjudgeable", 17, wrong=None),
    Past("held", 18, mode="hold"),
    Past("drawn at the higher rate only", 19, u=0.4, wrong=True),
    Past("drawn at a lower rate", 20, p=0.25),
    Past("reviewed by chance", 21, u=0.9),
    Past("shadow", 22, wrong=True, shadow=True),
    Past("no confidence", 23, confidence=None, reason="no_confidence", wrong=True),
    Past("below the threshold", 24, confidence=0.5, reason="below_threshold", wrong=True),
    Past("automated and taken back", 25, answered=False, state="withdrawn"),
    Past("waited and taken back", 26, reason="stopped", answered=False, state="withdrawn"),
    Past("stopped", 27, reason="stopped"),
    Past("unanswered too long", 28, answered=False),
    Past("waits for its answer", 24 * 19, answered=False),
]

# Drawn, not caught by a rule, answered blind and judged, of live outputs.
AUDITS = {"old right", "caught by a rule added later", "right", "wrong", "held", "drawn at the higher rate only"}
AUDITS |= {"drawn at a lower rate", "below the threshold", "stopped"}
# Those of them that the policy of their time automated.
ANSWERED_ELIGIBLE_AUDITS = AUDITS - {"below the threshold", "stopped"}
WRONG = {past.name for past in HISTORY if past.answered and past.wrong}


@pytest.fixture
def stream(queue: object) -> Stream:
    """The history above; the rule about large amounts was replaced by one about a class in between."""
    stream = traffic.apply_stream(policy={**POLICY, "rules": [LARGE]})
    before = _active(stream)
    spec = versions.validate_spec({**POLICY, "undo_seconds": 0, "rules": [BILLING]})
    after = versions.save_version(stream=stream, spec=spec, actor="user:mara")
    versions.activate_version(policy=after, by="user:mara", approved_by="user:max", now=RULES_CHANGED)
    for past in HISTORY:
        at = NOON + timedelta(hours=past.hour)
        _write(stream, past, at, before.policy_id if at < RULES_CHANGED else after.pk)
    daily_counts.refresh_counts(now=NOW)
    return stream


def _active(stream: Stream) -> ActivePolicy:
    found = versions.find_active_policy(stream)
    assert found
    return found


def _write(stream: Stream, past: Past, at: datetime, policy_id: int) -> None:
    released = past.eligible and past.audit != "hold"
    output = Output.objects.create(
        id=output_id.first_id_at(at), stream=stream, external_id=past.name, model="clf", model_version="1",
        predicted=past.predicted, confidence=past.confidence, shadow=past.shadow, state=past.state, size=9,
        invalid_prediction=past.invalid,
        schema_number=stream.schema_number, received_at=at,
    )  # fmt: skip
    Payload.objects.create(output=output, body={"prediction": past.predicted, "input": {}})
    Route.objects.create(
        output=output, kind="auto" if released else "review", policy_id=policy_id, eligible=past.eligible,
        reason=past.reason or ("audit" if past.audit else "above_threshold"), released=released, audit=past.audit,
        threshold=0.8, u=past.u, p=past.p, pi=past.p if past.eligible else 1.0, routed_at=at,
    )  # fmt: skip
    if past.answered:
        answer = "card_arrival" if past.wrong else past.predicted
        Outcome.objects.create(
            output=output, stream=stream, label_id=output.pk, round=1, settled=answer, wrong=past.wrong,
            outcome="unjudgeable" if past.wrong is None else "answered",
            answer=None if past.wrong is None else answer, overturned=bool(past.wrong), blind=past.blind,
            reviews=1, settled_at=at,
        )  # fmt: skip


def _line(stream: Stream) -> population.Population:
    found = population.current_population(stream)
    assert found
    return found


def _report(stream: Stream) -> Report:
    days = ((NOON + timedelta(days=at)).date() for at in (0, 20))
    return stream_report.build_report(stream=stream, since=next(days), until=next(days), now=NOW)


def _target(stream: Stream) -> ErrorTarget:
    return targets.set_error_target(stream=stream, max_error=0.5, actor="user:mara", now=NOON)


def _draw(stream: Stream) -> sample.EvaluationSample:
    spec, line = _active(stream).spec, _line(stream)
    window = sample.find_window(stream, line, spec=spec, earliest=0)
    assert window
    return evidence.draw_sample(_target(stream), line, window, now=NOW)


def test_the_curve_and_the_calibration_count_the_audits_of_live_outputs(stream: Stream) -> None:
    seen = explorer.load_traffic(stream, now=NOW)
    assert seen
    everything = explorer.preview_threshold(seen, 0.0).point
    assert (everything.checked, everything.wrong) == (len(AUDITS), len(AUDITS & WRONG))
    # Without the shadow; those caught by rules, without a confidence or against their schema go to people at any
    # threshold.
    assert (everything.outputs, everything.automatic) == (22, 16)
    at_use = explorer.preview_threshold(seen, 0.8).point
    assert (at_use.checked, at_use.wrong) == (len(AUDITS) - 1, len(AUDITS & WRONG) - 1)
    honest = explorer.measure_calibration(seen)
    assert (honest.audits, honest.wrong) == (len(AUDITS), len(AUDITS & WRONG))


def test_the_report_counts_the_audits_of_what_was_automated(stream: Stream) -> None:
    found = _report(stream)
    rate = found.error_rate
    assert (rate.audits, rate.wrong) == (len(ANSWERED_ELIGIBLE_AUDITS), len(ANSWERED_ELIGIBLE_AUDITS & WRONG))
    # Also those without a usable answer: seen before, unjudgeable, taken back, and two that nobody has answered.
    assert rate.drawn == len(ANSWERED_ELIGIBLE_AUDITS) + 5
    assert found.blind == rate.audits
    # A withdrawn audit stays unresolved: it widens the interval to both sides.
    n, k = rate.audits, rate.wrong
    low, high = (
        statistics.compute_clopper_pearson(k, n + 1, 0.05)[0],
        statistics.compute_clopper_pearson(k + 1, n + 1, 0.05)[1],
    )
    assert (rate.withdrawn, rate.low, rate.high) == (1, low, high)
    # Three errors found after the fact, each at 10, one of two audited.
    assert found.costs.undetected_errors
    assert found.costs.undetected_errors.value == pytest.approx(3 * 10 / 0.5)
    # A shadow output stands under its model version only.
    shadow = [group for group in found.model_versions if group.shadow]
    assert [(group.error_rate.audits, group.error_rate.wrong) for group in shadow] == [(1, 1)]


def test_overview_and_search_agree_with_the_report(stream: Stream) -> None:
    (row,) = overview.list_stream_overviews(["intents"], now=NOW)
    rate = _report(stream).error_rate
    assert (row.error_rate.audits, row.error_rate.wrong) == (rate.audits, rate.wrong)
    assert (row.error_rate.withdrawn, row.error_rate.low, row.error_rate.high) == (1, rate.low, rate.high)
    found = search.search_outputs(streams=[stream], query=OutputQuery(found="checked"), judging=False, now=NOW)
    assert {output.external_id for output in found.outputs} == ANSWERED_ELIGIBLE_AUDITS


def test_a_sample_starts_when_the_current_rules_took_effect(stream: Stream) -> None:
    drawn = _draw(stream)
    assert output_id.time_of_id(drawn.window.first) == NOON + timedelta(hours=13)
    assert drawn.window.rate == 0.25
    # Seven answered audits, three of them wrong. Without a blind answer that can be judged, six more are errors: two
    # withdrawn, one overdue, one pending, one unjudgeable, one whose reviewers had seen the model's answer.
    assert (drawn.sampled, evidence.count_errors(drawn), drawn.unresolved) == (13, 9, 6)


def test_the_drift_watch_uses_the_audit_rate_of_the_time(stream: Stream) -> None:
    target = _target(stream)
    group = {"group": "", "delta": 0.05, "starts": [], "threshold": 0.8}
    evaluation = Evaluation.objects.create(
        stream=stream, target=target, model="clf", model_version="1", schema_number=1, number=1, spent=0.05,
        first_id=1, last_id=2, audit_rate=0.5, max_error=0.5, sampled=0, resolved=0, overdue=0, groups=[group],
        asked_by="user:mara", asked_at=RULES_CHANGED, expires_at=NOW + timedelta(days=1),
    )  # fmt: skip
    Evidence.objects.create(policy=Policy.objects.latest("pk"), evaluation=evaluation)
    drift.watch_guarantees(now=NOW)
    watch = GuaranteeWatch.objects.get()
    # The sample without the one below the threshold and the one that waits.
    assert (watch.audits, watch.wrong) == (13 - 2, 9 - 2)


def test_the_forecast_counts_the_audits_of_an_evaluation(stream: Stream) -> None:
    now = NOON + timedelta(days=10)
    days = sample_size.estimate_collection_days(_target(stream), _line(stream), 1000, now=now)
    drawn = len(AUDITS) + len({"answer seen before", "unjudgeable", "automated and taken back"})
    drawn += len({"unanswered too long", "waits for its answer", "waited and taken back"})
    assert days == -(-1000 * (10 * 24 - 1) // (24 * drawn))


def test_the_sample_can_be_computed_from_the_export(stream: Stream) -> None:
    lines = [json.loads(line) for line in b"".join(labels.export_labels(stream, include_audits=True)).splitlines()]
    # All of them: nobody drew what was reviewed by chance, but it has a label.
    assert {line["id"] for line in lines} == {past.name for past in HISTORY}
    drawn = _draw(stream)
    counted = Counter(
        "right" if line["blind"] and line["wrong"] is False else "wrong"
        for line in lines
        if drawn.window.first <= int(line["number"]) < drawn.window.last and line["u"] < line["p"]
        and line["confidence"] is not None and not line["invalid_prediction"] and not line["shadow"]
        and not line["reason"].startswith(("rule:", "rule_unevaluable:"))
    )  # fmt: skip
    assert counted == {"right": 4, "wrong": 9}
    assert (drawn.sampled, evidence.count_errors(drawn)) == (13, 9)


def test_a_rule_under_another_name_begins_no_other_window(stream: Stream) -> None:
    before = _draw(stream)
    spec = versions.validate_spec({**POLICY, "undo_seconds": 0, "rules": [{**BILLING, "name": "invoices"}]})
    version = versions.save_version(stream=stream, spec=spec, actor="user:mara")
    versions.activate_version(policy=version, by="user:mara", approved_by="user:max", now=NOW - timedelta(hours=1))
    assert _draw(stream).counts.labels_hash == before.counts.labels_hash


def test_a_new_rule_drops_no_labels_from_a_sample_but_begins_another(stream: Stream) -> None:
    spec = versions.validate_spec({**POLICY, "undo_seconds": 0, "rules": [BILLING, LARGE]})
    version = versions.save_version(stream=stream, spec=spec, actor="user:mara")
    versions.activate_version(policy=version, by="user:mara", approved_by="user:max", now=NOW - timedelta(hours=1))
    line = _line(stream)
    assert sample.find_window(stream, line, spec=_active(stream).spec, earliest=0) is None
    assert not sample.has_traffic(stream, line, spec=_active(stream).spec, earliest=0)
