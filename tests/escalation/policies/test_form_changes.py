"""Changes of a stream's answers: the policy in effect fits them, or decides nothing under them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from escalation.decisions import deadlines
from escalation.guarantees import guarantees
from escalation.models import Activation, Output, Policy, Route, Stream
from escalation.policies import fit, form_changes, versions
from escalation.policies.spec import parse_spec
from escalation.routing import dispatch
from escalation.streams import definition
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel.errors import DomainError, Invalid
from reviewqueue.models import Queue, User
from reviewqueue.queue.settings import get_answer_spec
from tests.helpers import stream_setup
from tests.helpers.form_posts import post_untouched

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "total": {"type": "number"}},
    "required": ["total"],
}
DESCRIBED = {**SCHEMA, "description": "An invoice", "properties": {**SCHEMA["properties"], "total": {
    "type": "number", "title": "Sum", "examples": [1]}}}  # fmt: skip
OTHER_SCHEMA = {**SCHEMA, "properties": {"total": {"type": ["number", "string"]}}}
FORMS: list[dict[str, Any]] = [
    {"answers": ["a", "b", "c"]},
    {"answers": ["c", "a", "b"]},
    {"answers": ["a", "b"]},
    {"answers": ["a", "b", "c", "d"]},
    {"answers": ["a", "b", "d"]},
    {"answers": ["a", "b", "c"], "multiple": True},
    {"answers": ["b", "a", "c"], "multiple": True},
    {"answers": ["a", "b"], "multiple": True},
    {"schema": SCHEMA},
    {"schema": DESCRIBED},
    {"schema": OTHER_SCHEMA},
    {"answers": ["a", "b", "c"], "multiple": True, "error_unit": "label"},
    {"answers": ["c", "b", "a"], "multiple": True, "error_unit": "label"},
]
POLICIES: list[dict[str, Any]] = [
    {"threshold": 0.8},
    {"threshold": 0.8, "thresholds": {"c": 0.95}},
    {"threshold": 0.8, "thresholds": {"a": 0.95}},
    {"threshold": 0.9},
    {"threshold": 0.8, "rules": [{"name": "r", "when": {"prediction": {"in": ["b", "c"]}}}]},
    {"threshold": 0.8, "costs": {"matrix": {"a": {"c": 5}}}},
    {"threshold": 0.5},
    {},
]
PREDICTIONS: list[Any] = ["a", "b", "c", "d", [], ["a"], ["a", "c"], {"total": 1}, {"total": "x"}]
CONFIDENCES = [0.6, 0.85, 0.92, 0.97]


def _plain(policy: dict[str, Any] | None, form: dict[str, Any]) -> definition.StreamDefinition:
    spec = None if policy is None else {"undo_seconds": 0, **policy}
    plain = {"slug": "intents", "title": "Intents", "policy": spec, **form}
    return definition.parse_definitions({"streams": [plain]})[0]


def _probe(stream: Stream, counter: Iterator[int]) -> set[tuple[str, float]]:
    """What goes out of every prediction at every confidence, under the stream's present answers and policy."""
    stream.refresh_from_db()
    sent = {
        f"probe-{next(counter)}": (prediction, confidence)
        for prediction, confidence in itertools.product(PREDICTIONS, CONFIDENCES)
    }
    outputs = [
        stream_setup.build_output(name, prediction=prediction, confidence=confidence)
        for name, (prediction, confidence) in sent.items()
    ]
    stream_setup.post_outputs(stream, *outputs)
    dispatch.route_received()
    released = Route.objects.filter(released=True).values_list("output_id")
    names = Output.objects.filter(pk__in=released, external_id__in=sent).values_list("external_id", flat=True)
    return {(repr(sent[name][0]), sent[name][1]) for name in names}


ACTIONS = st.one_of(
    st.tuples(st.just("form"), st.sampled_from(FORMS), st.none()),
    st.tuples(st.just("form"), st.sampled_from(FORMS), st.sampled_from(POLICIES)),
    st.tuples(st.just("policy"), st.sampled_from(POLICIES), st.none()),
    st.tuples(st.sampled_from(["request", "activate", "approve", "decline"]), st.integers(1, 5), st.none()),
    st.tuples(st.just("second person"), st.integers(1, 5), st.none()),
)


