"""Item after item, press by press: the decision is what was on screen and what was pressed.

Walks a fixed number of generated items; REVIEWQUEUE_WALK_ITEMS=300 walks longer.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.answers import schema
from reviewqueue.kernel import sent_json
from reviewqueue.models import AnswerSchema, Queue, User, Verdict
from tests.helpers import queue_items, sent_answers
from tests.helpers.desk_page import DESK_URL, enqueue_letters, expect_item
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WALKED_ITEMS = int(os.environ.get("REVIEWQUEUE_WALK_ITEMS", "14"))
ANSWERS = ["equal", "second", "first"]
FIELDS = {
    "type": "object",
    "properties": {"supplier": {"type": "string"}, "total": {"type": "number"}, "lines": {"type": "object"}},
}
_CANDIDATES = {"1": "first", "2": "second", "0": "equal"}


@dataclass(frozen=True)
class _Walk:
    """One item: what the AI says, what the person enters, and what must come out."""

    number: int
    kind: str
    answer_first: bool
    proposal: Any
    said: Any

    @property
    def expected(self) -> tuple[str, Any]:
        return ("agree" if schema.is_same_answer(self.said, self.proposal) else "correct"), self.said

    @property
    def text(self) -> str:
        return f"Letter {self.number}."


def _build_walk(number: int, rng: random.Random) -> _Walk:
    kind = ("label", "labels", "structured")[number % 3]
    blind = rng.random() < 0.4
    if kind == "label":
        return _Walk(number, kind, blind, rng.choice(ANSWERS), rng.choice(ANSWERS))
    if kind == "labels":
        return _Walk(number, kind, blind, *([one for one in ANSWERS if rng.random() < 0.4] for _ in range(2)))
    theirs, mine = rng.choice(sent_answers.NEAR_MISSES)
    field = "supplier" if isinstance(theirs, str) else "total"
    nested = {"z": theirs, "a": [sent_json.parse_sent("1.10")]}
    return _Walk(number, kind, blind, {field: theirs, "lines": nested}, {field: mine, "lines": nested})


def _enqueue(walk: _Walk) -> None:
    content: dict[str, Any] = {"text": walk.text}
    if walk.kind == "label":
        content = {"prompt": walk.text, "candidates": ["One.", "Two."]}
    queue_items.enqueue_items(
        walk.number,
        input=content,
        proposal=walk.proposal,
        alternatives=[],
        field_hints={},
        answer_first=walk.answer_first,
        schema_number={"label": 2, "labels": 3, "structured": 4}[walk.kind],
    )


def _enter(page: Page, walk: _Walk) -> None:
    """Enter the answer as a person does, whatever is on screen before."""
    page.locator("#question").focus()
    if walk.kind == "label":
        page.keyboard.press(next(key for key, answer in _CANDIDATES.items() if answer == walk.said))
        return
    if walk.kind == "labels":
        for place, answer in enumerate(ANSWERS, start=1):
            if page.locator(f'input[value="{answer}"]').is_checked() is not (answer in walk.said):
                page.keyboard.press(str(place))
        expect(page.locator("[data-send]")).to_contain_text("Send these answers" if walk.said else "Nothing applies")
    else:
        for name, value in walk.said.items():
            field = page.locator(f'[data-pointer="/{name}"] :is(input, textarea)')
            entered = value if isinstance(value, str) else sent_json.encode_sent(value)
            if name != "lines" or not field.input_value():
                field.fill(entered)
    page.keyboard.press("Control+Enter") if walk.kind == "structured" else page.keyboard.press("Enter")


def _walk_item(page: Page, walk: _Walk) -> None:
    expect_item(page, walk.text)
    _enter(page, walk)
    if not walk.answer_first or schema.answers_match(walk.said, walk.proposal):
        return  # what means the same as the AI's answer is not asked again
    expect(page.locator('[data-draft][data-stage="keep"]')).to_be_attached()
    expect_item(page, walk.text)
    page.locator("#question").focus()
    if walk.kind == "label":
        page.keyboard.press("k")
    else:
        page.locator("[data-send]").click()


def test_the_decision_is_what_was_on_screen_and_pressed(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="label", answers=ANSWERS)
    AnswerSchema.objects.create(queue=queue, number=3, kind="labels", answers=ANSWERS)
    AnswerSchema.objects.create(queue=queue, number=4, kind="structured", schema=FIELDS)
    rng = random.Random(7)
    walks = [_build_walk(number, rng) for number in range(1, WALKED_ITEMS + 1)]
    for walk in walks:
        _enqueue(walk)
    page = sign_in(rob, DESK_URL)
    for walk in walks:
        _walk_item(page, walk)
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    given = {verdict.item_id: verdict for verdict in Verdict.objects.all()}
    for walk in walks:
        verdict = given[walk.number]
        kind, answer = walk.expected
        assert (verdict.kind, schema.exact_key(verdict.answer)) == (kind, schema.exact_key(answer)), walk
        assert schema.exact_key(verdict.first_answer) == schema.exact_key(answer), walk
        assert verdict.proposal_visible is not walk.answer_first, walk


def test_an_edited_digit_or_blank_is_seen_before_it_is_sent(sign_in: SignInFixture, rob: User, queue: Queue) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=FIELDS)
    pairs = list(enumerate(sent_answers.NEAR_MISSES, start=1))
    names = ["supplier" if isinstance(theirs, str) else "total" for _, (theirs, _mine) in pairs]
    for (number, (theirs, _mine)), name in zip(pairs, names, strict=True):
        enqueue_letters(number, schema_number=2, proposal={name: theirs}, alternatives=[], field_hints={})
    page = sign_in(rob, DESK_URL)
    for (number, (_theirs, mine)), name in zip(pairs, names, strict=True):
        expect_item(page, f"Letter {number}.")
        page.locator(f'[data-pointer="/{name}"] :is(input, textarea)').fill(_typed(mine))
        expect(page.locator(f'[data-pointer="/{name}"] [data-was]')).to_be_visible()
        page.locator("#question").focus()
        page.keyboard.press("a")
        expect(page.locator('#notice [data-problem="changed"]')).to_be_visible()
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No items to review")).to_be_visible()
    given = {verdict.item_id: verdict for verdict in Verdict.objects.all()}
    for (number, (_theirs, mine)), name in zip(pairs, names, strict=True):
        assert given[number].kind == "correct"
        assert schema.exact_key(given[number].answer) == schema.exact_key({name: mine})


def _typed(value: Any) -> str:
    return value if isinstance(value, str) else sent_json.encode_sent(value)


def test_after_a_first_answer_the_form_says_whose_answer_it_holds(
    sign_in: SignInFixture, rob: User, queue: Queue
) -> None:
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema=FIELDS)
    AnswerSchema.objects.create(queue=queue, number=3, kind="labels", answers=ANSWERS)
    queue_items.enqueue_items(1, schema_number=2, proposal={"supplier": "ACME"}, alternatives=[], answer_first=True)
    queue_items.enqueue_items(2, schema_number=3, proposal=["first"], alternatives=[], answer_first=True)
    page = sign_in(rob, DESK_URL)
    expect_item(page)
    page.get_by_label("Supplier").fill("Other")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Your answer is filled in below.")).to_be_visible()
    expect(page.get_by_text("The AI’s answer is shown where yours differs")).to_be_visible()  # noqa: RUF001
    expect(page.locator("#desk[data-ready]")).to_be_attached()
    page.locator("#item").focus()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("button", name="Something not listed")).to_be_visible()
    expect_item(page)
    assert Verdict.objects.get().answer == {"supplier": "Other"}
    page.keyboard.press("x")
    expect(page.get_by_text("You answered: something not listed")).to_be_visible()
