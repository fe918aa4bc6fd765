"""The desk in every state that somebody meets it in: what has to be in the database, and what is pressed then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page, expect

from reviewqueue.kernel import clock
from reviewqueue.models import AnswerSchema, Guideline, Membership, Queue, Slot, User
from reviewqueue.queue.items import NewItem, enqueue
from tests.helpers import content_samples, invoices, queue_items, scene_data

DESK = "/queues/intents/"
PROMISE = "/streams/intents/promise/"
QUESTION = "What does the customer want?"
LETTER = (
    "Hello,\n\nmy card was charged twice for the same order (A-20931), once at 21:04 and again at 21:06. The first "
    "payment is the right one. Please send the second one back, or tell me what you need from me to do it.\n\n"
    "Thank you\nJonas Weber"
)


@dataclass(frozen=True)
class Scene:
    """Who opens which page after `prepare`, and does what there; without an own path it is the desk with an item."""

    prepare: Callable[[], object]
    act: Callable[[Page], object] | None = None
    who: str = "rob"
    path: str = DESK

    def play(self, page: Page) -> None:
        """From the page as it came to the state that the scene is about."""
        if self.path == DESK:
            expect(page.locator("#desk[data-ready]")).to_be_attached()
        if self.act is not None:
            self.act(page)


def scenes() -> dict[str, Scene]:
    """All of them, by name; the kinds of content first."""
    kinds = {name: Scene(partial(shown, sample)) for name, sample in content_samples.samples().items()}
    return {**kinds, **_answering(), **_around(), **_pages()}


def _answering() -> dict[str, Scene]:
    return {
        "letter": Scene(letter),
        "answer-first": Scene(lambda: letter(answer_first=True)),
        "answer-first-answered": Scene(lambda: letter(answer_first=True), _answer_first),
        "final-say": Scene(final_say, who="ann"),
        "multi-label": Scene(multi_label),
        "structured": Scene(structured),
        "structured-all-fields": Scene(structured, lambda page: page.keyboard.press("f")),
        "structured-mistake": Scene(structured, _mistake),
        "structured-misfit": Scene(structured, _misfit),
        "long-list": Scene(long_list),
        "long-list-searched": Scene(long_list, _search),
    }


def _around() -> dict[str, Scene]:
    return {
        "reasons": Scene(letter, lambda page: _press(page, "t", "[data-reasons]:popover-open")),
        "guidelines-dialog": Scene(letter, lambda page: _press(page, "g", "#guidelines[open]")),
        "keys-dialog": Scene(letter, lambda page: _press(page, "?", "#keys[open]")),
        "reservation-lost": Scene(letter, _lose),
        "draft": Scene(letter, _draft),
        "break": Scene(letter, _work_long),
        "nothing-waits": Scene(people),
        "hidden-characters": Scene(hidden_characters),
    }


def _pages() -> dict[str, Scene]:
    return {
        "inbox": Scene(letter, path="/"),
        "numbers": Scene(letter, path="/account/numbers/"),
        "settings": Scene(people, path="/account/desk/"),
        "settings-mistake": Scene(people, _clash, path="/account/desk/"),
        "guidelines": Scene(people, path=f"{DESK}guidelines/"),
        "past-decisions": Scene(letter, path=f"{DESK}verdicts/"),
        "past-decision": Scene(
            letter, lambda page: page.locator(".decisions a").first.click(), path=f"{DESK}verdicts/"
        ),
        "promise": Scene(scene_data.promised, who="mara", path=PROMISE),
        "promise-empty": Scene(scene_data.nothing_said, who="mara", path=PROMISE),
        "promise-to-each": Scene(scene_data.promised_to_each, who="mara", path=f"{PROMISE}?parts=on"),
        "promise-ended": Scene(scene_data.broken_promise, who="mara", path=PROMISE),
    }


def people() -> Queue:
    """The cast at three queues, and what rob has decided a moment ago; nothing waits in the first queue."""
    scene_data.at_work()
    queue = Queue.objects.create(slug="intents", title="Support intents", question=QUESTION)
    AnswerSchema.objects.create(queue=queue, number=1, kind="label", answers=["billing", "refund", "card_arrival"])
    for number, text in enumerate(scene_data.GUIDELINES, start=1):
        Guideline.objects.create(queue=queue, number=number, text=text)
    roles = {"rob": "reviewer", "rita": "reviewer", "ann": "lead", "mara": "manager"}
    cast = [User.objects.create(username=name, role=role, password="!") for name, role in roles.items()]
    Membership.objects.bulk_create(Membership(user=user, queue=queue) for user in cast)
    for title, waiting in scene_data.OTHER_QUEUES.items():
        _other(title, waiting, cast)
    for number, (text, said) in enumerate(scene_data.DECIDED, start=1):
        queue_items.enqueue(number, input={"text": text}, due_at=timezone.now() + timedelta(hours=4))
        queue_items.judge(
            cast[0], "agree" if said == "refund" else "correct", answer=None if said == "refund" else said
        )
    return queue


def letter(**fields: Any) -> None:
    people()
    told: dict[str, Any] = {
        "context": {"customer since": "2019", "plan": "premium", "channel": "e-mail"},
        "alternatives": [{"answer": "refund", "confidence": 0.62}, {"answer": "billing", "confidence": 0.31}],
        "why": scene_data.why(0.62),
        "due_at": timezone.now() + timedelta(hours=3, minutes=20),
        **fields,
    }
    queue_items.enqueue(90, input={"text": LETTER}, **told)


def shown(sample: content_samples.Sample) -> None:
    """The sample's item, in a queue that asks its question."""
    queue = people()
    kind = "structured" if sample.schema else "labels" if sample.multiple else "label"
    _ask(queue, sample.question, kind=kind, answers=list(sample.answers), schema=sample.schema)
    Queue.objects.update(display=dict(sample.display))
    due_at = timezone.now() + timedelta(hours=3, minutes=20)
    item = NewItem(id=90, reference="x-90", schema_number=2, rank=1, due_at=due_at, **sample.item)
    enqueue(slug="intents", items=[item])


