"""The words of the OpenAPI document that belong to no single operation."""

from __future__ import annotations

from typing import Any

from escalation.api.documents import BatchOutputState, BatchProblem
from escalation.ingest import schema
from reviewqueue.http.problem import RETRY_AFTER_SECONDS

INFO = {
    "title": "reviewqueue",
    "version": "0.1.0",
    "summary": "Human review for low-confidence model outputs.",
    "description": (
        "Post model outputs, read decisions, review, and report.\n\n"
        "Every request needs an API key: `Authorization: Bearer <key>`. Bodies are UTF-8. Errors are problem "
        "documents (RFC 9457) with a stable `code`; `errors` says what is wrong and where. Unknown fields and "
        "parameters are errors. After a network error, 429 or 503 send the same request again: nothing is done twice, "
        "but a claim that was repeated reserves another item.\n\n"
        "Clients should accept additional fields, codes and reasons: they can come without a new version."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
TAGS = {
    "Outputs": "Post model outputs, and follow or withdraw them.",
    "Decisions": "Read what was decided, in order and without gaps.",
    "Labels and report": "Export what reviewers said, and read a stream's figures.",
    "Review": "Claim items and submit verdicts, for custom review tools.",
}
SECURITY_SCHEME = {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer rq_…`"}
_SLUG = {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"}
PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "stream": {"description": "The stream's slug.", "schema": _SLUG},
    "queue": {"description": "The queue's slug, which is its stream's.", "schema": _SLUG},
    "external_id": {
        "description": "The id under which the output was posted, percent-encoded.",
        "schema": {"type": "string", "minLength": 1, "maxLength": schema.MAX_EXTERNAL_ID_LENGTH},
    },
    "claim": {
        "description": "The claim's id: `<slot>.<claim number>`.",
        "schema": {"type": "string", "pattern": r"^[1-9][0-9]{0,17}\.[1-9][0-9]{0,8}$"},
    },
    "verdict": {
        "description": "The verdict's id.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    },
}
# Status -> codes. What every operation can answer with.
COMMON_PROBLEMS = {
    400: "`invalid`, `malformed`: `errors` says what is wrong and where",
    401: "`unauthenticated`: the API key is missing, unknown, expired or revoked",
    403: "`missing_scope`: the API key lacks the scope",
    404: "`not_found`: it does not exist, or this API key has no access to it",
    414: "`uri_too_long`: the address has more characters than the server reads",
    429: "`rate_limited`: too many requests of this API key; try again after `Retry-After`",
    431: "`headers_too_large`: the request's headers are too large or too many",
    500: "`internal_error`: it has been recorded",
    503: "`unavailable`: nothing was stored; try again after `Retry-After`",
}
# What those with a body can.
BODY_PROBLEMS = {
    400: "`invalid`, `malformed`, `invalid_json`, `duplicate_key`, `number_out_of_range`, `invalid_text`, `too_deep`: "
    "`errors` says what is wrong and where",
    411: "`length_required`: send the body with a Content-Length",
    413: "`too_large`: more than 8 MiB; `too_many_values`: more than 250,000 JSON values",
    415: "`unsupported_media_type`, `unsupported_encoding`, `unsupported_charset`",
}
_RETRY_AFTER = {"Retry-After": f"Seconds to wait, such as {RETRY_AFTER_SECONDS}."}
PROBLEM_HEADERS = {
    401: {"WWW-Authenticate": "`Bearer`."},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
# Types that others only mention by reference.
REFERENCED_TYPES = (BatchOutputState, BatchProblem)

_OUTPUT_TEXTS = {
    "id": "Unique in its stream for ever. `.` and `..` cannot be ids.",
    "model": "The model's name.",
    "prediction": "The model's answer: a label, a list of labels or an object, as the stream's answers are.",
    "confidence": "How confident the model is. Null sends the output to review. May be absent if `scores` are given.",
    "input": "What the reviewer sees.",
    "model_version": "Its version.",
    "scores": "The confidence of each label, or of each field (by JSON Pointer) of a structured answer.",
    "segment": "What policies and reports tell outputs apart by, such as a language.",
    "context": "Shown to the reviewer beside the input.",
    "metadata": "Stored and returned, never interpreted.",
    "group": "What the output belongs to, such as a conversation. Shown on its page, in search and in the export.",
    "language": "The language of the input, as a BCP 47 tag. Sets how it is displayed.",
    "value": "What is at stake, in a unit of your choice. The policy's rules can compare it; its `value_factor` turns "
    "it into the cost of an error, for the order of work, the report and the threshold preview.",
    "due_at": "By when reviewers have to decide. Sets the order of work, and when `on_deadline` applies.",
    "occurred_at": "When the event behind the output happened. Reports can count by it (`by=occurred`).",
    "shadow": "Routed and audited, but not to be acted on.",
}

_ABSENT: dict[str, Any] = {"not": {}}  # as `false`, which generators of clients do not know


def complete_output_schema(described: dict[str, Any]) -> None:
    """Add to the type of a posted output what the type does not say."""
    for name, text in _OUTPUT_TEXTS.items():
        described["properties"][name]["description"] = text
    described["description"] = "One model output."
    described["properties"]["id"]["not"] = {"enum": [".", ".."]}
    described["allOf"] = [
        {
            "anyOf": [
                {"required": ["confidence"]},
                {"required": ["scores"], "properties": {"scores": {"type": "object", "minProperties": 1}}},
            ]
        }
    ]


def complete_verdict_schema(described: dict[str, Any]) -> None:
    """Add to the type of a submitted verdict which fields go with which verdict."""
    no_remark = dict.fromkeys(("reason", "note", "error_type", "active_seconds"), _ABSENT)
    no_answer, an_answer = {"type": "null"}, {"not": {"type": "null"}}
    branches: list[dict[str, Any]] = [
        {"verdict": {"const": "answer"}, "answer": an_answer, "instead": _ABSENT, **no_remark},
        {"verdict": {"const": "answer"}, "answer": no_answer, **no_remark},
        {"verdict": {"const": "correct"}, "answer": an_answer, "instead": _ABSENT},
        {"verdict": {"const": "none"}, "answer": no_answer, "instead": _ABSENT},
        {
            "verdict": {"enum": ["agree", "unjudgeable", "escalate"]},
            "answer": no_answer,
            "instead": _ABSENT,
            "error_type": {"const": ""},
        },
    ]
    required: tuple[list[str], ...] = (["answer"], ["instead"], ["answer"], [], [])
    described["allOf"] = [
        {
            "oneOf": [
                {"properties": properties, "required": ["verdict", *names]}
                for properties, names in zip(branches, required, strict=True)
            ]
        }
    ]
