"""What reviewers say of the single labels of a set: which of them the model missed or invented."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from escalation.decisions import settle
from escalation.decisions.label_errors import find_label_errors
from escalation.models import Outcome
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.facade.labels import SettledLabel
from tests.helpers import stream_setup

ANSWERS = ["urgent", "billing", "spam"]
FORM = AnswerSpec("labels", ANSWERS)


def _label(outcome: str, first_answer: Sequence[str] | None = None) -> SettledLabel:
    return SettledLabel(
        label_id=1, item_id=1, queue="mail", source="output", round=1, outcome="answered", answer=["spam"],
        first_outcome=outcome, first_answer=first_answer, blind=True, basis="single", verdicts=[1], reviews=1,
        active_seconds=None, schema_number=1, settled_at=datetime(2026, 11, 2, tzinfo=UTC),
    )  # fmt: skip


def test_each_possible_label_is_judged_by_the_first_answers() -> None:
    found = find_label_errors(_label("answered", ["urgent", "spam"]), ["billing", "spam"], FORM)
    assert found == {"urgent": True, "billing": True, "spam": False}
    assert find_label_errors(_label("answered", []), [], FORM) == dict.fromkeys(ANSWERS, False)


def test_reviewers_who_judged_no_label_say_nothing_of_any() -> None:
    assert find_label_errors(_label("rejected"), ["billing"], FORM) == {}
    assert find_label_errors(_label("unjudgeable"), ["billing"], FORM) is None
    assert find_label_errors(_label("answered", ["a"]), "a", AnswerSpec("label", ["a", "b"])) is None


@pytest.mark.django_db
def test_the_outcome_of_a_set_of_labels_has_its_errors_by_label() -> None:
    stream = stream_setup.create_stream("mail", answers=ANSWERS, multiple=True, policy={"threshold": 0.9})
    rob = stream_setup.create_person("rob", "reviewer", slug="mail")
    given = [("correct", ["urgent", "spam"]), ("none", None), ("agree", None)]
    for id_, (kind, answer) in zip("abc", given, strict=True):
        output = stream_setup.build_output(id_, prediction=["billing", "spam"], confidence=0.6)
        stream_setup.route_outputs(stream, output)
        stream_setup.judge_next(rob, kind, answer, slug="mail")
    settle.settle_items()
    outcomes = Outcome.objects.filter(stream=stream).order_by("output__external_id")
    assert [(one.wrong, one.part_errors) for one in outcomes] == [
        (True, {"urgent": True, "billing": True, "spam": False}),
        (True, {}),
        (False, {"urgent": False, "billing": False, "spam": False}),
    ]
