"""Realistic sample outputs for each kind of content, for tests and for the screenshots in the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.helpers import pictures


@dataclass(frozen=True)
class ContentSample:
    """One output on the desk: the stream's question and answers, and what the item is made of (see `NewItem`)."""

    question: str
    item: Mapping[str, Any]
    answers: Sequence[str] = ()
    multiple: bool = False
    schema: Mapping[str, Any] | None = None
    display: Mapping[str, str] = field(default_factory=dict)


def build_samples() -> dict[str, ContentSample]:
    """One sample for each renderer, by name; some renderers have a second one, such as right-to-left text."""
    return {
        "spans": _spans(),
        "text": _text(),
        "arabic": _arabic(),
        "hebrew": _hebrew(),
        "diff": _diff(),
        "json": _json(),
        "messages": _messages(),
        "table": _table(),
        "fields": _fields(),
        "image": _image(),
        "digit": _digit(),
        "images": _images(),
        "candidates": _candidates(),
    }


def _model_answer(proposal: Any, confidence: float, *others: tuple[Any, float]) -> dict[str, Any]:
    """The model's answer, its confidence, and its alternatives."""
    listed = [(proposal, confidence), *others]
    return {
        "proposal": proposal,
        "alternatives": [{"answer": answer, "confidence": share} for answer, share in listed],
        "why": {
            "message": "Confidence is %(confidence)s; this stream sends outputs below %(threshold)s to review.",
            "params": {"confidence": confidence, "threshold": 0.8},
        },
    }


def _spans() -> ContentSample:
    text = (
        "Dear Sir or Madam,\n\non 14 March I ordered the walnut desk (order 88-2041) from your shop in Leeds. It "
        "arrived on 2 April with a broken leg. I paid £429.00 by card and want the money back, not another desk.\n\n"
        "Yours, Margaret Ellison"
    )
    marked = [
        ("14 March", "date"),
        ("88-2041", "order"),
        ("Leeds", "place"),
        ("2 April", "date"),
        ("£429.00", "amount"),
        ("Margaret Ellison", "person"),
    ]
    spans = [
        {"start": text.index(piece), "end": text.index(piece) + len(piece), "label": label} for piece, label in marked
    ]
    return ContentSample(
        question="Is every detail that matters found, and nothing else?",
        answers=["complete", "something_missing", "something_wrong"],
        item={
            "input": {"text": text, "spans": spans},
            "context": {"channel": "letter"},
            **_model_answer("complete", 0.71),
        },
    )


def _text() -> ContentSample:
    clauses = [
        "The supplier shall deliver the goods to the place named in the order, during working hours, free of charge.",
        "Risk passes to the buyer when the goods have been handed over and the delivery note has been signed.",
        "Either party may terminate this agreement with three months' notice to the end of a quarter.",
        "If the supplier is late by more than ten working days, the buyer may withdraw from the order concerned.",
        "Liability for slight negligence is limited to the value of the order, save for injury to life or health.",
    ]
    text = "\n\n".join(f"{number}. {clauses[number % 5]} {clauses[(number + 2) % 5]}" for number in range(1, 29))
    return ContentSample(
        question="Does this agreement renew itself?",
        answers=["renews", "ends", "unclear"],
        item={"input": {"text": text}, "context": {"pages": 6}, **_model_answer("ends", 0.66, ("unclear", 0.24))},
    )


def _arabic() -> ContentSample:
    text = "تم خصم المبلغ مرتين من بطاقتي (VISA 4417) يوم 12 نوفمبر.\n\nأرجو إعادة 250 ريالاً إلى حسابي في أقرب وقت."
    return ContentSample(
        question="What does the customer want?",
        answers=["refund", "billing", "card_arrival"],
        item={"input": {"text": text}, "language": "ar", **_model_answer("refund", 0.58, ("billing", 0.35))},
    )


def _hebrew() -> ContentSample:
    text = "שלום, הזמנתי כרטיס חדש לפני שבועיים (order 7731) והוא עדיין לא הגיע.\n\nמתי אקבל אותו?"  # noqa: RUF001 - Hebrew
    return ContentSample(
        question="What does the customer want?",
        answers=["refund", "billing", "card_arrival"],
        item={"input": {"text": text}, "language": "he", **_model_answer("card_arrival", 0.74)},
    )


