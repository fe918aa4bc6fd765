"""A guarantee for each field of an answer: its sample, its thresholds, its watch."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from escalation.guarantees import drift, evaluations, group_results, guarantees, preparation, targets
from escalation.models import Evaluation, Outcome, Output, Route, Stream
from escalation.policies import versions
from reviewqueue.kernel.errors import Invalid
from tests.helpers import evidence, measured_recall, stream_history, traffic
from tests.helpers.traffic import NOON

LATER = NOON + timedelta(days=11)
FIELDS = ("/currency", "/total")
SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}, "currency": {"type": "string"}}}
POLICY: dict[str, Any] = {"threshold": 0.999, "audit": {"rate": 0.5, "mode": "after"}}


@pytest.fixture
def stream(queue: object) -> Stream:
    found = traffic.apply_stream(answers=None, schema=SCHEMA, policy=POLICY)
    measured_recall.set_error_target(
        stream=found, max_error=0.05, groups="fields", declared_audits=450, actor="user:mara", now=NOON
    )
    return found


def _write_documents(
    stream: Stream, count: int, seed: int = 1, *, risky: float = 0.0, since: datetime = NOON, prefix: str = "past"
) -> None:
    """Documents with two fields of calibrated confidence; `risky`: more errors among totals, also confident ones."""
    rng = np.random.default_rng(seed)
    scores = 1 - rng.random((count, 2)) ** 3
    wrong = rng.random((count, 2)) > scores
    wrong[:, 1] |= rng.random(count) < risky
    stream_history.write_history(
        stream,
        scores.min(axis=1).tolist(),
        wrong.any(axis=1).tolist(),
        since=since,
        prefix=prefix,
        predicted="",
        parts=[{"fields": dict(zip(FIELDS, row, strict=True))} for row in scores.tolist()],
        part_errors=[dict(zip(FIELDS, row, strict=True)) for row in wrong.tolist()],
    )


def _adopt(evaluation: Evaluation, now: datetime) -> None:
    proposed = guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara", now=now)
    versions.activate_version(policy=proposed.policy, by="user:mara", approved_by="user:max", now=now)


def _load_routes() -> list[Any]:
    return list(Route.objects.select_related("output__outcome").order_by("output_id"))


def _list_audits(field: str, threshold: float) -> list[bool]:
    """Whether each audit of a field at or above a threshold was an error, computed without the product's SQL."""
    found = []
    for route in _load_routes():
        drawn = route.u < route.p if route.parts is None else field in route.parts["audited"]
        if drawn and route.output.field_confidences[field] >= threshold:
            found.append(route.output.outcome.part_errors[field])
    return found


def test_each_field_gets_the_threshold_that_its_own_audits_support(stream: Stream) -> None:
    _write_documents(stream, 3000, risky=0.3)
    made = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    currency, total = group_results.parse_group_results(made)
    assert (currency.group, total.group) == FIELDS
    assert total.refusal == "too_many_errors"
    assert currency.threshold is not None
    errors = _list_audits("/currency", currency.threshold)
    if currency.way == "anytime":
        assert (currency.accepted, currency.wrong) == (len(errors), sum(errors))
    confident = sum(one.output.field_confidences["/currency"] >= currency.threshold for one in _load_routes())
    assert currency.coverage == pytest.approx(confident / 3000)
    assert evaluations.build_spec_changes(made) == {
        "threshold": None, "thresholds": {"/currency": currency.threshold}, "segments": [],
    }  # fmt: skip


def test_audits_of_single_fields_continue_those_of_whole_documents(stream: Stream) -> None:
    """Before its first guarantee, nothing is decided by field: whole documents are drawn, with all of their fields."""
    _write_documents(stream, 2000)
    before = preparation.prepare_evaluation(stream, now=LATER).sample
    drawn = Route.objects.filter(u__lt=0.5).count()
    assert (before.sampled, before.unresolved) == (2 * drawn, 0)
    _adopt(evaluations.run_evaluation(stream, by="user:mara", now=LATER), LATER)
    _write_documents(stream, 2000, seed=2, since=LATER, prefix="on")
    after = preparation.prepare_evaluation(stream, now=LATER + timedelta(days=11)).sample
    by_field = [route for route in _load_routes() if route.parts]
    assert len(by_field) == 2000
    assert after.sampled == before.sampled + sum(len(route.parts["audited"]) for route in by_field)
    for field in FIELDS:
        counted, errors = after.counts.groups[field], _list_audits(field, 0.0)
        assert (counted.sampled, int(counted.errors.sum())) == (len(errors), sum(errors))


