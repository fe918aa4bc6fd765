"""Parsing the desk's posted form."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from reviewqueue.desk import posted_form
from reviewqueue.kernel.errors import Invalid


def _posted(**fields: str | list[str]) -> QueryDict:
    posted = QueryDict(mutable=True)
    for name, value in fields.items():
        posted.setlist(name.replace("__", "/"), value if isinstance(value, list) else [value])
    return posted


def test_a_button_with_an_answer_is_a_correction() -> None:
    read = posted_form.parse_verdict(_posted(answer="billing", note="  why  ", reason="ambiguous", active_seconds="12"))
    assert (read.kind, read.answer, read.note, read.reason) == ("correct", "billing", "why", "ambiguous")
    assert read.active_seconds == 12


@pytest.mark.parametrize("kind", ["agree", "none"])
def test_a_verdict_without_an_answer_ignores_what_is_ticked(kind: str) -> None:
    assert posted_form.parse_verdict(_posted(verdict=kind, answers=["a"], text__name="x")).answer is None


def test_a_first_answer_keeps_its_remarks() -> None:
    read = posted_form.parse_first_answer(_posted(answer="billing", note=" why ", error_type="", active_seconds="12"))
    assert (read.kind, read.answer, read.remarks) == ("answer", "billing", {"note": " why ", "error_type": ""})
    assert posted_form.parse_first_answer(_posted(verdict="none", note="why")).remarks == {"note": "why"}


def test_ticked_answers_form_a_list_and_none_ticked_means_nothing_applies() -> None:
    assert posted_form.parse_verdict(_posted(verdict="correct", answers=["a", "b"])).answer == ["a", "b"]
    assert posted_form.parse_verdict(_posted(verdict="correct")).answer == []
    assert posted_form.parse_first_answer(_posted(verdict="correct")).answer == []


def test_object_members_are_parsed_and_empty_ones_dropped() -> None:
    posted = _posted(
        verdict="correct", text__supplier="ACME", number__total="12.50", number__count="3", flag__paid="false",
        json__lines='[{"a": 1}]', text__note=" ",
    )  # fmt: skip
    assert posted_form.parse_verdict(posted).answer == {
        "supplier": "ACME",
        "total": 12.5,
        "count": 3,
        "paid": False,
        "lines": [{"a": 1}],
    }


def test_fields_that_cannot_be_parsed_are_named() -> None:
    posted = _posted(verdict="correct", number__total="twelve", flag__paid="maybe", json__lines="[", number__n="nan")
    with pytest.raises(Invalid) as refused:
        posted_form.parse_verdict(posted)
    pointers = [error["pointer"] for error in refused.value.errors]
    assert pointers == ["/answer/total", "/answer/paid", "/answer/lines", "/answer/n"]


@pytest.mark.parametrize("text", ["[" * 5000, '{"a": "\\u0000"}', '{"a": "\\ud800"}', "NaN", "{", '{"a": 1, "a": 2}'])
def test_json_that_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="Invalid JSON"):
        posted_form.parse_verdict(_posted(verdict="correct", whole=text))


@pytest.mark.parametrize("fields", [{}, {"verdict": "approve"}, {"verdict": "agree", "note": "a\0b"}, {"answer": "\0"}])
def test_invalid_input_is_refused_with_a_message(fields: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        posted_form.parse_verdict(_posted(**fields))


@pytest.mark.parametrize("seconds", ["", "-1", "nan", "inf", "1e9", "soon"])
def test_invalid_active_seconds_are_not_recorded(seconds: str) -> None:
    assert posted_form.parse_verdict(_posted(verdict="agree", active_seconds=seconds)).active_seconds is None
