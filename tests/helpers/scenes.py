"""The desk in every state: what must be in the database, and what is pressed to get there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page, expect

from reviewqueue.accounts import api_keys
from reviewqueue.kernel import clock
from reviewqueue.models import AnswerSchema, Guideline, Membership, Queue, Slot, User
from reviewqueue.queue.items import NewItem, enqueue_items
from tests.helpers import asked_fields, content_samples, guarantee_scenes, invoices, queue_items, scene_data

DESK_URL = "/queues/intents/"
GUARANTEE_URL = "/streams/intents/guarantee/"
QUESTION = "What does the customer want?"
LONG_WORD = "https://wiki.example.org/guidelines/moderation/hateful-conduct/dehumanisation-of-protected-groups/x"
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
    path: str = DESK_URL

    def play(self, page: Page) -> None:
        """Take the loaded page to the scene's state."""
        if self.path == DESK_URL:
            expect(page.locator("#desk[data-ready]")).to_be_attached()
        if self.path.startswith(GUARANTEE_URL):
            expect(page.locator("#guarantee-now")).to_be_visible()
        if self.act is not None:
            self.act(page)


def build_scenes() -> dict[str, Scene]:
    """All scenes by name; the kinds of content first."""
    kinds = {name: Scene(partial(enqueue_sample, sample)) for name, sample in content_samples.build_samples().items()}
    return {**kinds, **_answer_scenes(), **_desk_scenes(), **_page_scenes()}


def _answer_scenes() -> dict[str, Scene]:
    return {
        "letter": Scene(enqueue_letter),
        "answer-first": Scene(lambda: enqueue_letter(answer_first=True)),
        "answer-first-answered": Scene(lambda: enqueue_letter(answer_first=True), _give_first_answer),
        "final-say": Scene(enqueue_final_say, who="ann"),
        "multi-label": Scene(enqueue_multi_label),
        "structured": Scene(enqueue_structured),
        "structured-all-fields": Scene(enqueue_structured, lambda page: page.keyboard.press("f")),
        "structured-mistake": Scene(enqueue_structured, _enter_invalid_date),
        "structured-misfit": Scene(enqueue_structured, _clear_required_fields),
        "asked-fields": Scene(enqueue_asked_fields, _open_other_fields),
        "asked-fields-answered": Scene(lambda: enqueue_asked_fields(answer_first=True), _give_asked_fields),
        "asked-fields-refused": Scene(lambda: enqueue_asked_fields(asked=["/paid", "/total"]), _break_rule_elsewhere),
        "asked-fields-final-say": Scene(enqueue_disputed_fields, who="ann"),
        "long-list": Scene(enqueue_long_list),
        "long-list-searched": Scene(enqueue_long_list, _search_answers),
    }


def _desk_scenes() -> dict[str, Scene]:
    return {
        "reasons": Scene(enqueue_letter, lambda page: _press_key(page, "t", "[data-reasons]:popover-open")),
        "guidelines-dialog": Scene(enqueue_letter, lambda page: _press_key(page, "g", "#guidelines[open]")),
        "keys-dialog": Scene(enqueue_letter, lambda page: _press_key(page, "?", "#keys[open]")),
        "reservation-lost": Scene(enqueue_letter, _lose_reservation),
        "draft": Scene(enqueue_letter, _type_draft),
        "break": Scene(enqueue_letter, _reach_break),
        "nothing-waits": Scene(create_cast),
        "hidden-characters": Scene(enqueue_hidden_characters),
        "long-words": Scene(enqueue_long_words),
        "long-words-answered": Scene(partial(enqueue_long_words, answer_first=True), _give_first_answer),
        "long-words-guidelines": Scene(enqueue_long_words, lambda page: _press_key(page, "g", "#guidelines[open]")),
    }


def build_guarantee_scenes() -> dict[str, Scene]:
    """The guarantee page in the states that `build_scenes` leaves out."""
    states = {
        "no-target": guarantee_scenes.create_unevaluated_traffic,
        "fifty-audits": guarantee_scenes.create_fifty_audits,
        "test-items": guarantee_scenes.create_missing_test_items,
        "on": guarantee_scenes.create_guarantee,
        "looser": guarantee_scenes.create_looser_offer,
        "expired": guarantee_scenes.create_expired_guarantee,
    }
    scenes = {f"guarantee-{name}": Scene(prepare, who="mara", path=GUARANTEE_URL) for name, prepare in states.items()}
    for name, prepare in (("on", guarantee_scenes.create_guarantee), ("fields", guarantee_scenes.create_fields)):
        scenes[f"evidence-{name}"] = Scene(prepare, _open_evidence, who="mara", path=GUARANTEE_URL)
    return scenes