def test_a_field_without_a_blind_answer_of_its_own_counts_as_an_error(stream: Stream) -> None:
    _write_documents(stream, 1000)
    before = preparation.prepare_evaluation(stream, now=LATER).sample
    right = Outcome.objects.filter(output__route__u__lt=0.5, part_errors={"/total": False, "/currency": False})
    numbers = list(right.values_list("pk", flat=True)[:30])
    Outcome.objects.filter(pk__in=numbers[:10]).update(part_errors={"/total": False})
    Outcome.objects.filter(pk__in=numbers[10:20]).update(part_errors=None, wrong=None)
    Outcome.objects.filter(pk__in=numbers[20:]).delete()
    Output.objects.filter(pk__in=numbers[20:]).update(state=Output.State.WITHDRAWN)
    after = preparation.prepare_evaluation(stream, now=LATER).sample
    assert (after.sampled, after.unresolved) == (before.sampled, 50)
    assert evidence.count_errors(after) == evidence.count_errors(before) + 50


def test_a_document_that_waits_for_its_answer_ends_the_sample_with_all_its_fields(stream: Stream) -> None:
    _write_documents(stream, 1000)
    waiting = Route.objects.filter(u__lt=0.5).order_by("output_id")[200].output_id
    Outcome.objects.filter(pk=waiting).delete()
    found = preparation.prepare_evaluation(stream, now=LATER).sample
    assert (found.window.last, found.sampled) == (waiting + 1, 2 * 201)
    assert found.unresolved == 2


def test_of_each_group_only_the_first_audit_of_a_field_counts(stream: Stream) -> None:
    _write_documents(stream, 2000)
    _adopt(evaluations.run_evaluation(stream, by="user:mara", now=LATER), LATER)
    _write_documents(stream, 200, seed=3, since=LATER, prefix="copy")
    Output.objects.filter(external_id__startswith="copy").update(group="thread")
    before = Route.objects.filter(parts__isnull=True, u__lt=0.5).count()
    drawn = [route.parts["audited"] for route in _load_routes() if route.parts]
    assert any(fields == ["/total"] for fields in drawn)
    assert any(fields == ["/currency"] for fields in drawn)
    found = preparation.prepare_evaluation(stream, now=LATER + timedelta(days=11)).sample
    assert found.sampled == 2 * before + 2


def test_the_watch_of_a_field_counts_its_audits_and_alarms_for_it_alone(stream: Stream) -> None:
    _write_documents(stream, 3000)
    _adopt(evaluations.run_evaluation(stream, by="user:mara", now=LATER), LATER)
    _write_documents(stream, 1500, seed=4, since=LATER, prefix="on", risky=0.3)
    (alarm,) = drift.watch_guarantees(now=LATER + timedelta(days=11))
    assert alarm.group == "/total"
    found = guarantees.find_latest_guarantee(stream, now=LATER)
    assert found
    currency = next(watch for watch in drift.list_watches(found) if watch.group == "/currency")
    certified = {group.group: group.threshold for group in group_results.parse_group_results(found.evaluation)}
    counted = [
        route.output.outcome.part_errors["/currency"]
        for route in _load_routes()
        if route.parts
        and "/currency" in route.parts["audited"]
        and route.output.field_confidences["/currency"] >= (certified["/currency"] or 1)
    ]
    assert (currency.audits, currency.wrong) == (len(counted), sum(counted))


@pytest.mark.parametrize(("multiple", "groups"), [(False, "fields"), (False, "labels"), (True, "classes")])
def test_a_target_needs_groups_that_the_answers_have(queue: object, multiple: bool, groups: str) -> None:
    stream = traffic.apply_stream(policy=POLICY, multiple=multiple)
    with pytest.raises(Invalid, match="no such groups"):
        targets.set_error_target(stream=stream, max_error=0.05, groups=groups, actor="user:mara", now=NOON)
