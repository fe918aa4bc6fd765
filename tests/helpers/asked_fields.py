"""Items that ask for three of the 20 fields of an invoice."""

from __future__ import annotations

from typing import Any

from reviewqueue.models import AnswerSchema, Queue
from tests.helpers import invoices, queue_items


def enqueue_invoices(*numbers: int, **fields: Any) -> None:
    """Put such items into the queue `intents`, which from now on asks about invoices."""
    queue = Queue.objects.get(slug="intents")
    form, _ = AnswerSchema.objects.get_or_create(
        queue=queue, number=2, defaults={"kind": "structured", "schema": invoices.FULL_SCHEMA}
    )
    defaults: dict[str, Any] = {
        "proposal": invoices.FULL_ANSWER,
        "alternatives": [],
        "field_hints": {},
        "asked": invoices.ASKED,
    }
    queue_items.enqueue_items(*numbers, schema_number=form.number, **defaults | fields)


def build_answer(**asked: Any) -> dict[str, Any]:
    """What a reviewer gives who changes only these of the three fields: `city`, `due`, `total`."""
    proposed = invoices.FULL_ANSWER
    values = {"city": proposed["address"]["city"], "due": proposed["due"], "total": proposed["total"]} | asked
    return {"address": {"city": values["city"]}, "due": values["due"], "total": values["total"]}


def build_document(**asked: Any) -> dict[str, Any]:
    """The whole answer that this makes."""
    given = build_answer(**asked)
    return invoices.FULL_ANSWER | given | {"address": invoices.FULL_ANSWER["address"] | given["address"]}
