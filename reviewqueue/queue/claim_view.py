"""What a reviewer sees of a claimed item, as frozen dataclasses. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item as its reviewer sees it.

    `asked`: JSON Pointers of the fields to give, None for the whole answer; `kept`: the proposal without them, which is
    not for review and never hidden. The last five fields are None or empty until the proposal is revealed; on an
    answer-first item, `alternatives`, `field_hints` and `why` always stay empty.
    """

    id: int
    reference: str
    queue: str
    title: str
    question: str
    kind: str
    answers: Sequence[str]
    schema: Mapping[str, Any] | None
    schema_number: int
    guideline_number: int | None
    input: Any
    context: Any
    language: str
    due_at: datetime | None
    error_types: Sequence[str] = ()
    display: Mapping[str, str] | None = None
    asked: Sequence[str] | None = None
    kept: Mapping[str, Any] | None = None
    proposal: Any = None
    alternatives: Sequence[Mapping[str, Any]] = ()
    field_hints: Mapping[str, float] | None = None
    why: Mapping[str, Any] | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class OtherVerdict:
    """Another person's verdict on the same item, shown to the lead who has the final say.

    `first_kind` and `first_answer` are their first answer, as in Claim, given at `first_at`; `blind` if they gave it
    before they saw the proposal. `submitted_at` is when they submitted the verdict.
    """

    person: str
    kind: str
    answer: Any
    first_kind: str
    first_answer: Any
    first_at: datetime
    blind: bool
    reason: str
    note: str
    error_type: str
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class UndoneVerdict:
    """The person's own undone verdict on the item, to continue from."""

    kind: str
    answer: Any
    reason: str
    note: str
    error_type: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A reserved slot. `first_kind` is `answer`, `none` or `unjudgeable` once the person has answered first.

    `undone` is the latest verdict of this round that they undid; None until the proposal is revealed.
    """

    id: str
    item: ItemView
    answer_first: bool
    revealed: bool
    first_kind: str | None
    first_answer: Any
    final_say: bool
    others: Sequence[OtherVerdict]
    reserved_until: datetime
    undone: UndoneVerdict | None = None