def _page_scenes() -> dict[str, Scene]:
    return {
        "inbox": Scene(enqueue_letter, path="/"),
        "numbers": Scene(enqueue_letter, path="/account/numbers/"),
        "settings": Scene(create_cast, path="/account/desk/"),
        "settings-mistake": Scene(create_cast, _enter_invalid_settings, path="/account/desk/"),
        "guidelines": Scene(create_cast, path=f"{DESK_URL}guidelines/"),
        "past-decisions": Scene(enqueue_letter, path=f"{DESK_URL}verdicts/"),
        "past-decision": Scene(
            enqueue_letter, lambda page: page.locator(".decisions a").first.click(), path=f"{DESK_URL}verdicts/"
        ),
        "streams": Scene(scene_data.create_evaluated_stream, who="mara", path="/streams/"),
        "keys": Scene(create_keys, who="mara", path="/keys/"),
        "guarantee": Scene(scene_data.create_evaluated_stream, who="mara", path=GUARANTEE_URL),
        "guarantee-empty": Scene(scene_data.create_stream_without_target, who="mara", path=GUARANTEE_URL),
        "guarantee-to-each": Scene(
            scene_data.create_guarantee_per_answer, who="mara", path=f"{GUARANTEE_URL}?parts=on"
        ),
        "guarantee-fields": Scene(guarantee_scenes.create_fields, who="mara", path=GUARANTEE_URL),
        "guarantee-versions": Scene(guarantee_scenes.create_second_version, who="mara", path=GUARANTEE_URL),
        "overview": Scene(scene_data.create_tasks_for_managers, who="mara", path="/overview/"),
        "guarantee-ended": Scene(scene_data.create_ended_guarantee, who="mara", path=GUARANTEE_URL),
    }


def create_cast() -> Queue:
    """The cast in three queues, and rob's latest decisions; nothing waits in the first queue."""
    scene_data.record_heartbeats()
    queue = Queue.objects.create(slug="intents", title="Support intents", question=QUESTION)
    AnswerSchema.objects.create(queue=queue, number=1, kind="label", answers=["billing", "refund", "card_arrival"])
    for number, text in enumerate(scene_data.GUIDELINES, start=1):
        Guideline.objects.create(queue=queue, number=number, text=text)
    roles = {"rob": "reviewer", "rita": "reviewer", "ann": "lead", "mara": "manager"}
    cast = [User.objects.create(username=name, role=role, password="!") for name, role in roles.items()]
    Membership.objects.bulk_create(Membership(user=user, queue=queue) for user in cast)
    for title, waiting in scene_data.OTHER_QUEUE_SIZES.items():
        _create_other_queue(title, waiting, cast)
    for number, (text, said) in enumerate(scene_data.DECIDED_LETTERS, start=1):
        queue_items.enqueue_items(number, input={"text": text}, due_at=timezone.now() + timedelta(hours=4))
        queue_items.judge_next(
            cast[0], "agree" if said == "refund" else "correct", answer=None if said == "refund" else said
        )
    return queue


def enqueue_letter(**fields: Any) -> None:
    create_cast()
    told: dict[str, Any] = {
        "context": {"customer since": "2019", "plan": "premium", "channel": "e-mail"},
        "alternatives": [{"answer": "refund", "confidence": 0.62}, {"answer": "billing", "confidence": 0.31}],
        "why": scene_data.build_routing_reason(0.62),
        "due_at": timezone.now() + timedelta(hours=3, minutes=20),
        **fields,
    }
    queue_items.enqueue_items(90, input={"text": LETTER}, **told)


def enqueue_long_words(**fields: Any) -> None:
    """A word without a break wherever somebody can write one."""
    queue = create_cast()
    _set_question(queue, f"{LONG_WORD}?", kind="label", answers=[LONG_WORD, "bad", f"{LONG_WORD}/b"], schema=None)
    Queue.objects.filter(pk=queue.pk).update(title=LONG_WORD, error_types=[LONG_WORD])
    Guideline.objects.create(
        queue=queue, number=99, text=f"# {LONG_WORD}\n\n{LONG_WORD}\n\n- {LONG_WORD}\n\n`{LONG_WORD}`"
    )
    told: dict[str, Any] = {
        "context": {LONG_WORD: LONG_WORD},
        "why": {"message": LONG_WORD},
        "due_at": timezone.now() + timedelta(hours=3),
        **fields,
    }
    item = {
        "text": LONG_WORD,
        "fields": {LONG_WORD: LONG_WORD, "group": {LONG_WORD: [LONG_WORD]}},
        "messages": [
            {"role": LONG_WORD, "name": LONG_WORD, "content": LONG_WORD, "at": LONG_WORD},
            {"role": "assistant", "tool_calls": [{"name": LONG_WORD, "arguments": LONG_WORD, "id": LONG_WORD}]},
        ],
        "table": [{"a": LONG_WORD, LONG_WORD: 1}, {"a": "b", LONG_WORD: 2}],
        LONG_WORD: {LONG_WORD: LONG_WORD},
    }
    queue_items.enqueue_items(90, schema_number=2, proposal=f"{LONG_WORD}/b", input=item, **told)


