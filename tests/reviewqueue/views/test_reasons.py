"""Reasons for actions without an answer, error types of corrections, and the final say with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from reviewqueue.desk import actions, layout, opinions, posted_form
from reviewqueue.kernel.errors import Invalid
from reviewqueue.models import Pass, Queue, User, Verdict
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import submit, wording
from tests.helpers import queue_items
from tests.helpers.desk_client import DeskClient

KINDS = ["wrong intent", "two intents"]


@pytest.fixture(autouse=True)
def mistakes(queue: Queue) -> None:
    Queue.objects.update(error_types=KINDS)


def _listed(claim: Claim) -> dict[str, list[str]]:
    return {act.name: [reason.code for reason in act.reasons] for act in actions.list_actions(claim)}


def test_every_action_without_an_answer_lists_its_reasons(rob: User) -> None:
    queue_items.enqueue_items(1)
    listed = _listed(queue_items.claim_next_item(rob))
    assert listed == {kind: list(reasons) for kind, reasons in wording.REASONS_BY_ACTION.items()}
    assert list(listed) == ["unjudgeable", "escalate", "pass"]


def test_the_reason_for_unjudgeable_is_asked_once_with_the_verdict(rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    claim = queue_items.claim_next_item(rob)
    assert _listed(claim) == {"unjudgeable": [], "pass": list(wording.PASS_REASONS)}
    shown = submit.submit_first_answer(claim_id=claim.id, user=rob, kind="unjudgeable")
    (keep,) = [act for act in actions.list_actions(shown) if act.name == "unjudgeable"]
    assert (keep.key, len(keep.reasons)) == ("k t", len(wording.UNJUDGEABLE_REASONS))
    assert [choice.value for choice in layout.build_layout(shown).agree_choices] == ["agree"]


@pytest.mark.parametrize(
    ("act", "reason", "other"),
    [("escalate", "not_sure", "conflict"), ("unjudgeable", "unreadable", ""), ("pass", "conflict", "not_sure")],
)
def test_the_desk_requires_a_listed_reason(rob: User, act: str, reason: str, other: str) -> None:
    queue_items.enqueue_items(1)
    desk = DeskClient(rob)
    desk.open_page()
    refused = desk.decline(act, other)
    assert refused.status_code == 400
    assert "Choose a reason." in refused.content.decode()
    assert not Verdict.objects.exists()
    assert not Pass.objects.exists()
    desk.decline(act, reason)
    stored = Pass.objects.get().reason if act == "pass" else Verdict.objects.get().reason
    assert stored == reason


@pytest.mark.parametrize("kind", ["unjudgeable", "escalate"])
def test_a_form_with_a_reason_ignores_ticks_and_one_without_is_refused(kind: str) -> None:
    with pytest.raises(Invalid, match="Choose a reason"):
        posted_form.parse_verdict(QueryDict(f"verdict={kind}&answers=a"))
    read = posted_form.parse_verdict(QueryDict(f"{kind}=other&answers=a&reason=ambiguous"))
    assert (read.kind, read.answer, read.reason) == (kind, None, "other")


def test_a_first_answer_of_unjudgeable_needs_no_reason_yet(rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    desk = DeskClient(rob)
    html = desk.open_page()
    assert 'name="verdict" value="unjudgeable"' in html
    assert 'id="reasons-pass"' in html
    after = desk.post("desk-first-answer", desk.claim().id, verdict="unjudgeable").content.decode()
    assert 'name="unjudgeable" value="missing_context" data-key="2"' in after
    desk.decline("unjudgeable", "missing_context")
    assert (Verdict.objects.get().kind, Verdict.objects.get().reason) == ("unjudgeable", "missing_context")


def test_a_correction_can_name_the_error_type(rob: User) -> None:
    queue_items.enqueue_items(1, 2)
    queue_items.judge_next(rob, "correct", answer="billing", error_type="wrong intent")
    queue_items.judge_next(rob, "none", error_type="two intents")
    assert list(Verdict.objects.order_by("id").values_list("error_type", flat=True)) == KINDS


@pytest.mark.parametrize(
    ("kind", "answer", "error_type"),
    [
        ("agree", None, "wrong intent"),
        ("correct", "refund", "wrong intent"),
        ("unjudgeable", None, "wrong intent"),
        ("escalate", None, "wrong intent"),
        ("correct", "billing", "no such kind"),
        ("none", None, "Wrong intent"),
        ("none", None, "a\0b"),
    ],
)
def test_an_error_type_is_refused_where_there_are_none(
    rob: User, kind: str, answer: str | None, error_type: str
) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    with pytest.raises(Invalid) as refused:
        submit.submit_verdict(claim_id=claim.id, user=rob, kind=kind, answer=answer, error_type=error_type)
    assert [error["pointer"] for error in refused.value.errors] == ["/error_type"]
    assert not Verdict.objects.exists()


def test_the_same_verdict_with_another_error_type_is_a_different_one(rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = queue_items.claim_next_item(rob)
    said: dict[str, Any] = {"claim_id": claim.id, "user": rob, "kind": "none"}
    first = submit.submit_verdict(**said, error_type="wrong intent")
    assert submit.submit_verdict(**said, error_type="wrong intent").id == first.id
    for other in ("", "two intents"):
        with pytest.raises(submit.VerdictExists):
            submit.submit_verdict(**said, error_type=other)


def test_a_repeated_verdict_is_equal_even_after_error_types_change(rob: User) -> None:
    queue_items.enqueue_items(1, 2)
    claim = queue_items.claim_next_item(rob)
    said: dict[str, Any] = {"user": rob, "kind": "none", "error_type": "wrong intent"}
    first = submit.submit_verdict(claim_id=claim.id, **said)
    Queue.objects.update(error_types=["two intents"])
    assert submit.submit_verdict(claim_id=claim.id, **said).id == first.id
    with pytest.raises(Invalid):
        submit.submit_verdict(claim_id=queue_items.claim_next_item(rob).id, **said)


@pytest.mark.parametrize("act", [{"verdict": "agree"}, {"escalate": "not_sure"}, {"unjudgeable": "unreadable"}])
def test_a_chosen_error_type_does_not_prevent_another_verdict(rob: User, act: dict[str, Any]) -> None:
    queue_items.enqueue_items(1)
    desk = DeskClient(rob)
    desk.open_page()
    assert desk.post("desk-verdict", desk.claim().id, error_type="wrong intent", **act).status_code == 200
    assert Verdict.objects.get().error_type == ""


def test_the_desk_offers_error_types_once_the_proposal_is_shown(rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    desk = DeskClient(rob)
    assert 'name="error_type"' not in desk.open_page()
    after = desk.post("desk-first-answer", desk.claim().id, answer="billing").content.decode()
    assert '<option value="two intents">' in after
    desk.post("desk-verdict", desk.claim().id, answer="billing", error_type="two intents")
    assert Verdict.objects.get().error_type == "two intents"


def test_a_stream_without_error_types_asks_for_none(rob: User) -> None:
    Queue.objects.update(error_types=[])
    queue_items.enqueue_items(1)
    assert 'name="error_type"' not in DeskClient(rob).open_page()


@pytest.mark.parametrize("reason", ["", "unreadable", "because"])
def test_a_final_say_on_different_answers_needs_a_reason(rob: User, rita: User, ann: User, reason: str) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob, "agree")
    queue_items.judge_next(rita, "none", first="billing")
    queue_items.settle_verdicts()
    claim = queue_items.claim_next_item(ann)
    with pytest.raises(Invalid) as refused:
        submit.submit_verdict(claim_id=claim.id, user=ann, kind="agree", reason=reason)
    assert [error["pointer"] for error in refused.value.errors] == ["/reason"]
    submit.submit_verdict(claim_id=claim.id, user=ann, kind="agree", reason="guideline_gap")


@pytest.mark.usefixtures("db")
def test_a_final_say_offers_the_listed_reasons() -> None:
    assert list(wording.FINAL_SAY_REASONS) == ["ambiguous", "guideline_gap", "model_error", "reviewer_error"]


def test_a_final_say_on_what_one_person_asked_about_needs_no_reason(rob: User, ann: User) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(rob, "escalate")
    queue_items.settle_verdicts()
    desk = DeskClient(ann)
    html = desk.open_page()
    assert 'name="reason_wanted"' not in html
    assert 'id="reasons-unjudgeable"' in html
    assert desk.post("desk-verdict", desk.claim().id, verdict="agree").status_code == 200


def test_a_final_say_of_unjudgeable_asks_for_one_reason_only(rob: User, rita: User, ann: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob, "agree")
    queue_items.judge_next(rita, "none", first="billing")
    queue_items.settle_verdicts()
    desk = DeskClient(ann)
    html = desk.open_page()
    assert 'name="verdict" value="unjudgeable"' in html
    assert 'id="reasons-unjudgeable"' not in html
    fields: dict[str, Any] = {"verdict": "unjudgeable", "reason_wanted": "1"}
    assert desk.post("desk-verdict", desk.claim().id, **fields, reason="unreadable").status_code == 400
    desk.post("desk-verdict", desk.claim().id, **fields, reason="ambiguous")
    assert Verdict.objects.get(final_say=True).reason == "ambiguous"


def test_a_final_say_shows_all_opinions_alike(rob: User, rita: User, ann: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob, "none", error_type="two intents", note="neither of them")
    queue_items.judge_next(rita, "correct", answer="card_arrival", first="billing")
    queue_items.settle_verdicts()
    claim = queue_items.claim_next_item(ann)
    model, first, second = opinions.list_opinions(claim)
    assert (model.person, model.answer, model.confidence, model.at) == ("", "Refund", 0.62, None)
    assert (first.person, first.answer, first.blind, first.first_answer) == ("rob", "none of these", False, "")
    assert (first.error_type, first.note) == ("two intents", "neither of them")
    assert (second.person, second.answer, second.blind, second.first_answer) == (
        "rita",
        "Card arrival",
        True,
        "Billing",
    )
    assert second.first_answer_at is not None
    html = DeskClient(ann).open_page()
    assert html.count('class="opinion"') == 3
    assert "first answered Billing at" in html
    assert "answered with the AI’s answer in view" in html  # noqa: RUF001 - an apostrophe
    assert 'class="proposal"' not in html


def test_an_ordinary_claim_shows_no_opinions(rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob, "none")
    assert opinions.list_opinions(queue_items.claim_next_item(rita)) == []
