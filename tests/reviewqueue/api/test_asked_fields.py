"""Items that ask for some fields, as a custom review tool gets and answers them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from reviewqueue.models import Queue, User, Verdict
from tests.helpers import invoices
from tests.helpers.asked_fields import build_answer, build_document, enqueue_invoices
from tests.reviewqueue.api.test_claims import Call, caller, claim

pytestmark = pytest.mark.usefixtures("balanced")


@pytest.fixture
def call(queue: Queue, client: Client) -> Call:
    return caller(client)


def test_an_answer_first_claim_has_all_but_the_asked_values(call: Call, rob: User) -> None:
    enqueue_invoices(1, answer_first=True)
    item = claim(call)["item"]
    assert item["asked"] == invoices.ASKED
    assert item["kept"]["address"] == {"street": "Bahnhofstrasse 4", "zip": "3011", "country": "CH"}
    assert not {"proposal", "field_hints", "why"} & item.keys()
    assert not {"due", "total"} & item["kept"].keys()


@pytest.mark.parametrize("answer", [build_answer(total=119.0), build_document(total=119.0)])
def test_the_answer_is_whole_or_the_asked_fields_only(call: Call, rob: User, answer: Any) -> None:
    enqueue_invoices(1, answer_first=True)
    held = claim(call)["claim"]
    shown = call("post", f"claims/{held}/verdict", {"verdict": "answer", "answer": answer}).json()  # type: ignore[attr-defined]
    assert (shown["item"]["proposal"], shown["first_answer"]) == (
        invoices.FULL_ANSWER,
        build_document(total=119.0),
    )
    sent = call("post", f"claims/{held}/verdict", {"verdict": "correct", "answer": answer})
    assert sent.status_code == 201
    assert Verdict.objects.get().answer == build_document(total=119.0)


def test_an_answer_that_changes_another_field_is_refused_with_a_pointer(call: Call, rob: User) -> None:
    enqueue_invoices(1)
    held = claim(call)["claim"]
    answer = build_document() | {"supplier": "Other Ltd"}
    refused: Any = call("post", f"claims/{held}/verdict", {"verdict": "correct", "answer": answer})
    assert refused.status_code == 400
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/answer/supplier"]
    assert not Verdict.objects.exists()