def create_keys() -> None:
    create_cast()
    for number in range(3):
        api_keys.create_key(
            name=f"intake {number}", scopes=["outputs:write", "decisions:read"], queues=["intents"], by=None
        )


def enqueue_sample(sample: content_samples.ContentSample) -> None:
    """The sample's item, in a queue that asks its question."""
    queue = create_cast()
    kind = "structured" if sample.schema else "labels" if sample.multiple else "label"
    _set_question(queue, sample.question, kind=kind, answers=list(sample.answers), schema=sample.schema)
    Queue.objects.update(display=dict(sample.display))
    due_at = timezone.now() + timedelta(hours=3, minutes=20)
    item = NewItem(id=90, reference="x-90", schema_number=2, rank=1, due_at=due_at, **sample.item)
    enqueue_items(slug="intents", items=[item])


def enqueue_final_say() -> None:
    create_cast()
    told: dict[str, Any] = {
        "alternatives": [{"answer": "refund", "confidence": 0.62}],
        "why": scene_data.build_routing_reason(0.62),
        "reviews_wanted": 2,
    }
    queue_items.enqueue_items(90, input={"text": LETTER}, **told, undo_seconds=0)
    queue_items.judge_next(User.objects.get(username="rob"), "agree")
    note = "The first payment is the right one, so this is about the second."
    queue_items.judge_next(User.objects.get(username="rita"), "correct", answer="billing", note=note)
    queue_items.settle_verdicts()


def enqueue_hidden_characters() -> None:
    """Those that cannot be seen, letters that pass for others, and pictures that are none."""
    create_cast()
    told = f"in\u200bvoice\u202efdp.exe {'\U000e0061' * 5} p\u0430ypal"
    pictures = ["data:image/png;base64,AAAA", "data:image/png;base64,~"]
    queue_items.enqueue_items(90, input={"text": told, "images": pictures}, why=scene_data.build_routing_reason(0.62))


def enqueue_multi_label() -> None:
    _set_question(create_cast(), "What does the review speak of?", kind="labels", answers=scene_data.TOPICS)
    told: dict[str, Any] = {
        "proposal": ["delivery", "packaging"],
        "alternatives": [],
        "why": scene_data.build_routing_reason(0.58),
    }
    queue_items.enqueue_items(90, schema_number=2, input={"text": scene_data.REVIEW}, **told)


def enqueue_structured() -> None:
    _set_question(
        create_cast(), "Is everything on the invoice read correctly?", kind="structured", schema=invoices.SCHEMA
    )
    told: dict[str, Any] = {
        "proposal": invoices.ANSWER,
        "field_hints": invoices.HINTS,
        "alternatives": [],
        "why": scene_data.build_routing_reason(0.41),
    }
    queue_items.enqueue_items(90, schema_number=2, input={"text": scene_data.INVOICE}, **told)


def enqueue_asked_fields(**fields: Any) -> None:
    """An invoice with 20 fields, of which three are asked for."""
    queue = create_cast()
    Queue.objects.filter(pk=queue.pk).update(question="Is the invoice read correctly?")
    hints = {"/address/city": 0.97, "/due": 0.88, "/total": 0.41}
    told: dict[str, Any] = {"field_hints": hints, "why": scene_data.build_routing_reason(0.41)}
    asked_fields.enqueue_invoices(90, input={"text": scene_data.FULL_INVOICE}, **told | fields)


def enqueue_disputed_fields() -> None:
    """Two reviewers who gave the same day, and other totals; one of them corrected the city, too."""
    enqueue_asked_fields(answer_first=True, reviews_wanted=2)
    given = {"rob": {"total": 119.0, "due": "2026-12-03"}, "rita": {"total": 119.5, "due": "2026-12-03"}}
    for name, values in given.items():
        person = User.objects.get(username=name)
        answer = asked_fields.build_answer(**values)
        queue_items.judge_next(person, "correct", answer=answer, first=answer)
    queue_items.settle_verdicts()