def final_say() -> None:
    people()
    told: dict[str, Any] = {
        "alternatives": [{"answer": "refund", "confidence": 0.62}],
        "why": scene_data.why(0.62),
        "reviews_wanted": 2,
    }
    queue_items.enqueue(90, input={"text": LETTER}, **told, undo_seconds=0)
    queue_items.judge(User.objects.get(username="rob"), "agree")
    note = "The first payment is the right one, so this is about the second."
    queue_items.judge(User.objects.get(username="rita"), "correct", answer="billing", note=note)
    queue_items.settle()


def hidden_characters() -> None:
    """Those that cannot be seen, letters that pass for others, and pictures that are none."""
    people()
    told = f"in\u200bvoice\u202efdp.exe {'\U000e0061' * 5} p\u0430ypal"
    pictures = ["data:image/png;base64,AAAA", "data:image/png;base64,~"]
    queue_items.enqueue(90, input={"text": told, "images": pictures}, why=scene_data.why(0.62))


def multi_label() -> None:
    _ask(people(), "What does the review speak of?", kind="labels", answers=scene_data.TOPICS)
    told: dict[str, Any] = {"proposal": ["delivery", "packaging"], "alternatives": [], "why": scene_data.why(0.58)}
    queue_items.enqueue(90, schema_number=2, input={"text": scene_data.REVIEW}, **told)


def structured() -> None:
    _ask(people(), "Is everything on the invoice read correctly?", kind="structured", schema=invoices.SCHEMA)
    told: dict[str, Any] = {
        "proposal": invoices.ANSWER,
        "field_hints": invoices.HINTS,
        "alternatives": [],
        "why": scene_data.why(0.41),
    }
    queue_items.enqueue(90, schema_number=2, input={"text": scene_data.INVOICE}, **told)


def long_list() -> None:
    _ask(people(), QUESTION, kind="label", answers=list(scene_data.INTENTS))
    shares = (("transaction_charged_twice", 0.46), ("request_refund", 0.31), ("card_payment_fee_charged", 0.09))
    alternatives = [{"answer": answer, "confidence": share} for answer, share in shares]
    told: dict[str, Any] = {"proposal": shares[0][0], "alternatives": alternatives, "why": scene_data.why(0.46)}
    queue_items.enqueue(90, schema_number=2, input={"text": LETTER}, **told)


def _ask(queue: Queue, question: str, **schema: Any) -> None:
    Queue.objects.filter(pk=queue.pk).update(question=question)
    AnswerSchema.objects.create(queue=queue, number=2, **schema)


def _other(title: str, waiting: int, cast: list[User]) -> None:
    slug = title.lower().replace(" ", "-")
    queue = Queue.objects.create(slug=slug, title=title, question="What is this?")
    AnswerSchema.objects.create(queue=queue, number=1, kind="label", answers=["yes", "no"])
    Membership.objects.bulk_create(Membership(user=user, queue=queue) for user in cast)
    first = 1000 * queue.pk
    new = [queue_items.new(first + number, proposal="yes", alternatives=[]) for number in range(waiting)]
    enqueue(slug=slug, items=new, now=clock.current() - timedelta(minutes=5 * waiting))


def _answer_first(page: Page) -> None:
    if not page.locator(".yours").count():  # in a second browser it is answered already
        page.keyboard.press("1")
    expect(page.locator("#desk[data-ready] .yours")).to_be_visible()


def _mistake(page: Page) -> None:
    page.get_by_label("issued").fill("the second of November")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".field-error:visible").first).to_be_visible()


def _misfit(page: Page) -> None:
    page.keyboard.press("f")
    for label in ("supplier", "total"):
        page.get_by_label(label).fill("")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".field-error:visible").first).to_be_visible()


def _search(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("card")
    expect(page.locator("[data-answer-found]")).not_to_be_empty()


def _press(page: Page, key: str, opened: str) -> None:
    page.keyboard.press(key)
    expect(page.locator(opened)).to_be_visible()


def _lose(page: Page) -> None:
    page.locator("#note").fill("The second payment has another reference.")
    Slot.objects.filter(reserved_until__isnull=False).update(reserved_until=timezone.now() - timedelta(seconds=1))
    page.locator("button.choice[data-key]").first.click()
    expect(page.locator("#notice .note")).to_be_visible()


def _draft(page: Page) -> None:
    page.locator("#note").fill("The second payment has another reference.")
    expect(page.locator("[data-draft]")).not_to_be_empty()


def _work_long(page: Page) -> None:
    told = "JSON.stringify({worked: 3000, due: 3000, last: Date.now()})"
    page.add_init_script(f"sessionStorage.setItem('desk-worked', {told})")  # before the page counts on from what it has
    page.reload()
    page.mouse.move(300, 300)
    expect(page.locator("[data-nudge] p")).to_be_visible()


def _past(page: Page) -> None:
    page.locator(".decisions a").first.click()
    expect(page.get_by_role("heading", name="Your decision")).to_be_visible()


def _clash(page: Page) -> None:
    page.locator("#key-agree").press("s")
    page.locator("#time-zone").fill("Nowhere/At all")
    page.locator(".settings-actions .button-primary").click()
    expect(page.locator(".field-error").first).to_be_visible()
