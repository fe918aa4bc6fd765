"""The bodies of the escalation API, as types: what is published, and what the tests hold every answer against."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType


class OutputStatusDocument(StrEnum):
    """Where an output is: received and not routed yet, in review, decided, withdrawn, or its content erased."""

    RECEIVED = "received"
    IN_REVIEW = "in_review"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


class OutputRoute(StrEnum):
    """`auto`: the model's answer stands. `review`: a person decides."""

    AUTO = "auto"
    REVIEW = "review"


class DecisionOutcome(StrEnum):
    """`answered` has an answer. `rejected`: none of the answers is right. `unjudgeable`: nobody could tell."""

    ANSWERED = "answered"
    REJECTED = "rejected"
    UNJUDGEABLE = "unjudgeable"
    WITHDRAWN = "withdrawn"


class DecidedBy(StrEnum):
    """Who decided: the model alone, people, or the system because a deadline passed or the output was withdrawn."""

    MODEL = "model"
    PEOPLE = "people"
    SYSTEM = "system"


REASONS = (
    "Why it was routed as it was: `above_threshold`, `below_threshold`, `below_threshold:<label or field>`, `review`, "
    "`no_confidence`, `no_confidence:<field>`, `invalid_prediction`, `unknown_model_version`, `rule:<name>`, "
    "`rule_unevaluable:<name>`, `policy_outdated`, `no_policy`, `stopped` or `dispatch_failed`. It never says whether "
    "an output is an audit: one that was automated reads `above_threshold`, one that waits reads `review`. Expect "
    "further values."
)
type Answer = Annotated[
    str | list[str] | dict[str, Any] | None,
    Meta(description="A label, a list of labels or an object, as the stream's answers are; null if there is none."),
]
type Time = Annotated[datetime, Meta(tz=True)]
type OutputId = Annotated[str, Meta(description="The id under which the output was posted.")]


class DecisionDocument(msgspec.Struct, kw_only=True):
    """What was decided about an output. A later revision replaces an earlier one."""

    answer: Answer
    outcome: DecisionOutcome
    by: DecidedBy
    revision: Annotated[int, Meta(ge=1, description="1 for the first decision about the output, then counting up.")]
    decided_at: Time
    shadow: Annotated[
        bool | UnsetType, Meta(description="True on an output that nobody acts on; absent otherwise.")
    ] = UNSET


class OutputState(msgspec.Struct, kw_only=True):
    """An output's state. `route` and what follows are null until it is routed, `decision` until there is one."""

    id: OutputId
    status: OutputStatusDocument
    route: OutputRoute | None
    reason: Annotated[str | None, Meta(description=REASONS)]
    pi: Annotated[
        float | None, Meta(description="The probability of a review when it was routed; null until it is decided.")
    ]
    policy: Annotated[int | None, Meta(description="The number of the policy version that decided.")]
    decision: DecisionDocument | None
    duplicate: Annotated[bool | UnsetType, Meta(description="True if it was posted before; absent otherwise.")] = UNSET


class HistoryEntryDocument(msgspec.Struct):
    """One event in the life of an output."""

    at: Time
    text: str


class OutputDetailDocument(OutputState, kw_only=True):
    """An output's state and what happened to it, oldest first."""

    history: list[HistoryEntryDocument]


class ProblemDetail(msgspec.Struct):
    """One thing that is wrong: where, as a JSON Pointer (RFC 6901) into the body or query, and what."""

    pointer: str
    detail: str


class ProblemDocument(msgspec.Struct, kw_only=True):
    """Any error (RFC 9457). `code` is stable and for programs, `detail` for people; `errors` lists every fault."""

    type: Annotated[str, Meta(extra_json_schema={"format": "uri-reference"})]
    title: str
    status: int
    code: str
    detail: str | UnsetType = UNSET
    errors: list[ProblemDetail] | UnsetType = UNSET


class BatchOutputState(OutputState, kw_only=True):
    """The result for an output of a batch that was accepted: 202 if it is new, 200 if it was known."""

    code: Annotated[int, Meta(description="The status a request with this output alone would have had: 200 or 202.")]


class BatchProblem(msgspec.Struct, kw_only=True):
    """The result for an output of a batch that was refused. The others are not affected."""

    code: Annotated[int, Meta(description="The status a request with this output alone would have had.")]
    id: Annotated[str | None, Meta(description="Null if it could not be read.")]
    problem: ProblemDocument


def one_of(*types: type) -> dict[str, Any]:
    return {"oneOf": [{"$ref": f"#/components/schemas/{one.__name__}"} for one in types]}


