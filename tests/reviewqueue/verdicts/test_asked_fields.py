"""Reviews that ask for some fields of an answer: what is recorded, and when reviewers agree."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reviewqueue.kernel.errors import Invalid
from reviewqueue.models import Queue, User, Verdict
from reviewqueue.verdicts import first_answers, submit
from tests.helpers import invoices, queue_items
from tests.helpers.asked_fields import build_answer, build_document, enqueue_invoices

pytestmark = pytest.mark.usefixtures("balanced")


@pytest.mark.parametrize("given", [build_answer(total=119.0), build_document(total=119.0)])
def test_the_label_is_the_whole_document_with_what_the_reviewer_gave(queue: Queue, rob: User, given: Any) -> None:
    enqueue_invoices(1)
    queue_items.judge_next(rob, "correct", answer=given)
    (label,) = queue_items.settle_verdicts()
    assert (label.outcome, label.answer, label.asked) == ("answered", build_document(total=119.0), invoices.ASKED)


def test_asked_fields_as_proposed_are_agreement(queue: Queue, rob: User) -> None:
    enqueue_invoices(1)
    queue_items.judge_next(rob, "correct", answer=build_answer())
    assert Verdict.objects.values_list("kind", "answer").get() == ("agree", invoices.FULL_ANSWER)


def test_another_field_cannot_be_changed(queue: Queue, rob: User) -> None:
    enqueue_invoices(1)
    with pytest.raises(Invalid) as refused:
        queue_items.judge_next(rob, "correct", answer=build_answer(total=119.0) | {"currency": "EUR"})
    assert [error["pointer"] for error in refused.value.errors] == ["/answer/currency"]
    assert not Verdict.objects.exists()


def test_a_rule_between_an_asked_and_another_field_is_explained(queue: Queue, rob: User) -> None:
    enqueue_invoices(1, asked=["/paid"])
    with pytest.raises(Invalid, match="a field that this review does not ask for") as refused:
        queue_items.judge_next(rob, "correct", answer={"paid": True})
    assert [error["pointer"] for error in refused.value.errors] == ["/answer/paid_on"]


def test_before_the_first_answer_only_the_asked_values_are_hidden(queue: Queue, rob: User) -> None:
    enqueue_invoices(1, answer_first=True)
    item = queue_items.claim_next_item(rob).item
    assert item.proposal is None
    assert item.kept is not None
    assert item.kept["address"] == {"street": "Bahnhofstrasse 4", "zip": "3011", "country": "CH"}
    assert not {"due", "total"} & item.kept.keys()
    assert "191" not in json.dumps(item.kept)


def test_a_first_answer_as_proposed_is_decided_at_once_and_once(queue: Queue, rob: User) -> None:
    enqueue_invoices(1, answer_first=True)
    given: dict[str, Any] = {"kind": "answer", "answer": build_answer(), "remarks": {}, "active_seconds": None}
    claim = queue_items.claim_next_item(rob)
    assert first_answers.answer_first(claim_id=claim.id, user=rob, slug="intents", **given) is None
    assert first_answers.answer_first(claim_id=claim.id, user=rob, slug="intents", **given) is None
    assert Verdict.objects.values_list("kind", "first_answer").get() == ("agree", invoices.FULL_ANSWER)


def test_a_repeated_partial_answer_is_the_same_verdict(queue: Queue, rob: User) -> None:
    enqueue_invoices(1)
    claim = queue_items.claim_next_item(rob)
    sent = [
        submit.submit_verdict(claim_id=claim.id, user=rob, kind="correct", answer=answer)
        for answer in (build_answer(total=119.0), build_document(total=119.0))
    ]
    assert [one.repeated for one in sent] == [False, True]


def test_reviewers_agree_when_the_asked_fields_mean_the_same(queue: Queue, rob: User, ann: User) -> None:
    enqueue_invoices(1, reviews_wanted=2)
    _judge_blind(rob, city="Chur", total=119.0)
    _judge_blind(ann, city=" chur ", total=119)
    (label,) = queue_items.settle_verdicts()
    assert label.basis == "majority"


def test_reviewers_who_differ_in_one_asked_field_need_a_lead(queue: Queue, rob: User, rita: User, ann: User) -> None:
    enqueue_invoices(1, reviews_wanted=2)
    _judge_blind(rob, total=119.0)
    _judge_blind(rita, total=119.5)
    assert queue_items.settle_verdicts() == []
    final = queue_items.judge_next(ann, "correct", answer=build_answer(total=119.5), reason="reviewer_error")
    (label,) = queue_items.settle_verdicts(final.final_at)
    assert (label.basis, label.answer) == ("final_say", build_document(total=119.5))


def _judge_blind(user: User, **asked: Any) -> None:
    queue_items.judge_next(user, "correct", answer=build_answer(**asked), first=build_answer(**asked))
