"""Nothing is sent that nobody meant to send, and nobody is left without a way on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from reviewqueue.models import AnswerSchema, Queue, Slot, User, Verdict
from tests.browser.signing_in import SignIn
from tests.reviewqueue import invoices, items

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/queues/intents/"
UNREADY = "document.querySelector('[data-desk]').removeAttribute('data-ready')"
READY = "document.querySelector('[data-desk]').setAttribute('data-ready', '')"


@pytest.fixture
def invoice(queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=invoices.SCHEMA)


def _invoices(*numbers: int) -> None:
    for number in numbers:
        items.enqueue(
            number,
            schema_number=2,
            input={"text": f"Letter {number}."},
            alternatives=[],
            proposal=invoices.ANSWER,
            field_hints=invoices.HINTS,
        )


def _enqueue(*numbers: int, **fields: Any) -> None:
    for number in numbers:
        items.enqueue(number, input={"text": f"Letter {number}."}, **fields)


def _ready(page: Page, text: str = "") -> None:
    expect(page.locator("#desk[data-ready] #item")).to_contain_text(text)


def _lapse() -> None:
    Slot.objects.open().exclude(holder=None).update(reserved_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.usefixtures("invoice")
def test_enter_in_a_field_sends_nothing_of_an_item_that_has_only_just_come(sign_in: SignIn, rob: User) -> None:
    _invoices(1, 2)
    page = sign_in(rob, DESK)
    _ready(page, "Letter 1.")
    page.evaluate(UNREADY)
    page.locator("[name='number/total']").fill("120")
    page.evaluate("document.querySelector('[data-judgement]').requestSubmit()")
    page.evaluate("document.querySelector('[data-judgement] > button').click()")
    page.evaluate(READY)
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    _ready(page, "Letter 2.")
    assert Verdict.objects.get().kind == "agree"


@pytest.mark.usefixtures("invoice")
def test_enter_held_down_goes_one_field_further_and_sends_nothing(sign_in: SignIn, rob: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK)
    _ready(page)
    page.locator("[name='number/total']").focus()
    for _ in range(9):
        page.keyboard.down("Enter")
    expect(page.locator("[name='number/lines/0/amount']")).to_be_focused()
    assert not Verdict.objects.exists()


@pytest.mark.usefixtures("invoice")
def test_enter_sends_nothing_of_an_item_that_was_lost(sign_in: SignIn, rob: User, rita: User) -> None:
    _invoices(1)
    page = sign_in(rob, DESK)
    _ready(page)
    _lapse()
    items.take(rita)
    page.keyboard.press("a")
    expect(page.locator("#notice")).to_contain_text("rita has it now.")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.locator("[name='number/total']").press("Enter")
    page.locator("[name='number/lines/0/amount']").press("Enter")
    expect(page.locator("[data-judgement] > button").first).to_be_disabled()
    assert [url for url in sent if url.endswith("/verdict/")] == []
