"""The rows written for a routed output, and that its decision can be reproduced from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from escalation.models import DailyRate, Decision, Payload, Stream
from escalation.outputs import status
from escalation.policies import versions
from escalation.routing import dispatch, plan
from escalation.routing.stop import stop_stream
from reviewqueue.kernel import sent_json
from reviewqueue.models import Item, ItemContent, Slot
from tests.helpers import stream_setup
from tests.helpers.route_replay import read_stored_decisions, replay_routes


def test_every_kind_of_route_can_be_reproduced_from_stored_data(stream: Stream) -> None:
    stream_setup.activate_policy(
        stream,
        threshold=0.7,
        thresholds={"billing": 0.9},
        segments=[{"when": {"language": "de"}, "threshold": 0.95}],
        rules=[{"name": "large", "when": {"value": {"gte": 1000}}}],
        model_versions=["1"],
        audit={"rate": 0.3},
    )
    outputs = [
        stream_setup.build_output(
            f"ticket-{number}",
            confidence=[None, 0.1, 0.7, 0.85, 0.92, 0.96, 1][number % 7],
            prediction=stream_setup.ANSWERS[number % 3],
            value=[..., 10, 1000][number % 3],
            segment=[{"language": "en"}, {"language": "de"}][number % 2],
            model_version=["1", "2", "1", "1", "1"][number % 5],
        )
        for number in range(150)
    ]
    written = stream_setup.route_outputs(stream, *outputs)
    assert {route.reason for route in written} == {
        "no_confidence", "unknown_model_version", "rule:large", "rule_unevaluable:large", "below_threshold", "audit",
        "above_threshold",
    }  # fmt: skip
    assert replay_routes(written) == read_stored_decisions(written)
    for route in written:
        assert (route.reason == "audit") == (route.eligible and route.u < route.p)


def test_routes_are_append_only(stream: Stream) -> None:
    (route,) = stream_setup.route_outputs(stream, stream_setup.build_output())
    route.kind = "auto"
    with pytest.raises(Exception, match="append-only"):
        route.save(update_fields=["kind"])


def test_a_stop_sends_everything_to_review_with_its_reason(stream: Stream) -> None:
    stop = stop_stream(stream=stream, by="user:mara")
    (route,) = stream_setup.route_outputs(stream, stream_setup.build_output(confidence=1))
    assert (route.kind, route.reason, route.stop_id, route.released) == ("review", "stopped", stop.pk, False)
    assert route.policy_id is not None
    assert not Decision.objects.exists()


def test_a_stop_of_all_streams_applies_to_every_stream(stream: Stream) -> None:
    other = stream_setup.create_stream("invoices")
    stop = stop_stream(stream=None, by="user:mara")
    for target in (stream, other):
        (route,) = stream_setup.route_outputs(target, stream_setup.build_output(confidence=1))
        assert (route.reason, route.stop_id) == ("stopped", stop.pk)


def test_a_stop_of_another_stream_has_no_effect(stream: Stream) -> None:
    stop_stream(stream=stream_setup.create_stream("invoices"), by="user:mara")
    (route,) = stream_setup.route_outputs(stream, stream_setup.build_output(confidence=1))
    assert route.kind == "auto"


def test_without_a_policy_everything_is_sent_to_review(queue: object) -> None:
    bare = stream_setup.create_stream(policy=None)
    (route,) = stream_setup.route_outputs(bare, stream_setup.build_output(confidence=1))
    assert (route.kind, route.reason, route.policy_id, route.pi) == ("review", "no_policy", None, 1.0)


def test_a_policy_has_no_effect_before_its_activation_time(queue: object) -> None:
    bare = stream_setup.create_stream(policy=None)
    version = versions.save_version(stream=bare, spec=versions.validate_spec({"threshold": 0.1}), actor="user:mara")
    versions.activate_version(policy=version, by="user:mara", now=datetime.now(UTC) + timedelta(hours=1))
    (route,) = stream_setup.route_outputs(bare, stream_setup.build_output(confidence=1))
    assert route.reason == "no_policy"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"confidence": None}, "no_confidence"),
        ({"model_version": "9"}, "unknown_model_version"),
        ({"value": 2000}, "rule:large amounts"),
        ({"value": None}, "rule_unevaluable:large amounts"),
        ({"confidence": 0.5}, "below_threshold"),
    ],
)
def test_the_item_shows_the_routing_reason(stream: Stream, fields: dict[str, Any], reason: str) -> None:
    stream_setup.activate_policy(
        stream,
        threshold=0.8,
        model_versions=["1"],
        rules=[{"name": "large amounts", "when": {"value": {"gte": 1000}}}],
    )
    (route,) = stream_setup.route_outputs(
        stream, stream_setup.build_output(**{"confidence": 0.9, "model_version": "1", "value": 1, **fields})
    )
    assert (route.kind, route.reason) == ("review", reason)
    why = ItemContent.objects.get(pk=route.output_id).why
    assert why["message"] % why["params"]


def test_an_audit_after_the_fact_is_decided_by_the_model_and_reviewed(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1, "mode": "after"})
    (route,) = stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    assert (route.kind, route.reason, route.audit, route.released, route.pi) == ("auto", "audit", "after", True, 1.0)
    assert stream_setup.find_output(stream).state == "decided"
    assert Decision.objects.get().answer == "refund"
    item = Item.objects.get()
    assert item.answer_first
    assert item.lane == 1


def test_an_audit_in_hold_mode_holds_the_output(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1, "mode": "hold"})
    (route,) = stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    assert (route.kind, route.reason, route.audit, route.released) == ("review", "audit", "hold", False)
    assert stream_setup.find_output(stream).state == "in_review"
    assert not Decision.objects.exists()


def test_an_item_does_not_reveal_whether_it_is_an_audit(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1, "mode": "hold"}, answer_first_share=1)
    stream_setup.route_outputs(
        stream,
        stream_setup.build_output("check", confidence=0.9),
        stream_setup.build_output("ordinary", confidence=0.1),
    )
    for item in Item.objects.all():
        assert item.answer_first
        why = ItemContent.objects.get(pk=item.pk).why
        text = why["message"] % why["params"]
        assert not {"check", "random", "audit"} & set(text.lower().split())


def test_the_review_item_is_a_snapshot_of_the_output(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, reviews=2, deadline_hours=24)
    stream_setup.route_outputs(
        stream,
        stream_setup.build_output(
            scores={"refund": 0.62, "billing": 0.31},
            context={"since": "2019"},
            metadata={"trace": 1},
            model_version="7",
            language="en",
            group="thread-77",
        ),
    )
    item, output = Item.objects.get(), stream_setup.find_output(stream)
    content = ItemContent.objects.get()
    assert item.pk == output.pk
    assert (item.reference, item.group, item.reviews_wanted, item.undo_seconds) == ("ticket-1", "thread-77", 2, 0)
    assert item.due_at == output.due_at == output.received_at + timedelta(hours=24)
    assert (content.proposal, content.model, content.language) == ("refund", "intent-clf 7", "en")
    assert content.alternatives == [{"answer": "refund", "confidence": 0.62}, {"answer": "billing", "confidence": 0.31}]
    assert "trace" not in str(content.__dict__), "metadata is the producer's"
    assert list(Slot.objects.order_by("id").values_list("answer_first", flat=True)) == [item.answer_first, True]


def test_an_outputs_own_deadline_overrides_the_policys(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, deadline_hours=24)
    stream_setup.route_outputs(stream, stream_setup.build_output(due_at="2026-12-01T10:00:00+02:00"))
    assert stream_setup.find_output(stream).due_at == datetime(2026, 12, 1, 8, tzinfo=UTC)


def test_a_structured_answer_is_published_unchanged(queue: object) -> None:
    invoices = stream_setup.create_stream("invoices", schema={"type": "object"}, policy={"threshold": 0.5})
    prediction = {"total": 3.5, "lines": [{"text": "a"}], "paid": None}
    (route,) = stream_setup.route_outputs(
        invoices, stream_setup.build_output(prediction=prediction, confidence=..., scores={"/total": 0.9, "/paid": 0.6})
    )
    assert (route.kind, route.eligible) == ("auto", True)
    assert Decision.objects.get().answer == prediction


@pytest.mark.parametrize("confidence", [0.9, 0.1])
def test_any_accepted_object_can_be_routed_and_read_back(queue: object, confidence: float) -> None:
    invoices = stream_setup.create_stream("invoices", schema={"type": "object"}, policy={"threshold": 0.5})
    prediction: dict[str, Any] = {
        "n": 2**70,
        "e": 1e20,
        "small": -1e-300,
        "": None,
        "t": "\u2028\\'\"😀",
        "deep": [[[{"a/b~c": []}]]],
    }
    stream_setup.route_outputs(invoices, stream_setup.build_output(prediction=prediction, confidence=confidence))
    found = status.statuses_of([stream_setup.find_output(invoices).pk]).popitem()[1]
    assert found.status == ("decided" if confidence == 0.9 else "in_review")
    assert found.decision is None or found.decision["answer"] == prediction
    assert sent_json.encode_sent(found.decision)


def test_field_confidences_of_a_structured_answer_become_hints(queue: object) -> None:
    invoices = stream_setup.create_stream("invoices", schema={"type": "object"}, policy={"threshold": 0.95})
    stream_setup.route_outputs(
        invoices,
        stream_setup.build_output(
            prediction={"total": 3, "a/b": 1}, confidence=..., scores={"/total": 0.9, "a/b": 0.8}
        ),
    )
    content = ItemContent.objects.get()
    assert (content.field_hints, content.alternatives) == ({"/total": 0.9, "/a~1b": 0.8}, [])


def test_a_shadow_output_is_routed_and_marked(stream: Stream) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9, shadow=True))
    assert Decision.objects.get().shadow


def test_audits_per_day_fix_one_rate_a_day(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"per_day": 2})
    yesterday = datetime(2026, 3, 1, 12, tzinfo=UTC)
    first = stream_setup.route_outputs(stream, *stream_setup.build_outputs(8, confidence=0.9), now=yesterday)
    assert {route.p for route in first} == {1.0}, "before the first day of traffic everything is checked"
    today = stream_setup.route_outputs(
        stream, *stream_setup.build_outputs(3, first=20, confidence=0.9), now=yesterday + timedelta(days=1)
    )
    later = stream_setup.route_outputs(
        stream, *stream_setup.build_outputs(3, first=30, confidence=0.9), now=yesterday + timedelta(days=1, hours=2)
    )
    assert {route.p for route in (*today, *later)} == {2 / 8}
    assert DailyRate.objects.filter(day="2026-03-02").count() == 1
    assert replay_routes([*first, *today, *later]) == read_stored_decisions([*first, *today, *later])


def test_zero_audits_per_day_means_no_audits(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"per_day": 0})
    (route,) = stream_setup.route_outputs(stream, stream_setup.build_output(confidence=0.9))
    assert (route.p, route.audit) == (0.0, "")


def test_the_default_answer_first_share_matches_the_number_of_audits(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 0.1})
    yesterday = datetime(2026, 3, 1, 12, tzinfo=UTC)
    outputs = [*stream_setup.build_outputs(6, confidence=0.9), *stream_setup.build_outputs(3, first=10, confidence=0.1)]
    stream_setup.route_outputs(stream, *outputs, now=yesterday)
    stream_setup.route_outputs(stream, stream_setup.build_output("today"), now=yesterday + timedelta(days=1))
    row = DailyRate.objects.get(day="2026-03-02")
    # 6 eligible at a rate of 0.1 give 0.6 audits; the same number out of 3 ordinary ones is a share of 0.2.
    assert row.audit_rate == 0.1
    assert row.answer_first_share == pytest.approx(0.2)


def test_payloads_are_loaded_only_for_review_or_structured_answers(stream: Stream) -> None:
    stream_setup.post_outputs(stream, stream_setup.build_output(confidence=0.9))
    Payload.objects.all().delete()
    assert dispatch.route_received() == 1
    assert Decision.objects.get().answer == "refund"


def test_u_and_v_of_different_outputs_never_coincide(stream: Stream) -> None:
    rows = [
        plan.ReceivedOutput(
            1, stream.pk, name, "m", "", "refund", 0.5, None, {}, "", None, stream_setup.LONG_AGO, 1, False
        )
        for name in ("x", "x|first", "first|x", "answers first|x", "intents|x")
    ]
    u, v = plan._permanent_draws(stream, rows)
    assert len({*u.tolist(), *v.tolist()}) == 2 * len(rows)
