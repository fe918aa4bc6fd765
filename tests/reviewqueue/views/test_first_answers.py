"""A first answer at the desk that is the AI's, too: recorded as it was written, and not asked again."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.kernel import sent_json
from reviewqueue.models import AnswerSchema, Queue, Verdict
from tests.helpers import desk_client, queue_items
from tests.helpers.desk_client import DeskClient

_WRITTEN_OTHERWISE: dict[str, Any] = {"text/shop": "ACME ", "number/total": "1.1"}
_WRITTEN_ALIKE: dict[str, Any] = {"text/shop": "ACME", "number/total": "1.10"}

pytestmark = pytest.mark.django_db


def test_a_first_answer_that_means_the_same_is_stored_as_it_was_written(desk: DeskClient) -> None:
    properties = {"shop": {"type": "string"}, "total": {"type": "number"}}
    AnswerSchema.objects.create(
        queue=Queue.objects.get(), number=2, kind="structured", schema={"type": "object", "properties": properties}
    )
    proposal = {"shop": "ACME", "total": sent_json.parse_sent("1.10")}
    queue_items.enqueue_items(1, 2, schema_number=2, proposal=proposal, alternatives=[], answer_first=True)
    cases: list[tuple[dict[str, Any], str]] = [(_WRITTEN_OTHERWISE, "correct"), (_WRITTEN_ALIKE, "agree")]
    for entered, kind in cases:
        desk.open_page()
        claim = desk.claim().id
        desk.post("desk-first-answer", claim, verdict="correct", **entered)
        again = desk.post("desk-first-answer", claim, verdict="correct", **entered)
        assert again.status_code == 200
        verdict = Verdict.objects.latest("id")
        written = {"shop": entered["text/shop"], "total": sent_json.parse_sent(entered["number/total"])}
        assert (verdict.kind, verdict.proposal_visible) == (kind, False)
        assert sent_json.encode_sent([verdict.answer, verdict.first_answer]) == sent_json.encode_sent([written] * 2)


def test_a_first_answer_sent_again_after_it_was_changed_is_not_said_to_be_the_ais(desk: DeskClient) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    desk.open_page()
    claim = desk.claim().id
    desk.post("desk-first-answer", claim, answer="billing")
    desk.post("desk-verdict", claim, verdict="agree")
    again = desk_client.decode_body(desk.post("desk-first-answer", claim, answer="billing"))
    assert "Same answer as the AI" not in again
