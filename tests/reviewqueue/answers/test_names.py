"""Names of answers that people can tell apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.answers import names
from reviewqueue.kernel.errors import Invalid
from reviewqueue.models import AnswerSchema, Queue
from reviewqueue.queue import settings
from reviewqueue.queue.settings import QueueDefinition, configure_queue


def test_answers_that_look_the_same_are_refused_by_name() -> None:
    for twins in (
        ["refund", "Refund"],
        ["card_arrival", "Card arrival"],
        ["Card arrival", "Card  arrival"],
        ["Stra\u00dfe", "STRASSE"],
        ["caf\u00e9", "cafe\u0301"],
        ["a\u200db", "ab"],
        ["\ufb01ne", "fine"],
    ):
        with pytest.raises(Invalid) as refused:
            names.check_new_names(["other", *twins])
        (error,) = refused.value.errors
        assert error["pointer"] == "/answers/2"
        assert all(f"“{name}”" in error["detail"] for name in twins)


@given(st.lists(st.text(max_size=6), max_size=5))
def test_accepted_names_stay_apart_and_fit_a_line(listed: list[str]) -> None:
    try:
        names.check_new_names(listed)
    except Invalid:
        return
    assert len({names.fold_name(name) for name in listed}) == len(listed)
    assert all(name == name.strip() and len(name.splitlines()) <= 1 for name in listed)


def test_a_stream_with_twins_goes_on_working_until_its_answers_change(queue: Queue) -> None:
    AnswerSchema.objects.filter(queue=queue).update(answers=["refund", "Refund"])
    settings.get_answer_spec.cache_clear()
    wanted = QueueDefinition(slug="intents", title="Other", answers=["refund", "Refund"])
    assert configure_queue(wanted, actor="user:mara").schema_number == 1
    with pytest.raises(Invalid, match="look the same"):
        configure_queue(
            QueueDefinition(slug="intents", title="Other", answers=["refund", "Refund", "x"]), actor="user:mara"
        )
