"""Which labels of a predicted set the first reviewers found wrong. Pure."""

from __future__ import annotations

from typing import Any

from reviewqueue.answers import schema
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.facade.labels import SettledLabel


def find_label_errors(label: SettledLabel, prediction: Any, form: AnswerSpec) -> dict[str, bool] | None:
    """Whether the prediction was wrong about each possible label: it missed or invented it.

    A wrong label that was predicted is invented, any other wrong label is missed. Reviewers who reject the prediction
    say that something is right that is not listed, and nothing about the labels: the result is empty. None if the
    answers are no sets of labels, or if the output was unjudgeable.
    """
    if form.kind != schema.LABELS or label.first_outcome == "unjudgeable":
        return None
    if label.first_outcome == "rejected":
        return {}
    said, predicted = frozenset(label.first_answer), frozenset(prediction)
    return {name: (name in said) != (name in predicted) for name in form.answers}
