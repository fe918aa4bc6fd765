"""What a person's past decisions say that they said."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from reviewqueue.models import AnswerSchema, Queue, Verdict
from tests.helpers import queue_items
from tests.helpers.desk_client import DeskClient

pytestmark = pytest.mark.django_db


def _read_decision(desk: DeskClient) -> str:
    verdict = Verdict.objects.latest("id")
    address = reverse("desk-decision", args=[verdict.item.queue.slug, verdict.pk])
    words = re.sub(r"<[^>]*>", " ", desk.client.get(address).content.decode())
    return " ".join(words.split())


def test_an_answer_stands_there_once(desk: DeskClient) -> None:
    AnswerSchema.objects.create(queue=Queue.objects.get(), number=2, kind="label", answers=["card_arrival", "refund"])
    queue_items.enqueue_items(1, schema_number=2, proposal="refund", alternatives=[])
    desk.open_page()
    desk.post("desk-verdict", desk.claim().id, answer="card_arrival")
    assert "Answer Card arrival" in _read_decision(desk)
    assert "Card arrival Card arrival" not in _read_decision(desk)


def test_a_first_answer_with_fields_is_shown_itself(desk: DeskClient) -> None:
    AnswerSchema.objects.create(queue=Queue.objects.get(), number=2, kind="structured", schema={"type": "object"})
    queue_items.enqueue_items(1, schema_number=2, proposal={"total": 2}, alternatives=[], answer_first=True)
    desk.open_page()
    claim = desk.claim().id
    desk.post("desk-first-answer", claim, verdict="correct", whole='{"total": 1.10}')
    desk.post("desk-verdict", claim, verdict="agree")
    page = _read_decision(desk)
    assert re.search(r"First answer \{ ?total: 1\.10", page.replace("&quot;", "")), page
    assert "First answer corrected" not in page