def enqueue_long_list() -> None:
    _set_question(create_cast(), QUESTION, kind="label", answers=list(scene_data.INTENTS))
    shares = (("transaction_charged_twice", 0.46), ("request_refund", 0.31), ("card_payment_fee_charged", 0.09))
    alternatives = [{"answer": answer, "confidence": share} for answer, share in shares]
    told: dict[str, Any] = {
        "proposal": shares[0][0],
        "alternatives": alternatives,
        "why": scene_data.build_routing_reason(0.46),
    }
    queue_items.enqueue_items(90, schema_number=2, input={"text": LETTER}, **told)


def _set_question(queue: Queue, question: str, **schema: Any) -> None:
    Queue.objects.filter(pk=queue.pk).update(question=question)
    AnswerSchema.objects.create(queue=queue, number=2, **schema)


def _create_other_queue(title: str, waiting: int, cast: list[User]) -> None:
    slug = title.lower().replace(" ", "-")
    queue = Queue.objects.create(slug=slug, title=title, question="What is this?")
    AnswerSchema.objects.create(queue=queue, number=1, kind="label", answers=["yes", "no"])
    Membership.objects.bulk_create(Membership(user=user, queue=queue) for user in cast)
    first = 1000 * queue.pk
    new = [queue_items.build_item(first + number, proposal="yes", alternatives=[]) for number in range(waiting)]
    enqueue_items(slug=slug, items=new, now=clock.current_time() - timedelta(minutes=5 * waiting))


def _give_first_answer(page: Page) -> None:
    if not page.locator(".yours").count():  # in a second browser it is answered already
        page.keyboard.press("1")
    expect(page.locator("#desk[data-ready] .yours")).to_be_visible()


def _enter_invalid_date(page: Page) -> None:
    page.get_by_label("issued").fill("the second of November")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".field-error:visible").first).to_be_visible()


def _clear_required_fields(page: Page) -> None:
    page.keyboard.press("f")
    for label in ("supplier", "total"):
        page.get_by_label(label).fill("")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".field-error:visible").first).to_be_visible()


def _give_asked_fields(page: Page) -> None:
    if page.locator(".awaited").count():
        for label, value in (("City", "Bern"), ("Due", "2026-12-03"), ("Total", "119.00")):
            page.get_by_label(label).fill(value)
        page.keyboard.press("Control+Enter")
    expect(page.locator("#desk[data-ready] .yours")).to_be_visible()


def _open_other_fields(page: Page) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator("[data-kept][open]")).to_be_visible()


def _break_rule_elsewhere(page: Page) -> None:
    page.get_by_label("Paid").select_option("true")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notice .note")).to_be_visible()


def _search_answers(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("card")
    expect(page.locator("[data-answer-found]")).not_to_be_empty()


def _press_key(page: Page, key: str, opened: str) -> None:
    page.keyboard.press(key)
    expect(page.locator(opened)).to_be_visible()


def _lose_reservation(page: Page) -> None:
    page.locator("#note").fill("The second payment has another reference.")
    Slot.objects.filter(reserved_until__isnull=False).update(reserved_until=timezone.now() - timedelta(seconds=1))
    page.locator("button.choice[data-key]").first.click()
    expect(page.locator("#notice .note")).to_be_visible()


def _type_draft(page: Page) -> None:
    page.locator("#note").fill("The second payment has another reference.")
    expect(page.locator("[data-draft]")).not_to_be_empty()


def _reach_break(page: Page) -> None:
    told = "JSON.stringify({worked: 3000, due: 3000, last: Date.now()})"
    page.add_init_script(f"sessionStorage.setItem('desk-worked', {told})")  # before the page counts on from what it has
    page.reload()
    page.mouse.move(300, 300)
    expect(page.locator("[data-break-reminder] p")).to_be_visible()


def _open_past_decision(page: Page) -> None:
    page.locator(".decisions a").first.click()
    expect(page.get_by_role("heading", name="Your decision")).to_be_visible()


def _open_evidence(page: Page) -> None:
    page.get_by_role("link", name="See the evidence").click()
    expect(page.locator("#found")).to_be_visible()


def _enter_invalid_settings(page: Page) -> None:
    page.locator("#key-agree").press("s")
    page.locator("#time-zone").fill("Nowhere/At all")
    page.locator(".settings-actions .button-primary").click()
    expect(page.locator(".field-error").first).to_be_visible()
