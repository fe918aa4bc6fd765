"""Serializers for the OpenAPI schema, and helpers to parse queries and render responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from reviewqueue.kernel.errors import Invalid


def render_json(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A JSON response."""
    return HttpResponse(
        msgspec.json.encode(document),
        content_type="application/json",
        status=status,
        headers=dict(headers or {}),
    )


def parse_query(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The validated query string. Raises Invalid for an unknown parameter."""
    unknown = request.query_params.keys() - form().fields.keys()
    if unknown:
        raise Invalid(
            f"Unknown query parameter: {', '.join(sorted(unknown))}. Remove it and try again.",
            [{"pointer": f"/{name}", "detail": "unknown parameter"} for name in sorted(unknown)],
        )
    checked = form(data=request.query_params)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def _inline_schema(name: str, **fields: Any) -> serializers.Serializer[Any]:
    return inline_serializer(name, fields)


_ANSWER_HELP = "A label, a list of labels, or an object, depending on the stream's answer type."

OUTPUT = _inline_schema(
    "Output",
    id=serializers.CharField(help_text="Unique within its stream; can never be reused.", max_length=200),
    model=serializers.CharField(max_length=200),
    prediction=serializers.JSONField(help_text=_ANSWER_HELP),
    confidence=serializers.FloatField(
        min_value=0, max_value=1, allow_null=True, help_text="Null sends the output to review."
    ),
    input=serializers.JSONField(help_text="Shown to the reviewer."),
    model_version=serializers.CharField(required=False, max_length=200),
    scores=serializers.DictField(child=serializers.FloatField(), required=False),
    segment=serializers.DictField(child=serializers.CharField(), required=False),
    context=serializers.DictField(required=False),
    metadata=serializers.DictField(required=False, help_text="Stored and returned, never interpreted."),
    group=serializers.CharField(
        required=False,
        max_length=200,
        help_text="What the output belongs to, such as a conversation. Shown on its page, in search and in the export.",
    ),
    language=serializers.CharField(
        required=False, help_text="Language of the input, as a BCP 47 tag. Sets how it is displayed."
    ),
    value=serializers.FloatField(
        required=False,
        help_text="What is at stake, in a unit of your choice. The policy's rules can compare it; its `value_factor` "
        "turns it into the cost of an error, for the order of work, the report and the threshold preview.",
    ),
    due_at=serializers.DateTimeField(
        required=False,
        help_text="By when reviewers have to decide. Sets the order of work, and when `on_deadline` applies.",
    ),
    occurred_at=serializers.DateTimeField(
        required=False, help_text="When the event behind the output happened. Reports can count by it (`by=occurred`)."
    ),
    shadow=serializers.BooleanField(required=False, help_text="Routed and audited, but not to be acted on."),
)
OUTPUT_EXAMPLES = [
    OpenApiExample(
        "one output",
        value={
            "id": "ticket-8123",
            "model": "intent-clf",
            "prediction": "refund",
            "confidence": 0.62,
            "input": {"text": "I was charged twice"},
        },
    )
]

_DECISION = _inline_schema(
    "Decision",
    answer=serializers.JSONField(allow_null=True, help_text=_ANSWER_HELP),
    outcome=serializers.ChoiceField(choices=["answered", "rejected", "unjudgeable", "withdrawn"]),
    by=serializers.ChoiceField(choices=["model", "people", "system"]),
    revision=serializers.IntegerField(),
    decided_at=serializers.DateTimeField(),
    shadow=serializers.BooleanField(required=False),
)
_STATUS_FIELDS: dict[str, Any] = {
    "id": serializers.CharField(),
    "status": serializers.ChoiceField(choices=["received", "in_review", "decided", "withdrawn", "erased"]),
    "route": serializers.ChoiceField(choices=["auto", "review"], allow_null=True),
    "reason": serializers.CharField(
        allow_null=True,
        help_text="Why it was automated or sent to review. It never says whether an output is an audit: one that was "
        "automated reads `above_threshold`, one that waits reads `review`.",
    ),
    "pi": serializers.FloatField(
        allow_null=True, help_text="Probability of a review, once the output is decided; null before."
    ),
    "policy": serializers.IntegerField(allow_null=True, help_text="Number of the policy version that decided."),
    "decision": _DECISION,
    "duplicate": serializers.BooleanField(required=False),
}
STATUS = _inline_schema("OutputState", **_STATUS_FIELDS)
STATUS_WITH_HISTORY = _inline_schema(
    "OutputStateWithHistory",
    **_STATUS_FIELDS,
    history=_inline_schema("HistoryLine", at=serializers.DateTimeField(), text=serializers.CharField()),
)
POST_RESULT = _inline_schema(
    "Posted",
    **_STATUS_FIELDS,
    results=serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="For a list of outputs, instead of the fields above: one result per output, with its `code` and its "
        "state or problem.",
    ),
)
DECISION_PAGE = _inline_schema(
    "DecisionPage",
    items=serializers.ListField(child=serializers.DictField(), help_text="Decisions, each with its output's `id`."),
    next=serializers.CharField(help_text="Cursor of the next page."),
)
LABELLED_OUTPUT = _inline_schema(
    "LabelledOutput",
    id=serializers.CharField(),
    number=serializers.CharField(help_text="Increases with the time of receipt; evaluations cover a range of these."),
    status=serializers.ChoiceField(choices=["in_review", "decided", "withdrawn", "erased"]),
    schema_number=serializers.IntegerField(help_text="Version of the stream's answer schema at the time."),
    model=serializers.CharField(),
    model_version=serializers.CharField(allow_null=True),
    input=serializers.JSONField(allow_null=True, help_text="Null, like all content, once withdrawn or erased."),
    prediction=serializers.JSONField(allow_null=True, help_text="The AI's answer."),
    confidence=serializers.FloatField(allow_null=True),
    segment=serializers.JSONField(allow_null=True),
    group=serializers.CharField(allow_null=True),
    value=serializers.FloatField(allow_null=True),
    metadata=serializers.JSONField(allow_null=True),
    u=serializers.FloatField(
        help_text="The output's permanent random number; an audit if below `p` and no rule caught it."
    ),
    p=serializers.FloatField(help_text="The audit rate when it was routed."),
    pi=serializers.FloatField(help_text="The probability of a review when it was routed."),
    reason=serializers.CharField(help_text="Why it was routed as it was."),
    shadow=serializers.BooleanField(help_text="Nobody acted on it, so it counts in no guarantee."),
    threshold=serializers.FloatField(allow_null=True, help_text="The threshold that applied to it when it was routed."),
    policy=serializers.IntegerField(allow_null=True, help_text="Number of the policy version that routed it."),
    outcome=serializers.CharField(allow_null=True, help_text="Null without a label."),
    answer=serializers.JSONField(allow_null=True),
    overturned=serializers.BooleanField(allow_null=True, help_text="The settled answer differs from the AI's."),
    reviews=serializers.IntegerField(allow_null=True),
    occurred_at=serializers.DateTimeField(allow_null=True),
    received_at=serializers.DateTimeField(),
    settled_at=serializers.DateTimeField(allow_null=True),
    round=serializers.IntegerField(allow_null=True, help_text="Review round, from 1; null without a label."),
    wrong=serializers.BooleanField(
        allow_null=True, help_text="By the first answers; null if unjudgeable or without a label."
    ),
    blind=serializers.BooleanField(allow_null=True, help_text="Answered before the AI's answer was shown."),
    error_types=serializers.ListField(
        child=serializers.CharField(), help_text="The error types named in its verdicts."
    ),
)
REPORT = OpenApiResponse(
    response=serializers.DictField(),
    description=(
        "The stream's figures for the window. `by` says whether outputs count on the day they were received or "
        "occurred. `acts` counts items that reviewers passed on (`passed`), escalated to the lead (`asked_lead`) or "
        "marked unjudgeable (`unjudgeable`), each as `{total, reasons}` by reason code, which is empty if no reason "
        "was given; `error_types` counts the error types named in verdicts. "
        "`guarantee` is the guarantee of the policy in effect, null where there is none: `{text, error_target, "
        "confidence_level, in_force, ended, policy, since, valid_until, audits_since, errors_since, "
        "error_range_since, groups, sent_to_review, assumes_perfect_reviewers, evidence}`. At most `error_target` "
        "of the automated decisions are wrong, with `confidence_level`. `audits_since` audits above the "
        "threshold arrived since it took effect (unanswered and overdue ones count as errors), `errors_since` of "
        "them errors: the error rate lies in "
        "`error_range_since` with `confidence_level`, however often it is read (null before the first audit, and "
        "where each group has its own threshold). Each of `groups` (one, `group` null, for a guarantee about "
        "everything) has its `threshold`, the `audits` at or above it and the `errors` among these, and the upper "
        "`bound` of its error rate, which holds with its `confidence_level`; outputs of the groups in "
        "`sent_to_review` are not automated. `ended` says why it is no longer in force: `expired`, `model_version`, "
        "`answers`, `drift` (more errors in later audits than it allows) or `replaced`. `statement` is deprecated: "
        "the same under former names, `claim` (`text`), `holds` (`in_force`), `max_error` (`error_target`), `doubt` "
        "(1 - `confidence_level`), `checked_since`, `wrong_since`, `range_since`, `to_people` (`sent_to_review`), "
        "and in `groups` `checked` (`audits`), `wrong` (`errors`) and `doubt`; the other names are the same."
    ),
)
_PROBLEM = _inline_schema(
    "Problem",
    type=serializers.CharField(),
    title=serializers.CharField(),
    status=serializers.IntegerField(),
    code=serializers.CharField(),
    detail=serializers.CharField(required=False),
    errors=serializers.ListField(child=serializers.DictField(), required=False),
)
PROBLEMS: dict[Any, Any] = {
    (code, "application/problem+json"): _PROBLEM for code in (400, 401, 403, 404, 409, 413, 415, 429, 503)
}
