"""The read-only admin pages."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from reviewqueue.kernel import sent_json
from reviewqueue.models import AnswerSchema, Queue, User, Verdict
from reviewqueue.queue.claim import claim_next
from reviewqueue.verdicts import submit
from tests.helpers import queue_items

pytestmark = pytest.mark.django_db


def test_an_answer_is_shown_with_the_digits_that_were_sent(client: Client, queue: Queue, rob: User) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema={"type": "object"})
    answer = sent_json.parse_sent('{"total":12345678901234567.89,"tax":1.10}')
    queue_items.enqueue_items(1, schema_number=2, proposal={}, alternatives=[])
    claim = claim_next(user=rob, slug=queue.slug)
    assert claim is not None
    submit.submit_verdict(claim_id=claim.id, user=rob, kind="correct", answer=answer)
    client.force_login(
        User.objects.create(username="root", role="admin"), backend="django.contrib.auth.backends.ModelBackend"
    )
    page = client.get(reverse("admin:reviewqueue_verdict_change", args=[Verdict.objects.get().pk])).content.decode()
    assert "12345678901234567.89" in page
    assert "1.10" in page