def _diff() -> ContentSample:
    before = "hello, i want to complain about my order it came late and the box was open when it arrived on monday."
    after = (
        "Hello, I would like to complain about my order: it came late, and the box was open when it arrived on Monday."
    )
    return ContentSample(
        question="Does the rewritten text still say the same?",
        schema={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        item={
            "input": {"text": before},
            **_model_answer({"text": after}, 0.77),
            "alternatives": (),
            "field_hints": {"/text": 0.77},
        },
    )


def _json() -> ContentSample:
    event = {
        "event": "payment.flagged",
        "rules": [{"id": "velocity", "score": 0.81}, {"id": "new_device", "score": 0.44}],
        "card": {"brand": "visa", "country": "PT", "history": {"payments": 41, "disputes": 0, "last": None}},
        "device": {"os": "Android 16", "seen_before": False, "languages": ["pt", "en"]},
        "basket": [{"sku": "SH-204", "price": 74.9}, {"sku": "SH-377", "price": 129.0}],
    }
    return ContentSample(
        question="Is this payment fraud?",
        answers=["fraud", "honest"],
        item={"input": event, **_model_answer("fraud", 0.61, ("honest", 0.39))},
    )


def _messages() -> ContentSample:
    order = '{"order": "A-20931", "status": "delivered", "total": "64.00 EUR", "left_with": "neighbour, no. 14"}'
    parts = [
        {"type": "text", "text": "I have found your order. Let me see whether the driver left a note."},
        {"type": "tool_use", "id": "call_2", "name": "read_delivery_notes", "input": {"order": "A-20931"}},
    ]
    note = {
        "type": "tool_result",
        "tool_use_id": "call_2",
        "content": [{"type": "text", "text": "14:12 nobody in. 14:15 handed to A. Brandt, no. 14, signed."}],
    }
    call = {"name": "find_order", "arguments": '{"email": "jonas@example.org", "since": "2026-11-01"}'}
    transcript = [
        {
            "role": "system",
            "content": "You help customers of a shoe shop. Never promise refunds above 50 EUR: offer to ask a "
            "colleague. Always check where the parcel was left before you send another one.",
        },
        {"role": "user", "content": "Hi, the tracking says delivered but I have no parcel!", "timestamp": "14:02"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
            "timestamp": "14:02",
        },
        {"role": "tool", "tool_call_id": "call_1", "name": "find_order", "content": order},
        {"role": "assistant", "content": parts, "timestamp": "14:03"},
        {"role": "user", "content": [note]},
        {
            "role": "assistant",
            "content": "Good news: your parcel was handed to A. Brandt at number 14, who signed for it at 14:15. If it "
            "is not there, I will refund the 64 EUR to your card straight away.",
            "timestamp": "14:03",
        },
    ]
    return ContentSample(
        question="Did the assistant keep to the rules?",
        answers=["kept", "broke_a_rule", "unhelpful"],
        item={
            "input": {"messages": transcript},
            "context": {"customer since": "2019", "channel": "web chat"},
            **_model_answer("kept", 0.64, ("broke_a_rule", 0.31)),
        },
    )


def _table() -> ContentSample:
    lines = [
        ("TN-450", "Toner cartridge, black, high yield, for the printers on floors 2 and 3", 4, 71.9, "20 %"),
        ("PA-080", "Paper A4, 80 g, 2,500 sheets", 12, 22.45, "20 %"),
        ("SV-ONS", "Visit by a technician, including the way there; the drum of the printer on floor 3 was replaced "
         "under warranty and its old part taken along for recycling", 1, 145.0, "20 %"),
        ("DS-RET", "Deposit returned", -4, 2.5, None),
    ]  # fmt: skip
    names = ("item", "description", "quantity", "price", "VAT")
    rows = [dict(zip(names, line, strict=True)) for line in lines]
    rows = [{**row, "amount": round(line[2] * line[3], 2)} for row, line in zip(rows, lines, strict=True)]
    return ContentSample(
        question="Was every line of the invoice read correctly?",
        answers=["correct", "wrong_amount", "line_missing"],
        item={
            "input": {"rows": rows, "fields": {"supplier": "Northgate Office Ltd", "invoice": "2026-11847"}},
            "context": {"pages": 1},
            **_model_answer("correct", 0.69, ("wrong_amount", 0.22)),
        },
    )


def _fields() -> ContentSample:
    claim = {
        "policy": "HH-2207-11",
        "insured": {"name": "Amara Okafor", "since": 2018, "address": {"street": "12 Mill Lane", "town": "Ludlow"}},
        "damage": {"kind": "water", "reported": "2026-11-20", "estimate": 2350.0, "photos": 3},
        "police report": None,
        "earlier claims": [{"year": 2020, "kind": "theft", "paid": 410.0}, {"year": 2023, "kind": "water", "paid": 0}],
        "remarks": "",
        "account": "The hose of the washing machine came off during the night. When we noticed, water had run under "
        "the kitchen floor and into the flat below. The plumber came at seven and says the clamp was corroded.",
    }
    return ContentSample(
        question="Is this claim covered?",
        answers=["covered", "not_covered", "ask_for_more"],
        item={"input": {"fields": claim}, **_model_answer("covered", 0.72, ("ask_for_more", 0.2))},
    )


def _image() -> ContentSample:
    return ContentSample(
        question="What does the picture show?",
        answers=["landscape", "people", "building", "food"],
        item={"input": {"image": pictures.draw_landscape()}, **_model_answer("landscape", 0.57, ("building", 0.3))},
    )


def _digit() -> ContentSample:
    return ContentSample(
        question="Which digit is this?",
        answers=[str(number) for number in range(10)],
        item={"input": {"image": pictures.draw_digit()}, **_model_answer("0", 0.55, ("6", 0.4))},
    )


def _images() -> ContentSample:
    views = [pictures.draw_landscape(420, 300), pictures.draw_landscape(300, 420)]
    return ContentSample(
        question="Do both pictures show the same place?",
        answers=["same", "different"],
        item={"input": {"images": views, "text": "Listing 4471: cottage with a view"}, **_model_answer("same", 0.6)},
    )


def _candidates() -> ContentSample:
    prompt = (
        "Summarise for the board: Revenue grew 4 % to 18.2 million, less than planned, because the Lyon plant stood "
        "still for three weeks. Costs fell 2 %. The outlook for the year stays as it was."
    )
    first = (
        "Revenue rose 4 % to 18.2 million, below plan after the Lyon plant's three-week stop. Costs fell 2 %; the "
        "outlook is unchanged."
    )
    second = (
        "Revenue rose 4 % to 18.2 million, above plan despite the Lyon plant's stop. Costs fell 2 %; the outlook is "
        "raised."
    )
    return ContentSample(
        question="Which summary is better?",
        answers=["first", "second", "equal"],
        item={
            "input": {"prompt": prompt, "candidates": [first, second]},
            **_model_answer("first", 0.63, ("second", 0.3)),
        },
    )
