"""What reviewers say of single fields: which of them were wrong, and what that says of the document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from escalation.decisions import settle
from escalation.decisions.field_errors import find_field_errors
from escalation.models import Decision, Outcome, Output, Stream
from escalation.routing.field_routes import RouteParts
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.facade.labels import SettledLabel
from tests.helpers import invoices, stream_setup

FORM = AnswerSpec("structured", schema=invoices.SCHEMA)
POLICY = {"threshold": 0.5, "thresholds": {"/total": 0.9, "/issued": 0.9}}
SURE = {"/total": 0.99, "/issued": 0.99}


def _label(outcome: str, first_answer: Any = None) -> SettledLabel:
    return SettledLabel(
        label_id=1, item_id=1, queue="invoices", source="output", round=1, outcome=outcome, answer=first_answer,
        first_outcome=outcome, first_answer=first_answer, blind=True, basis="single", verdicts=[1], reviews=1,
        active_seconds=None, schema_number=1, settled_at=datetime(2026, 11, 2, tzinfo=UTC),
    )  # fmt: skip


def test_the_fields_that_were_asked_for_are_judged_by_their_equality() -> None:
    said = invoices.ANSWER | {"supplier": "muster &  sohn GMBH", "total": 120, "currency": "CHF"}
    parts = RouteParts(asked=["/supplier"], audited=["/total"])
    found = find_field_errors(_label("answered", said), invoices.ANSWER, FORM, parts=parts)
    assert found == {"/supplier": False, "/total": True}


def test_every_field_is_judged_where_the_whole_answer_was_asked_for() -> None:
    said = invoices.ANSWER | {"total": 120}
    found = find_field_errors(_label("answered", said), invoices.ANSWER, FORM, parts=None)
    assert found == {field.pointer: field.pointer == "/total" for field in FORM.fields}
    rejected = find_field_errors(_label("rejected"), invoices.ANSWER, FORM, parts=RouteParts(["/total"], []))
    assert rejected == {"/total": True}
    assert find_field_errors(_label("unjudgeable"), invoices.ANSWER, FORM, parts=None) is None
    assert find_field_errors(_label("answered", "a"), "b", AnswerSpec("label", ["a", "b"]), parts=None) is None


@pytest.fixture
def invoice_stream() -> Stream:
    return stream_setup.create_stream("invoices", schema=invoices.SCHEMA, answers=None, policy=POLICY)


def _settle(stream: Stream, scores: Mapping[str, float], changed: Mapping[str, Any]) -> Outcome:
    output = stream_setup.build_output(prediction=invoices.ANSWER, confidence=0.6, scores=scores)
    stream_setup.route_outputs(stream, output)
    rob = stream_setup.create_person("rob", "reviewer", slug="invoices")
    answer = {**invoices.ANSWER, **changed}
    kind, given = ("correct", answer) if changed else ("agree", None)
    stream_setup.judge_next(rob, kind, given, first=answer, slug="invoices")
    settle.settle_items()
    return Outcome.objects.get(output__stream=stream)


@pytest.mark.django_db
def test_a_document_is_wrong_if_a_field_is_that_was_asked_for(invoice_stream: Stream) -> None:
    outcome = _settle(invoice_stream, {**SURE, "/total": 0.4}, {"total": 120.0})
    assert (outcome.wrong, outcome.part_errors) == (True, {"/total": True})
    decided = Decision.objects.get(output_id=outcome.output_id)
    assert (decided.by, decided.answer["total"]) == ("people", 120.0)


@pytest.mark.django_db
def test_another_spelling_of_a_field_is_no_error(invoice_stream: Stream) -> None:
    outcome = _settle(invoice_stream, {**SURE, "/supplier": 0.2}, {"supplier": "MUSTER & SOHN GMBH"})
    assert (outcome.wrong, outcome.overturned, outcome.part_errors) == (False, False, {"/supplier": False})
    # What the reviewer wrote is what the producer gets.
    assert Decision.objects.get(output_id=outcome.output_id).answer["supplier"] == "MUSTER & SOHN GMBH"


@pytest.mark.django_db
def test_a_document_of_sure_fields_is_automated_and_others_ask_only_for_unsure_ones(invoice_stream: Stream) -> None:
    sure = stream_setup.build_output("sure", prediction=invoices.ANSWER, confidence=0.6, scores=SURE)
    unsure = stream_setup.build_output("unsure", prediction=invoices.ANSWER, confidence=0.6, scores={"/total": 0.99})
    unknown = stream_setup.build_output("unknown", prediction=invoices.ANSWER, confidence=..., scores=SURE)
    routes = stream_setup.route_outputs(invoice_stream, sure, unsure, unknown)
    assert [(route.kind, route.reason) for route in routes] == [
        ("auto", "above_threshold"),
        ("review", "below_threshold:/issued"),
        ("review", "no_confidence:/address/city"),
    ]
    asked = [(route.parts or {})["asked"] for route in routes]
    assert asked[:2] == [[], ["/issued"]]
    assert set(asked[2]) == {field.pointer for field in FORM.fields} - SURE.keys()
    assert Output.objects.get(external_id="sure").state == "decided"


@pytest.mark.django_db
def test_reviewers_who_spell_a_field_differently_agree() -> None:
    stream = stream_setup.create_stream(
        "invoices", schema=invoices.SCHEMA, answers=None, policy={"threshold": 0.9, "reviews": 2}
    )
    stream_setup.route_outputs(stream, stream_setup.build_output(prediction=invoices.ANSWER, confidence=0.6))
    for username, supplier in (("rob", "ACME Ltd"), ("rita", "Acme  ltd")):
        person, said = stream_setup.create_person(username, "reviewer", slug="invoices"), {"supplier": supplier}
        answer = invoices.ANSWER | said
        stream_setup.judge_next(person, "correct", answer, first=answer, slug="invoices")
    settle.settle_items()
    outcome = Outcome.objects.get(output__stream=stream)
    assert (outcome.answer["supplier"], outcome.reviews, outcome.wrong) == ("ACME Ltd", 2, True)
