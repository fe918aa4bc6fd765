"""A hundred attacks in every kind of content, in a real browser: nothing runs, and nothing is asked of anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect
from pytest_django.live_server_helper import LiveServer

from reviewqueue import content
from reviewqueue.models import AnswerSchema, Guideline, Queue, User
from tests.browser.signing_in import SignIn
from tests.reviewqueue import hostile, items

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/queues/intents/"
FREE = {"type": "object"}


@pytest.fixture
def watched(sign_in: SignIn, rob: User, live_server: LiveServer) -> Iterator[Page]:
    """A page on which every request, dialog, window and complaint is counted; after the test there were none."""
    seen: list[str] = []
    page = sign_in(rob)

    def refuse(dialog: Dialog) -> None:
        seen.append(dialog.message)
        dialog.dismiss()

    page.on("request", lambda request: None if _is_own(request.url, live_server.url) else seen.append(request.url))
    page.on("dialog", refuse)
    page.on("popup", lambda popup: seen.append(popup.url))
    page.on("console", lambda line: seen.append(line.text) if line.type == "error" else None)
    yield page
    assert page.evaluate("window.broken") is None
    assert seen == []


def _is_own(url: str, origin: str) -> bool:
    return url.startswith((f"{origin}/", "data:image/"))


def _touch_everything(page: Page) -> None:
    """What a person might set off by looking around: folds, keys of the content, whatever the pointer passes over."""
    page.keyboard.press("v")
    page.evaluate(
        """() => { for (const one of document.querySelectorAll('#desk *')) for (const type of
             ['pointerenter', 'mouseover', 'mouseenter', 'focus', 'toggle', 'load', 'error', 'animationstart'])
               one.dispatchEvent(new Event(type)); }"""
    )


@pytest.mark.parametrize("kind", sorted(content.KINDS))
def test_nothing_runs_and_no_request_leaves_from_any_kind_of_content(watched: Page, queue: Queue, kind: str) -> None:
    queue.display = hostile.DISPLAY
    queue.save(update_fields=["display"])
    items.enqueue(1, input=hostile.SHAPES[kind](hostile.PAYLOADS))
    items.enqueue(2, input={"text": "the next"})
    watched.goto(DESK)
    expect(watched.locator("#desk[data-ready] #item")).to_contain_text("window.broken=1")
    _touch_everything(watched)
    watched.keyboard.press("a")
    expect(watched.locator("#desk[data-ready] #item")).to_contain_text("the next")


@pytest.mark.parametrize("kind", ["label", "labels", "structured"])
def test_nothing_runs_anywhere_else_on_the_desk(watched: Page, queue: Queue, kind: str) -> None:
    attacks: list[str] = hostile.PAYLOADS
    proposals: dict[str, Any] = {
        "label": attacks[1],
        "labels": attacks[:9],
        "structured": {one: one for one in attacks},
    }
    AnswerSchema.objects.create(
        queue=queue,
        number=2,
        kind=kind,
        answers=[] if kind == "structured" else attacks,
        schema=FREE if kind == "structured" else None,
    )
    Guideline.objects.create(queue=queue, number=2, text="\n\n".join(attacks))
    Queue.objects.update(title=attacks[0], question=attacks[6], error_types=attacks)
    items.enqueue(
        1,
        schema_number=2,
        input={"text": attacks[3]},
        proposal=proposals[kind],
        alternatives=[{"answer": one, "confidence": 0.01} for one in attacks],
        field_hints={f"/{one}": 0.1 for one in attacks},
        why={"message": "%(rule)s " + attacks[2], "params": {"rule": attacks[3]}},
        context={one: one for one in attacks},
        reference=attacks[4][:200],
        model=attacks[5],
    )
    watched.goto(DESK)
    expect(watched.locator("#desk[data-ready] #item")).to_contain_text("window.broken=1")
    _touch_everything(watched)
    watched.keyboard.press("g")
    expect(watched.locator("dialog[open]")).to_be_visible()
    watched.keyboard.press("Escape")
    watched.keyboard.press("x")
    expect(watched.locator("#desk")).to_be_attached()