class BatchResult(msgspec.Struct):
    """One result per output of a batch, in the same order."""

    results: list[Annotated[Any, Meta(extra_json_schema=one_of(BatchOutputState, BatchProblem))]]


class FeedDecision(DecisionDocument, kw_only=True):
    """A decision in the feed."""

    id: OutputId


class DecisionPage(msgspec.Struct):
    """A page of the feed, oldest first. Without items there is nothing new."""

    items: list[FeedDecision]
    next: Annotated[str, Meta(description="Cursor of the next page: send it as `after`.")]


class LabelStatus(StrEnum):
    """An output's status; one that is received has no label."""

    IN_REVIEW = "in_review"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


class RoutePartsDocument(msgspec.Struct):
    """What happened to the fields of an output, by JSON Pointer; all others stood as the AI gave them.

    `asked`: not sure enough, so that reviewers had to give them. `audited`: drawn for a random audit.
    """

    asked: list[str]
    audited: list[str]


class LabelledOutput(msgspec.Struct, kw_only=True):
    """One line of the export. Content is null once the output is withdrawn or erased.

    The type of `input`, `prediction`, `answer`, `segment` and `metadata` is the producer's. With `nested=text` each of
    them, and each of `field_confidences`, `label_confidences`, `parts` and `part_errors`, is a string with the JSON
    text, or null, so that all lines have the same columns and types.
    """

    id: OutputId
    number: Annotated[str, Meta(description="Increases with the time of receipt; evaluations cover a range of these.")]
    status: LabelStatus
    model: str
    model_version: str | None
    schema_number: Annotated[int, Meta(description="The version of the stream's answers at the time.")]
    invalid_prediction: Annotated[bool, Meta(description="The prediction breaks the schema of the answers.")]
    input: Annotated[Any, Meta(description="As posted, or its JSON text.")]
    prediction: Annotated[Answer, Meta(description="The AI's answer, or its JSON text.")]
    outcome: Annotated[DecisionOutcome | None, Meta(description="Null without a label.")]
    answer: Annotated[Answer, Meta(description="The settled answer, or its JSON text.")]
    round: Annotated[int | None, Meta(description="Review round, from 1; null without a label.")]
    wrong: Annotated[bool | None, Meta(description="By the first answers; null if unjudgeable or without a label.")]
    overturned: Annotated[bool | None, Meta(description="The settled answer differs from the AI's.")]
    blind: Annotated[bool | None, Meta(description="Answered before the AI's answer was shown.")]
    reviews: int | None
    error_types: Annotated[list[str], Meta(description="The error types named in its verdicts.")]
    confidence: float | None
    pi: Annotated[float, Meta(description="The probability of a review when it was routed; null until it is decided.")]
    u: Annotated[
        float, Meta(description="The output's permanent random number; an audit if below `p` and no rule caught it.")
    ]
    p: Annotated[float, Meta(description="The audit rate when it was routed.")]
    reason: Annotated[str, Meta(description=REASONS)]
    shadow: Annotated[bool, Meta(description="Nobody acted on it, so it counts in no guarantee.")]
    threshold: Annotated[float | None, Meta(description="The threshold that applied when it was routed.")]
    policy: Annotated[int | None, Meta(description="The number of the policy version that routed it.")]
    field_confidences: Annotated[
        dict[str, float | None] | str | None,
        Meta(description="Where an answer has fields: how sure the AI is of each, by JSON Pointer; or its JSON text."),
    ]
    parts: Annotated[
        RoutePartsDocument | str | None,
        Meta(description="Under a policy that decides by field: what happened to each field; or its JSON text."),
    ]
    part_errors: Annotated[
        dict[str, bool] | str | None,
        Meta(
            description="Whether each part that the first reviewers judged was wrong: a field by its JSON Pointer, or "
            "a label of a set. Empty for a set that was rejected; or its JSON text."
        ),
    ]
    label_confidences: Annotated[
        dict[str, float] | str | None,
        Meta(
            description="Where an answer is a set of labels: how sure the AI is of each, that it belongs to the set or "
            "that it does not; or its JSON text."
        ),
    ]
    segment: Annotated[dict[str, str] | str | None, Meta(description="As posted, or its JSON text.")]
    group: str | None
    value: float | None
    metadata: Annotated[dict[str, Any] | str | None, Meta(description="As posted, or its JSON text.")]
    occurred_at: Time | None
    received_at: Time
    settled_at: Time | None
