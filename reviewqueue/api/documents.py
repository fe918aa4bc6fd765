"""The bodies of the claims and verdicts API, as types: requests are decoded into them, answers published."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from reviewqueue.answers import text
from reviewqueue.verdicts import wording

type Answer = Annotated[
    str | list[str] | dict[str, Any] | None,
    Meta(description="A label, a list of labels or an object, as the queue's answers are; null if there is none."),
]
type Time = Annotated[datetime, Meta(tz=True)]


class VerdictKind(StrEnum):
    """A verdict on the proposed answer."""

    AGREE = "agree"
    CORRECT = "correct"
    NONE = "none"
    UNJUDGEABLE = "unjudgeable"
    ESCALATE = "escalate"


class SubmittedKind(StrEnum):
    """A verdict, or `answer`: the first answer of an answer-first claim, before the proposed answer is shown."""

    ANSWER = "answer"
    AGREE = "agree"
    CORRECT = "correct"
    NONE = "none"
    UNJUDGEABLE = "unjudgeable"
    ESCALATE = "escalate"


class FirstKind(StrEnum):
    """Instead of a first answer: none of the answers is right, or the item cannot be judged."""

    NONE = "none"
    UNJUDGEABLE = "unjudgeable"


class AnswerKind(StrEnum):
    """What an answer is: one of `answers`, a list of them, or an object that satisfies `schema`."""

    LABEL = "label"
    LABELS = "labels"
    STRUCTURED = "structured"


class ClaimRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whom to reserve an item for."""

    reviewer: Annotated[
        str | UnsetType,
        Meta(
            description="The username of the reviewer the key acts for. Not needed for a key that was created for one "
            "(`--as`).",
            extra_json_schema={"minLength": 1, "maxLength": 150},
        ),
    ] = UNSET


class VerdictRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A verdict, or the first answer of an answer-first claim."""

    verdict: SubmittedKind
    answer: Annotated[
        Answer | UnsetType, Meta(description="With `correct` and `answer`. Whole, or only the item's `asked` fields.")
    ] = UNSET
    instead: Annotated[FirstKind | UnsetType, Meta(description="With `answer`, instead of an answer.")] = UNSET
    reason: Annotated[
        Annotated[str, Meta(max_length=text.MAX_REASON_CHARACTERS)] | UnsetType,
        Meta(description=f"Required for a final say: one of {', '.join(wording.FINAL_SAY_REASONS)}, or your own."),
    ] = UNSET
    note: Annotated[str, Meta(max_length=text.MAX_NOTE_CHARACTERS)] | UnsetType = UNSET
    error_type: Annotated[
        Annotated[str, Meta(max_length=text.MAX_ERROR_TYPE_CHARACTERS)] | UnsetType,
        Meta(description="With `correct` and `none`: one of the item's `error_types`."),
    ] = UNSET
    active_seconds: Annotated[
        Annotated[float, Meta(ge=0)] | UnsetType, Meta(description="Seconds the reviewer actively worked on it.")
    ] = UNSET


class Alternative(msgspec.Struct):
    """Another answer that the model considered, and how confident it was of it."""

    answer: str
    confidence: float


class ReviewReason(msgspec.Struct):
    """Why the item is in review: a sentence with placeholders, and what stands for them. Empty if answered first."""

    message: str | UnsetType = UNSET
    params: dict[str, Any] | UnsetType = UNSET


class ClaimedItem(msgspec.Struct, kw_only=True):
    """What to judge. `proposal` and the fields below it are present only once the claim is `revealed`."""

    id: str
    reference: Annotated[str, Meta(description="The producer's id for the output.")]
    queue: str
    title: str
    question: str
    kind: AnswerKind
    answers: Annotated[list[str], Meta(description="In the order of the stream.")]
    schema: Annotated[dict[str, Any] | None, Meta(description="The JSON schema of structured answers.")]
    schema_number: int
    guideline_number: int | None
    input: Annotated[Any, Meta(description="As posted.")]
    context: Annotated[Any, Meta(description="As posted; an object or null.")]
    language: Annotated[str, Meta(description="A BCP 47 tag; empty if unknown.")]
    due_at: Time | None
    error_types: Annotated[list[str], Meta(description="The error types a correction may name.")]
    asked: Annotated[
        list[str] | None,
        Meta(description="JSON Pointers of the fields to review, for an object of which only some are; null for all."),
    ]
    kept: Annotated[
        dict[str, Any] | None,
        Meta(description="The proposed answer without the `asked` fields, which stays as it is. Null if all are."),
    ]
    proposal: Annotated[Answer | UnsetType, Meta(description="The proposed answer.")] = UNSET
    alternatives: Annotated[
        list[Alternative] | UnsetType,
        Meta(description="This, `field_hints` and `why` are always empty on an answer-first claim."),
    ] = UNSET
    field_hints: dict[str, float] | UnsetType | None = UNSET
    why: ReviewReason | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET


class OtherVerdictDocument(msgspec.Struct, kw_only=True):
    """Another reviewer's verdict on the item."""

    person: str
    kind: VerdictKind
    answer: Answer
    first_kind: Annotated[str, Meta(description="Their first answer: a verdict, or `answer`, `none` or `unjudgeable`.")]
    first_answer: Answer
    first_at: Time
    blind: Annotated[bool, Meta(description="Whether they gave it before they saw the proposed answer.")]
    reason: str
    note: str
    error_type: str
    submitted_at: Time


class ClaimDocument(msgspec.Struct, kw_only=True):
    """An item that is reserved for a reviewer."""

    claim: Annotated[str, Meta(description="The claim's id: `<slot>.<claim number>`.")]
    item: ClaimedItem
    answer_first: Annotated[bool, Meta(description="The reviewer answers before the proposed answer is shown.")]
    revealed: bool
    first_kind: Annotated[str | None, Meta(description="`answer`, `none` or `unjudgeable`, once answered first.")]
    first_answer: Answer
    final_say: bool
    others: Annotated[
        list[OtherVerdictDocument], Meta(description="Other reviewers' verdicts; for the final say only.")
    ]
    expires_at: Annotated[Time, Meta(description="How long the item is reserved.")]


class RecordedVerdict(msgspec.Struct):
    """A recorded verdict, which can be undone until `final_at`."""

    id: str
    final_at: Time