def _act(stream: Stream, action: tuple[Any, ...], hours: int) -> bool:
    """Let mara do this, or max approve a version; returns whether max did."""
    kind, what, extra = action
    now, me = stream_setup.LONG_AGO + timedelta(hours=hours), "user:mara"
    stream.refresh_from_db()
    if kind == "form":
        definition.apply_definition(_plain(extra, what), actor=me, now=now)
        return False
    if kind == "policy":
        spec = versions.validate_spec({"undo_seconds": 0, **what})
        versions.propose_version(stream=stream, spec=spec, actor=me, now=now)
        return False
    version = Policy.objects.select_related("stream").filter(stream=stream, number=what).first()
    if version is None:
        return False
    if kind == "request":
        versions.request_approval(policy=version, by=me, now=now)
    elif kind == "decline":
        versions.decline_version(policy=version, by=me, now=now)
    elif kind == "activate":
        versions.activate_version(policy=version, by=me, now=now)
    else:
        versions.approve_version(policy=version, by="user:max" if kind == "second person" else me, now=now)
    return bool(kind == "second person")


def test_no_sequence_of_one_persons_actions_lets_more_out(queue: Queue, mara: User, max: User) -> None:  # noqa: A002
    seen: list[bool] = []

    @given(st.sampled_from(FORMS), st.sampled_from(POLICIES), st.lists(ACTIONS, min_size=1, max_size=5))
    def check(form: dict[str, Any], policy: dict[str, Any], actions: list[tuple[Any, ...]]) -> None:
        counter = itertools.count()
        with contextlib.suppress(Invalid), stream_setup.rolled_back():
            get_answer_spec.cache_clear()
            Queue.objects.filter(slug="intents").delete()
            definition.apply_definition(_plain(policy, form), actor="user:mara", now=stream_setup.LONG_AGO)
            stream = Stream.objects.get(slug="intents")
            allowed = _probe(stream, counter)
            seen.append(bool(allowed))
            for hours, action in enumerate(actions, start=1):
                approved = False
                with contextlib.suppress(DomainError):
                    approved = _act(stream, action, hours)
                released = _probe(stream, counter)
                allowed = released if approved else allowed
                assert released <= allowed, (action, released - allowed)

    check()
    assert any(seen), "some policies automate something"


def test_only_changes_that_cannot_loosen_are_carried_over_at_once() -> None:
    forms = [
        AnswerSpec(
            kind="structured" if "schema" in form else "labels" if form.get("multiple") else "label",
            error_unit=form.get("error_unit", "output"),
            answers=form.get("answers", ()),
            schema=form.get("schema"),
        )
        for form in FORMS
    ]
    harmless = {
        (old, new)
        for (old, one), (new, other) in itertools.product(enumerate(forms), repeat=2)
        if old != new and form_changes.form_cannot_loosen(one, other)
    }
    assert harmless == {
        (0, 1), (1, 0), (0, 2), (1, 2), (3, 0), (3, 1), (3, 2), (3, 4), (4, 2), (5, 6), (6, 5), (8, 9), (9, 8),
            (11, 12), (12, 11),
    }  # fmt: skip
    named = AnswerSpec(kind="structured", schema={**SCHEMA, "properties": {"total": {"type": "number"}}})
    assert not form_changes.form_cannot_loosen(forms[8], named), "a property called title is no annotation"
    referring = [
        AnswerSpec(
            "structured", schema={**SCHEMA, "properties": {"total": {"$ref": "#/examples/0"}}, "examples": [one]}
        )
        for one in ({"type": "number"}, {})
    ]
    assert not form_changes.form_cannot_loosen(*referring), "an example that a reference makes a rule"
    dependent = [
        AnswerSpec("structured", schema={**SCHEMA, "dependentRequired": one}) for one in ({"title": ["x"]}, {})
    ]
    assert not form_changes.form_cannot_loosen(*dependent)


def test_what_is_said_of_an_answer_may_go_with_it() -> None:
    old = parse_spec(
        {
            "threshold": 0.8,
            "thresholds": {"a": 0.9, "c": 0.95},
            "rules": [
                {"name": "c", "when": {"prediction": {"eq": "c"}}},
                {"name": "b or c", "when": {"prediction": {"in": ["b", "c"]}, "value": {"gt": 5}}},
            ],
            "costs": {"matrix": {"a": {"b": 1, "c": 2}, "c": {"a": 3}}},
        }
    )
    new = parse_spec(
        {
            "threshold": 0.8,
            "thresholds": {"a": 0.9},
            "rules": [{"name": "b or c", "when": {"prediction": {"in": ["b"]}, "value": {"gt": 5}}}],
            "costs": {"matrix": {"a": {"b": 1}}},
        }
    )
    three, two = AnswerSpec("label", ["a", "b", "c"]), AnswerSpec("label", ["a", "b"])
    assert form_changes.cannot_loosen(old=old, old_form=three, new=new, new_form=two)
    assert not form_changes.cannot_loosen(old=old, old_form=three, new=parse_spec({"threshold": 0.8}), new_form=two)


