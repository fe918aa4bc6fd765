"""Why an item is here, as its reviewer reads it."""

from __future__ import annotations

from escalation.routing import reasons


def test_who_answered_first_reads_the_same_of_a_check_and_of_an_ordinary_item() -> None:
    check = reasons.explain_to_reviewer("audit", confidence=0.95, threshold=0.8, blind=True)
    ordinary = reasons.explain_to_reviewer("below_threshold", confidence=0.62, threshold=0.8, blind=True)
    assert check["message"] == ordinary["message"]
    assert check["params"].keys() == ordinary["params"].keys()


def test_an_ordinary_item_says_where_the_line_is() -> None:
    why = reasons.explain_to_reviewer("below_threshold", confidence=0.62, threshold=0.8, blind=False)
    assert why["params"] == {"confidence": 0.62, "threshold": 0.8}
