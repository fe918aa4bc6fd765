"""Items that ask for some fields at the desk: what is shown, hidden and refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from reviewqueue.desk.field_opinions import compare_asked_fields, suggest_answer
from reviewqueue.models import Queue, User, Verdict
from tests.helpers import invoices, queue_items
from tests.helpers.asked_fields import build_answer, build_document, enqueue_invoices
from tests.helpers.desk_client import DeskClient, decode_body

pytestmark = pytest.mark.usefixtures("balanced")


def test_a_blind_desk_shows_all_fields_but_the_asked_ones(queue: Queue, desk: DeskClient) -> None:
    enqueue_invoices(1, answer_first=True, proposal=invoices.FULL_ANSWER | {"total": 777.5, "due": "2031-12-24"})
    page = desk.open_page()
    assert not [secret for secret in ("777.5", "2031-12-24", ">Bern<") if secret in page]
    assert "Bahnhofstrasse 4" in page
    assert "Fill in these 3 fields." in page


def test_the_desk_explains_a_rule_that_breaks_in_another_field(queue: Queue, desk: DeskClient) -> None:
    enqueue_invoices(1, asked=["/paid"])
    desk.open_page()
    refused = desk.post("desk-verdict", desk.claim().id, **_answer("flag/paid", "true"))
    assert refused.status_code == 400
    assert "in a field that this review does not ask for" in decode_body(refused)
    assert 'data-pointer="/paid_on"' in decode_body(refused)


def test_a_posted_change_of_another_field_is_refused(queue: Queue, desk: DeskClient) -> None:
    enqueue_invoices(1)
    desk.open_page()
    refused = desk.post("desk-verdict", desk.claim().id, **_answer("text/supplier", "Other"))
    assert (refused.status_code, Verdict.objects.count()) == (400, 0)
    assert 'data-pointer="/supplier"' in decode_body(refused)


def test_a_final_say_shows_who_gave_what_where_reviewers_differ(queue: Queue, rob: User, rita: User, ann: User) -> None:
    enqueue_invoices(1, reviews_wanted=2, answer_first=True)
    for person, total in ((rob, 119.0), (rita, 119.5)):
        answer = build_answer(total=total, due="2026-12-03")
        queue_items.judge_next(person, "correct", answer=answer, first=answer)
    queue_items.settle_verdicts()
    claim = queue_items.claim_next_item(ann)
    assert suggest_answer(claim) == build_document(due="2026-12-03")
    told = compare_asked_fields(claim)
    assert told is not None
    assert [(one.label, one.disputed) for one in told.different] == [("Total", True), ("Due", False)]
    assert [(one.value, one.by) for one in told.different[0].values] == [
        ("191.0", "the AI"), ("119.0", "rob"), ("119.5", "rita")
    ]  # fmt: skip
    assert [(one.value, one.by) for one in told.different[1].values] == [
        ("2026-12-02", "the AI"), ("2026-12-03", "rob, rita")
    ]  # fmt: skip
    assert [one.label for one in told.same] == ["Address: City"]


def test_a_past_decision_shows_what_was_asked_for(queue: Queue, rob: User, desk: DeskClient) -> None:
    enqueue_invoices(1)
    decided = queue_items.judge_next(rob, "correct", answer=build_answer(total=119.5))
    page = decode_body(desk.client.get(reverse("desk-decision", args=["intents", decided.id])))
    assert "119.5" in page
    assert invoices.FULL_ANSWER["iban"] not in page


def _answer(field: str, value: str) -> dict[str, Any]:
    return {"verdict": "correct", field: value}
