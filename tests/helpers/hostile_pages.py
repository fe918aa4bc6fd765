"""Pages with untrusted strings everywhere one can appear: model output, people's input, stream settings."""

from __future__ import annotations

from typing import Any

from reviewqueue.answers import text
from reviewqueue.kernel.json_pointer import format_pointer
from reviewqueue.models import AnswerSchema, Guideline, Membership, Queue, User
from tests.helpers import hostile_strings, queue_items

DESK_URL = "/queues/intents/"
ANSWER_FORMS = ("label", "labels", "structured")
UNDO_SECONDS = 600
MAX_TITLE_CHARACTERS = 120
_OTHER_ANSWER = "none of them"


def enqueue_attack(queue: Queue, strings: list[str], *, form: str, first: bool = False, number: int = 1) -> None:
    """Enqueue an item whose answers, proposal, hints and context consist of these strings."""
    _create_schema(queue, strings, form, number=number + 1)
    every = "\n".join(strings)
    proposals = {"label": strings[0], "labels": strings, "structured": build_structured_answer(strings)}
    queue_items.enqueue_items(
        number,
        schema_number=number + 1,
        input={"text": every},
        proposal=proposals[form],
        alternatives=[{"answer": one, "confidence": 0.1} for one in strings],
        field_hints={"/doubtful": 0.1, "/sure": 0.9},
        why={"message": "%(rule)s " + every, "params": {"rule": every}},
        context={one: one for one in strings},
        reference=strings[4],
        model=strings[5],
        language='en" onclick="x',
        answer_first=first,
    )


def build_structured_answer(strings: list[str]) -> dict[str, Any]:
    """What the form of a structured answer holds: short texts, long ones, and lines."""
    doubtful, sure = {one: one for one in strings}, {one: f"{one} {hostile_strings.FILLER_TEXT}" for one in strings}
    return {"doubtful": doubtful, "sure": sure, "lines": [{"cell": "\n".join(strings)}]}


def enqueue_dispute(queue: Queue, strings: list[str], *, number: int = 1) -> None:
    """One reviewer per string; each gives one answer before the proposal is shown and another one after it."""
    _create_schema(queue, [*strings, _OTHER_ANSWER], "label", number=number + 1)
    told: dict[str, Any] = {
        "reviews_wanted": len(strings),
        "answer_first": True,
        "undo_seconds": 0,
        "proposal": _OTHER_ANSWER,
    }
    queue_items.enqueue_items(number, schema_number=number + 1, context={one: one for one in strings}, **told)
    for at, string in enumerate(strings):
        reviewer = _create_reviewer(queue, f"reviewer-{number}-{at}", string)
        _submit_verdict(reviewer, string, first=strings[at - 1], remark=string)
    queue_items.settle_verdicts()


def enqueue_dispute_about_fields(queue: Queue, strings: list[str], *, number: int = 1) -> None:
    """Fields with these names, of which one reviewer corrected all and another none; one field is not asked for."""
    fields = {string: {"type": "string", "title": string} for string in strings}
    AnswerSchema.objects.create(
        queue=queue, number=number + 1, kind="structured", schema={"type": "object", "properties": fields}
    )
    told: dict[str, Any] = {
        "proposal": dict.fromkeys(strings, "x"),
        "asked": [format_pointer([string]) for string in strings[1:]],
        "reviews_wanted": 2,
        "answer_first": True,
        "undo_seconds": 0,
        "alternatives": [],
    }
    queue_items.enqueue_items(number, schema_number=number + 1, **told)
    for at, answer in enumerate(({string: string for string in strings[1:]}, dict.fromkeys(strings, "x"))):
        reviewer = _create_reviewer(queue, f"reviewer-{number}-{at}", "")
        queue_items.judge_next(reviewer, "correct", answer=answer, first=answer)
    queue_items.settle_verdicts()


def create_decided_items(queue: Queue, strings: list[str], user: User) -> None:
    """One item per string, decided by this person with that string, and still undoable."""
    _create_schema(queue, strings, "labels", number=2)
    for number, string in enumerate(strings):
        told: dict[str, Any] = {"input": {"text": string}, "context": {string: string}, "undo_seconds": UNDO_SECONDS}
        queue_items.enqueue_items(number, schema_number=2, answer_first=True, proposal=[strings[number - 1]], **told)
        _submit_verdict(user, [string], first=[string], remark=string)


def settle_items() -> None:
    queue_items.settle_verdicts(queue_items.time_when_final(UNDO_SECONDS + 1))


def enqueue_rewritings(queue: Queue, strings: list[str]) -> int:
    """Items with answers that rewrite their text; how many there are."""
    AnswerSchema.objects.create(queue=queue, number=2, kind="structured", schema={"type": "object"})
    pairs = list(hostile_strings.build_rewritings(strings))
    for number, (told, proposal) in enumerate(pairs, start=1):
        queue_items.enqueue_items(
            number, schema_number=2, input=told, proposal=proposal, alternatives=[], field_hints={}
        )
    return len(pairs)


def set_stream_title(string: str) -> None:
    """Set the stream's title and question to this string."""
    Queue.objects.update(title=string[:MAX_TITLE_CHARACTERS], question=string[:200])


def _submit_verdict(user: User, said: Any, *, first: Any, remark: str) -> None:
    remarks = {
        "reason": remark[: text.MAX_REASON_CHARACTERS],
        "error_type": remark[: text.MAX_ERROR_TYPE_CHARACTERS],
        "note": remark,
    }
    queue_items.judge_next(user, "correct", answer=said, first=first, **remarks)


def _create_schema(queue: Queue, strings: list[str], form: str, *, number: int) -> None:
    structured = form == "structured"
    AnswerSchema.objects.create(
        queue=queue,
        number=number,
        kind=form,
        answers=[] if structured else strings,
        schema=_build_schema(strings) if structured else None,
    )
    Guideline.objects.create(queue=queue, number=number, text="\n\n".join(strings))
    Queue.objects.update(error_types=[one[: text.MAX_ERROR_TYPE_CHARACTERS] for one in strings])
    set_stream_title(strings[0])


def _build_schema(strings: list[str]) -> dict[str, Any]:
    """A form with these strings as names that accepts no answer, so every submit shows errors."""
    every = {"title": "\n".join(strings), "description": "\n".join(strings), "not": {}}
    fields = {one: {"type": "string", "title": one, "description": one, "not": {}} for one in strings}
    group = {"type": "object", "properties": fields, **every}
    line = {"type": "object", "properties": {"cell": {"type": "string", **every}}}
    lines = {"type": "array", "items": line, **every}
    return {"type": "object", "properties": {"doubtful": group, "sure": group, "lines": lines}}


def _create_reviewer(queue: Queue, username: str, name: str) -> User:
    user = User.objects.create(username=username, first_name=name[:150], role="reviewer", password="!")
    Membership.objects.create(user=user, queue=queue)
    return user
