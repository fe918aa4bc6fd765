"""Routing reasons as reviewers see them."""

from __future__ import annotations

from escalation.routing import reasons


def test_audits_and_ordinary_items_answered_blind_show_the_same_reason() -> None:
    audit = reasons.explain_to_reviewer("audit", confidence=0.95, threshold=0.8, blind=True)
    ordinary = reasons.explain_to_reviewer("below_threshold", confidence=0.62, threshold=0.8, blind=True)
    assert audit["message"] == ordinary["message"]
    assert audit["params"].keys() == ordinary["params"].keys()


def test_the_reason_of_an_ordinary_item_names_the_threshold() -> None:
    why = reasons.explain_to_reviewer("below_threshold", confidence=0.62, threshold=0.8, blind=False)
    assert why["params"] == {"confidence": 0.62, "threshold": 0.8}
