"""What a person says is what is stored and delivered, to the last character and digit, at the desk as over the API."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, example, given, settings

from escalation.decisions import settle
from escalation.models import Outcome, Stream
from escalation.routing import dispatch
from reviewqueue.answers import field_equality, schema
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.desk.structured import layout
from reviewqueue.kernel import sent_json
from reviewqueue.models import User, Verdict
from reviewqueue.queue.claim import claim_next
from tests.helpers import desk_client, sent_answers, stream_setup
from tests.helpers.desk_client import DeskClient
from tests.helpers.stream_setup import Producer

FREE_SCHEMA = {"type": "object"}
_numbers = itertools.count(1)


@pytest.fixture
def front_door(db: None, holding: Callable[..., Producer]) -> Producer:
    """A producer that reads decisions, and a review tool of which the product knows no other source."""
    return holding("outputs:write", "decisions:read", "labels:read", "review")


def _post(door: Producer, prediction: Any, *, count: int = 1) -> list[str]:
    """Post outputs that go to review, digit for digit; returns their ids."""
    ids = [f"output-{next(_numbers)}" for _ in range(count)]
    for name in ids:
        output = stream_setup.build_output(name, prediction=prediction, confidence=0.5)
        assert door.post("streams/intents/outputs", raw=sent_json.encode_sent(output).encode()).status_code == 202
    dispatch.route_received()
    return ids


def _say_over_api(door: Producer, answer: Any) -> None:
    claim = sent_json.parse_sent(door.post("queues/intents/claims", {"reviewer": "rob"}).content.decode())
    body = sent_json.encode_sent({"verdict": "correct", "answer": answer}).encode()
    told = door.post(f"claims/{claim['claim']}/verdict", raw=body)
    assert told.status_code == 201, told.content


def _say_at_desk(user: User, answer: Any) -> None:
    """Post the form as it stands once the person has entered this answer."""
    claim = claim_next(user=user, slug="intents")
    assert claim is not None
    form = layout.build_form(schema=FREE_SCHEMA, start=answer, proposed=claim.item.proposal, hints={})
    fields = dict(sent_answers.list_form_entries(form.parts)) | {"verdict": "correct"}
    url, desk = reverse("desk-verdict", args=["intents", claim.id]), DeskClient(user)
    # As browsers send it: a multipart form would lose blanks at the end of names.
    told = desk.client.post(url, urlencode(fields), content_type="application/x-www-form-urlencoded")
    assert told.status_code == 302, told.content


def _decisions(door: Producer, ids: list[str]) -> list[Any]:
    settle.settle_items()
    page = sent_json.parse_sent(door.get("streams/intents/decisions", limit=1000).content.decode())
    found = {item["id"]: item["answer"] for item in page["items"]}
    return [found[name] for name in ids]


@settings(max_examples=settings().max_examples // 2, suppress_health_check=list(HealthCheck))
@given(pair=sent_answers.object_pairs)
@example(pair=({"b": {"z": 1, "a": [{"y": 1, "x": 2}]}, "a": 1}, {"b": {"z": 2, "a": [{"y": 1, "x": 2}]}, "a": 1}))
@example(pair=({"supplier": "x"}, {}))
@example(pair=({}, {}))
def test_a_decision_is_what_was_said_to_the_last_digit(front_door: Producer, pair: tuple[Any, Any]) -> None:
    if not Stream.objects.exists():
        stream_setup.create_stream(schema=FREE_SCHEMA)
        stream_setup.create_person("rob", "reviewer")
    form = AnswerSpec(schema.STRUCTURED, schema=FREE_SCHEMA)
    prediction, answer = pair
    over_api, at_desk = _post(front_door, prediction, count=2)
    _say_over_api(front_door, answer)
    _say_at_desk(User.objects.get(username="rob"), answer)
    by_api, by_desk = _decisions(front_door, [over_api, at_desk])
    same = schema.is_same_answer(answer, prediction)
    expected = prediction if same else answer
    assert sent_json.encode_sent(by_api) == sent_json.encode_sent(expected)
    # The form has an order of its own; everything else is as it was entered.
    assert schema.exact_key(by_desk) == schema.exact_key(expected)
    first, second = Verdict.objects.order_by("-id")[:2]
    assert (first.kind, second.kind) == ("agree", "agree") if same else ("correct", "correct")
    for outcome in Outcome.objects.order_by("-output_id")[:2]:
        assert outcome.wrong is not field_equality.answers_match(answer, prediction, form)


def test_any_set_of_labels_can_be_said_at_the_desk_and_over_the_api(front_door: Producer) -> None:
    stream_setup.create_stream(answers=["a", "b", "c"], multiple=True)
    rob = stream_setup.create_person("rob", "reviewer")
    sets = [[], ["a"], ["a", "c"]]
    for prediction, answer in itertools.product(sets, sets):
        ids = _post(front_door, prediction, count=2)
        _say_over_api(front_door, answer)
        desk = DeskClient(rob)
        desk.open_page()
        assert desk.post("desk-verdict", desk.claim().id, verdict="correct", answers=answer).status_code == 200
        assert _decisions(front_door, ids) == [answer, answer]
        wrong = set(Outcome.objects.order_by("-output_id").values_list("wrong", "overturned")[:2])
        assert wrong == {(answer != prediction, answer != prediction)}


@pytest.mark.parametrize("prediction", [[], ["a"]])
def test_nothing_applies_is_an_answer_before_the_ais_is_shown(prediction: list[str]) -> None:
    stream_setup.create_stream(
        answers=["a", "b"], multiple=True, policy={"threshold": 0.8, "answer_first": True, "audit": {"rate": 0.0}}
    )
    desk = DeskClient(stream_setup.create_person("rob", "reviewer"))
    stream_setup.route_outputs(Stream.objects.get(), stream_setup.build_output(prediction=prediction, confidence=0.5))
    html = desk.open_page()
    assert "Nothing applies" in html
    assert "Something not listed" in html
    shown = desk_client.decode_body(desk.post("desk-first-answer", desk.claim().id, verdict="correct"))
    assert ("Same answer as the AI" in shown) is (prediction == [])
    if prediction:
        desk.post("desk-verdict", desk.claim().id, verdict="correct")
    settle.settle_items()
    outcome = Outcome.objects.get()
    assert (outcome.outcome, outcome.answer, outcome.wrong, outcome.blind) == (
        "answered", [], prediction != [], True,
    )  # fmt: skip


def test_something_not_listed_still_means_that_the_ai_was_wrong() -> None:
    stream_setup.create_stream(answers=["a", "b"], multiple=True)
    desk = DeskClient(stream_setup.create_person("rob", "reviewer"))
    stream_setup.route_outputs(Stream.objects.get(), stream_setup.build_output(prediction=[], confidence=0.5))
    desk.open_page()
    desk.post("desk-verdict", desk.claim().id, verdict="none")
    settle.settle_items()
    outcome = Outcome.objects.get()
    assert (outcome.outcome, outcome.answer, outcome.wrong) == ("rejected", None, True)


def test_the_form_and_every_export_show_the_digits_that_were_sent(front_door: Producer) -> None:
    stream_setup.create_stream(schema={"type": "object", "properties": {"number": {"type": "number"}}})
    rob = stream_setup.create_person("rob", "reviewer")
    (name,) = _post(front_door, {"number": sent_json.parse_sent("12345678901234567.89")})
    desk = DeskClient(rob)
    html = desk.open_page()
    assert re.search(r'name="(number[^"]*)" value="12345678901234567.89"', html)
    fields: dict[str, Any] = {"verdict": "correct", "number/number": "12345678901234567.880"}
    assert desk.post("desk-verdict", desk.claim().id, **fields).status_code == 200
    _decisions(front_door, [name])
    for path in (f"streams/intents/outputs/{name}", "streams/intents/decisions", "streams/intents/labels"):
        response = front_door.get(path)
        body = b"".join(response) if response.streaming else response.content
        assert b'"answer":{"number":12345678901234567.880}' in body, path