def _apply(tmp_path: Path, body: str, *, by: str = "user:mara") -> None:
    (tmp_path / "streams.yaml").write_text(f"streams: [{{slug: intents, title: Intents, {body}}}]")
    call_command("apply", str(tmp_path / "streams.yaml"), by=by)


def test_a_change_that_would_leave_the_policy_behind_is_refused(
    queue: Queue, mara: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = stream_setup.create_stream(policy={"threshold": 0.8, "thresholds": {"refund": 0.99}})
    stream_setup.route_outputs(stream, stream_setup.build_output())
    for body in ("answers: [billing, refunds]", "schema: {type: object}"):
        with pytest.raises(CommandError, match=r"Version 1 of the policy is in effect and does not fit"):
            _apply(tmp_path, body)
    assert fit.get_form(stream, 1).answers == stream_setup.ANSWERS
    assert Stream.objects.get().schema_number == 1
    # A file that changes both is fine: the new answer needs the second person.
    body = "answers: [billing, refunds], policy: {threshold: 0.8, thresholds: {refunds: 0.99}}"
    _apply(tmp_path, body)
    assert Activation.objects.count() == 1
    assert "Nobody has requested approval" not in capsys.readouterr().out
    _apply(tmp_path, body.replace("refunds", "repayments"), by="system:apply")
    assert "Nobody has requested approval yet" in capsys.readouterr().out


def test_until_a_second_person_approves_everything_goes_to_review(
    client: Client,
    queue: Queue,
    mara: User,
    max: User,  # noqa: A002
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    stream = stream_setup.create_stream(policy={"threshold": 0.8, "on_deadline": "accept"})
    late = {"due_at": "2026-01-02T00:00:00Z", "confidence": 0.99}
    (before,) = stream_setup.route_outputs(stream, stream_setup.build_output("before", confidence=0.99))
    client.force_login(mara)
    page = "/streams/intents/edit/"
    posted = post_untouched(client.get(page).context["form"])
    html = client.post(page, posted | {"answers": "billing\nrefund\nfraud"}, follow=True).content.decode()
    assert "Until a second manager approves version 2, all outputs go to review." in html
    stream.refresh_from_db()
    (outdated,) = stream_setup.route_outputs(stream, stream_setup.build_output("after", **late))
    assert (before.released, outdated.released, outdated.reason) == (True, False, "policy_outdated")
    assert deadlines.answer_overdue_outputs() == 0, "nobody approved a policy that accepts these"
    # A second change: the request for the first one cannot be approved onto these answers.
    _apply(tmp_path, "answers: [billing, refund, fraud, spam]")
    assert "Until a second manager approves version 3" in capsys.readouterr().out
    for version in Policy.objects.filter(number__lte=2).select_related("stream"):
        with pytest.raises(fit.OutdatedVersion):
            versions.approve_version(policy=version, by="user:max")
    client.force_login(max)
    html = client.get("/streams/intents/policies/3/").content.decode().partition("Approve and activate")[0]
    assert "billing, refund, card_arrival" in html, "the answers that the policy in effect was made for"
    assert "billing, refund, fraud, spam" in html
    client.post("/streams/intents/policies/3/activation/")
    current = versions.find_active_policy(stream)
    assert current is not None
    assert (current.number, current.schema_number) == (3, 3)


def test_answers_changed_back_are_covered_again_at_once(queue: Queue, mara: User) -> None:
    stream = stream_setup.create_stream(policy={"threshold": 0.8})
    stream_setup.route_outputs(stream, stream_setup.build_output())
    now = stream_setup.LONG_AGO
    for hours, answers in enumerate([["billing", "refund", "fraud"], ["refund", "billing", "card_arrival"]], start=1):
        changed = _plain(None, {"answers": answers})
        applied = definition.apply_definition(changed, actor="user:mara", now=now + timedelta(hours=hours))
        assert applied.proposed is not None
        assert applied.proposed.active is (hours == 2)
    stream.refresh_from_db()
    (route,) = stream_setup.route_outputs(stream, stream_setup.build_output("again", confidence=0.99))
    assert applied.proposed is not None
    assert (route.released, route.policy_id) == (True, applied.proposed.policy.pk)
    assert guarantees.enforce_ended_guarantees() == []
