"""The review desk over HTTP: full pages, and fragments for htmx."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from reviewqueue.models import AnswerSchema, Draft, Guideline, Queue, Slot, User, Verdict
from reviewqueue.queue.claim import claim_next, list_held_claims
from reviewqueue.verdicts import labels, submit
from tests.helpers import desk_client, queue_items
from tests.helpers.desk_client import DeskClient

pytestmark = pytest.mark.django_db


def test_the_desk_shows_an_item_and_the_same_one_again(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, 2, context={"customer since": "2019"})
    html = desk.open_page()
    assert "I was charged twice" in html
    assert "customer since" in html
    assert "The AI was not sure." in html
    assert "What does the customer want?" in html
    assert desk.claim().id == desk.claim().id
    desk.open_page()
    assert desk.claim().item.reference == "ticket-1"


def test_every_button_prints_its_key_and_every_form_names_its_claim(desk: DeskClient) -> None:
    queue_items.enqueue_items(1)
    html = desk.open_page()
    for key in ("a", "1", "2", "3", "x", "t", "e", "s", "n", "g", "?"):
        assert f'data-key="{key}"' in html
    claim = desk.claim().id
    assert reverse("desk-verdict", args=["intents", claim]) in html
    assert reverse("desk-pass", args=["intents", claim]) in html


def test_agreeing_looks_like_any_other_answer(desk: DeskClient) -> None:
    queue_items.enqueue_items(1)
    html = desk.open_page()
    classes = {
        re.search(rf'<button class="([^"]*)"\s+name="{name}" value="{value}"', html).group(1)  # type: ignore[union-attr]
        for name, value in (("verdict", "agree"), ("answer", "billing"), ("verdict", "none"))
    }
    assert classes == {"choice"}


def test_an_answer_brings_the_next_item_in_the_same_response(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, 2)
    desk.open_page()
    first = desk.claim()
    html = desk_client.decode_body(
        desk.post("desk-verdict", first.id, answer="billing", note="twice", active_seconds="4")
    )

    verdict = Verdict.objects.get()
    assert (verdict.kind, verdict.answer, verdict.note) == ("correct", "billing", "twice")
    second = desk.claim()
    assert second.item.reference == "ticket-2"
    assert f'data-claim="{second.id}"' in html
    assert "<html" not in html
    assert reverse("desk-undo", args=["intents", verdict.pk]) in html


def test_without_javascript_the_form_posts_and_is_redirected(desk: DeskClient) -> None:
    queue_items.enqueue_items(1)
    desk.open_page()
    response = desk.post("desk-verdict", desk.claim().id, htmx=False, verdict="agree")
    assert response.status_code == 302
    assert response["Location"] == reverse("desk", args=["intents"])
    assert "No items to review" in desk.open_page()


def test_choosing_the_ais_answer_counts_as_agreeing(desk: DeskClient) -> None:
    queue_items.enqueue_items(1)
    desk.open_page()
    desk.post("desk-verdict", desk.claim().id, answer="refund")
    assert Verdict.objects.get().kind == "agree"


def test_the_same_submit_again_changes_nothing(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, 2)
    desk.open_page()
    claim = desk.claim().id
    for _ in range(2):
        assert desk.post("desk-verdict", claim, verdict="agree").status_code == 200
    assert Verdict.objects.count() == 1
    assert desk.claim().item.reference == "ticket-2"


def test_undo_brings_the_item_back(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, 2)
    desk.open_page()
    desk.post("desk-verdict", desk.claim().id, verdict="agree")
    verdict = Verdict.objects.get()
    html = desk_client.decode_body(desk.post("desk-undo", verdict.pk))
    assert "Undo" not in html
    verdict.refresh_from_db()
    assert verdict.undone_at is not None
    back = next(claim for claim in list_held_claims(desk.user) if claim.item.reference == "ticket-1")
    assert f'data-claim="{back.id}"' in html


def test_undo_restores_the_answer(desk: DeskClient, queue_of_labels: Queue) -> None:
    queue_of_labels.error_types = ["misread"]
    queue_of_labels.save()
    queue_items.enqueue_items(1, schema_number=2, proposal=["price"], alternatives=[])
    desk.open_page()
    said: dict[str, Any] = {
        "verdict": "correct",
        "answers": ["service"],
        "note": "read <twice>",
        "error_type": "misread",
    }
    desk.post("desk-verdict", desk.claim().id, **said)
    html = desk_client.decode_body(desk.post("desk-undo", Verdict.objects.get().pk))
    assert "read &lt;twice&gt;</textarea>" in html
    assert '<option value="misread" selected>' in html
    assert re.findall(r'value="(\w+)"[^>]* checked', html) == ["service"]


@pytest.fixture
def queue_of_labels(queue: Queue) -> Queue:
    AnswerSchema.objects.create(queue=queue, number=2, kind="labels", answers=["price", "service"])
    return queue


def test_a_renewal_returns_only_the_new_time(desk: DeskClient) -> None:
    queue_items.enqueue_items(1)
    desk.open_page()
    claim = desk.claim()
    Slot.objects.update(reserved_until=timezone.now() + timedelta(seconds=30))
    html = desk_client.decode_body(desk.post("desk-renewal", claim.id))
    seconds = int(re.search(r'data-remaining="(\d+)"', html).group(1))  # type: ignore[union-attr]
    assert 890 <= seconds <= 900
    assert html.lstrip().startswith('<span id="reservation"')


def test_passing_gives_the_item_to_the_others(desk: DeskClient, rita: User) -> None:
    queue_items.enqueue_items(1)
    desk.open_page()
    assert "No items to review" in desk_client.decode_body(desk.decline("pass", "conflict"))
    assert "I was charged twice" in DeskClient(rita).open_page()


def test_stopping_gives_the_item_back(desk: DeskClient) -> None:
    queue_items.enqueue_items(1)
    desk.open_page()
    response = desk.post("desk-release", desk.claim().id, htmx=False)
    assert response["Location"] == reverse("inbox")
    assert list_held_claims(desk.user) == []


def test_answer_first_shows_nothing_of_the_ai_until_the_person_has_answered(desk: DeskClient) -> None:
    queue_items.enqueue_items(
        1, answer_first=True, proposal="refund", alternatives=[{"answer": "refund", "confidence": 0.6218}],
        why={"message": "Because of the %(rule)s rule", "params": {"rule": "moonlight"}}, model="intent-clf-9000",
    )  # fmt: skip
    before = desk.open_page()
    for hint in ("moonlight", "9000", 'class="proposal', 'value="agree"', 'value="escalate"'):
        assert hint not in before
    assert not re.search(r"\b62(18)?\b", before)  # a token or a time may well have these digits in it
    claim = desk.claim()
    after = desk_client.decode_body(desk.post("desk-first-answer", claim.id, answer="billing"))
    assert f'data-claim="{claim.id}"' in after
    # The confidence and the reason for the review would reveal audits.
    assert 'class="proposal-label"' in after
    assert not re.search(r"moonlight|9000|\b62(18)?\b", after)
    assert "You answered: Billing" in after
    assert re.search(r'name="answer" value="billing"[^>]*data-key="k"', after)
    assert re.search(r'name="verdict" value="agree"[^>]*data-key="a"', after)

    desk.post("desk-verdict", claim.id, verdict="agree")
    verdict = Verdict.objects.get()
    assert (verdict.first_answer, verdict.answer, verdict.proposal_visible) == ("billing", "refund", False)


@pytest.mark.parametrize("htmx", [True, False])
def test_the_first_answers_remarks_are_kept_when_the_ais_answer_is_shown(desk: DeskClient, htmx: bool) -> None:
    Queue.objects.update(error_types=["wrong team", "wrong tone"])
    queue_items.enqueue_items(1, answer_first=True)
    desk.open_page()
    claim = desk.claim().id
    said = {"note": "my own thought", "error_type": "wrong tone"}
    response = desk.post("desk-first-answer", claim, htmx=htmx, answer="billing", **said)
    after = (
        desk_client.decode_body(response) if htmx else desk_client.decode_body(desk.client.get(response["Location"]))
    )
    assert "my own thought</textarea>" in after
    assert '<option value="wrong tone" selected>' in after


def test_a_first_answer_without_remarks_saves_no_draft(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    desk.open_page()
    desk.post("desk-first-answer", desk.claim().id, answer="billing", note="")
    assert not Draft.objects.exists()


def test_only_the_latest_decision_counts_down(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, 2, 3, undo_seconds=30)
    desk.open_page()
    for _ in range(2):
        desk.post("desk-verdict", desk.claim().id, verdict="agree")
    html = desk.open_page()
    assert (html.count("data-undo="), html.count("data-seconds")) == (2, 1)


def test_ticks_start_from_the_ais_answer_and_are_posted_as_a_list(desk: DeskClient, queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="labels", answers=["price", "service", "delivery"])
    queue_items.enqueue_items(1, schema_number=2, proposal=["price"], alternatives=[])
    html = desk.open_page()
    assert re.search(r'value="price" checked', html)
    assert 'value="service" checked' not in html
    desk.post("desk-verdict", desk.claim().id, verdict="correct", answers=["delivery", "price"])
    assert Verdict.objects.get().answer == ["price", "delivery"]


def test_a_structured_answer_is_a_form_that_names_its_errors(desk: DeskClient, queue: Queue) -> None:
    schema = {
        "type": "object",
        "properties": {"supplier": {"type": "string"}, "total": {"type": "number"}, "lines": {"type": "array"}},
        "required": ["supplier", "total"],
    }
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=schema)
    proposal = {"supplier": "ACME", "total": 12.5, "lines": [1], "extra": "kept"}
    queue_items.enqueue_items(1, schema_number=2, proposal=proposal, alternatives=[], field_hints={"/total": 0.4})
    html = desk.open_page()
    assert 'name="text/supplier" value="ACME"' in html
    assert 'name="text/extra" value="kept"' in html
    assert "field-doubt" in html
    fields: dict[str, Any] = {"verdict": "correct", "text/supplier": "ACME", "text/extra": "kept", "json/lines": "[1]"}
    wrong = desk_client.decode_body(desk.post("desk-verdict", desk.claim().id, **fields | {"number/total": "lots"}))
    assert re.search(r"<strong>total</strong>:\s+Enter a number\.", wrong)
    missing = desk_client.decode_body(desk.post("desk-verdict", desk.claim().id, **fields))
    assert re.search(r"<strong>total</strong>:\s+This field is required\.", missing)
    desk.post("desk-verdict", desk.claim().id, **fields | {"number/total": "17.5"})
    assert Verdict.objects.get().answer == proposal | {"total": 17.5}


def test_an_answer_against_the_schema_cannot_be_agreed_with(desk: DeskClient, queue: Queue) -> None:
    schema = {"type": "object", "properties": {"supplier": {"type": "string"}, "total": {"type": "number"}}}
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=schema)
    queue_items.enqueue_items(1, schema_number=2, proposal={"supplier": 5, "total": 2}, alternatives=[])
    desk.open_page()
    refused = desk_client.decode_body(desk.post("desk-verdict", desk.claim().id, verdict="agree"))
    assert "cannot be accepted as it is" in refused
    assert re.search(r"<strong>supplier</strong>:\s+This must be text\.", refused)


def test_the_final_say_shows_the_other_answers_with_reasons(ann: User, rob: User, rita: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2, undo_seconds=0)
    for person, answer in ((rob, "billing"), (rita, "card_arrival")):
        claim = claim_next(user=person, slug="intents")
        assert claim is not None
        if claim.answer_first:
            submit.submit_first_answer(claim_id=claim.id, user=person, answer=answer)
        submit.submit_verdict(
            claim_id=claim.id, user=person, kind="correct", answer=answer, note=f"{person.username} thinks"
        )
    labels.settle_due_items()

    lead = DeskClient(ann)
    html = lead.open_page()
    assert "Answers so far" in html
    assert "rita thinks" in html
    assert 'name="reason" required' in html
    for reason in ("ambiguous", "guideline_gap", "model_error", "reviewer_error"):
        assert f'value="{reason}"' in html
    assert 'value="escalate"' not in html
    refused = lead.post("desk-verdict", lead.claim().id, answer="billing", reason_wanted="1")
    assert refused.status_code == 400
    assert 'name="reason_wanted"' in html
    lead.post("desk-verdict", lead.claim().id, answer="billing", reason="reviewer_error", reason_wanted="1")
    assert Verdict.objects.filter(final_say=True).get().reason == "reviewer_error"


def test_content_is_inert_and_hidden_characters_show(desk: DeskClient) -> None:
    evil = "<script>alert(1)</script>\u202e"
    queue_items.enqueue_items(
        1, input={"text": evil, "url": "https://evil.example"}, context={evil: evil}, reference=evil
    )
    html = desk.open_page()
    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert html.count('">U+202E</span>') == 3
    assert 'href="https://evil' not in html
    assert " style=" not in html


def test_changed_guidelines_are_marked(desk: DeskClient, queue: Queue) -> None:
    queue_items.enqueue_items(1, 2)
    desk.open_page()
    desk.post("desk-verdict", desk.claim().id, verdict="agree")
    desk.post("desk-release", desk.claim().id)
    Guideline.objects.create(queue=queue, number=2, text="Now **different**.")
    html = desk.open_page()
    assert "<strong>different</strong>" in html
    assert "changed</span>" in html


def test_the_guidelines_have_a_page_of_their_own(desk: DeskClient) -> None:
    assert "<strong>refund</strong>" in desk_client.decode_body(
        desk.client.get(reverse("guidelines", args=["intents"]))
    )


def test_waiting_items_are_counted_beside_the_desk(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, 2)
    html = desk_client.decode_body(
        desk.client.get(reverse("desk-queues", args=["intents"]), headers=desk_client.HTMX_HEADERS)
    )
    assert 'class="number">2<' in html


def test_an_answer_and_the_next_item_take_a_bounded_number_of_queries(
    desk: DeskClient, django_assert_max_num_queries: Any
) -> None:
    """Two for who it is; two locks, what is on record, the verdict and its event; the queue, the place in it, what
    they hold, at most two looks for a slot, the item; the time, guidelines, draft, latest verdicts and preferences;
    and two transactions, each with a beginning and an end. Who waits for the answer waits for each of them."""
    queue_items.enqueue_items(*range(1, 20))
    desk.open_page()
    for _ in range(12):
        claim = desk.claim().id
        with django_assert_max_num_queries(22):
            desk.post("desk-verdict", claim, verdict="agree")
