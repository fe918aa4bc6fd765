"""The shapes of what goes in and out: serializers for the OpenAPI schema, and the one way to answer."""

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
    """A JSON answer."""
    return HttpResponse(
        msgspec.json.encode(document),
        content_type="application/json",
        status=status,
        headers=dict(headers or {}),
    )


def parse_query(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The checked query string; a parameter nobody knows is an error."""
    unknown = request.query_params.keys() - form().fields.keys()
    if unknown:
        raise Invalid(
            "This call does not know every parameter that was sent.",
            [{"pointer": f"/{name}", "detail": "unknown parameter"} for name in sorted(unknown)],
        )
    checked = form(data=request.query_params)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def _inline_schema(name: str, **fields: Any) -> serializers.Serializer[Any]:
    return inline_serializer(name, fields)


_ANSWER_HELP = "A label, a list of labels, or an object, as the stream's answers are."

OUTPUT = _inline_schema(
    "Output",
    id=serializers.CharField(help_text="Unique in its stream, for ever.", max_length=200),
    model=serializers.CharField(max_length=200),
    prediction=serializers.JSONField(help_text=_ANSWER_HELP),
    confidence=serializers.FloatField(
        min_value=0, max_value=1, allow_null=True, help_text="Null sends it to a person."
    ),
    input=serializers.JSONField(help_text="What the reviewer sees."),
    model_version=serializers.CharField(required=False, max_length=200),
    scores=serializers.DictField(child=serializers.FloatField(), required=False),
    segment=serializers.DictField(child=serializers.CharField(), required=False),
    context=serializers.DictField(required=False),
    metadata=serializers.DictField(required=False, help_text="Only given back."),
    group=serializers.CharField(required=False, max_length=200),
    language=serializers.CharField(required=False),
    value=serializers.FloatField(required=False),
    due_at=serializers.DateTimeField(required=False),
    occurred_at=serializers.DateTimeField(required=False),
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
    "reason": serializers.CharField(allow_null=True),
    "pi": serializers.FloatField(allow_null=True, help_text="Probability that a person reviews it."),
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
        help_text="For several outputs, instead of the fields above: each with its `code`, and its state or problem.",
    ),
)
DECISION_PAGE = _inline_schema(
    "DecisionPage",
    items=serializers.ListField(child=serializers.DictField(), help_text="A Decision with its output's id each."),
    next=serializers.CharField(help_text="The cursor to go on from."),
)
LABELLED_OUTPUT = _inline_schema(
    "LabelledOutput",
    id=serializers.CharField(),
    number=serializers.CharField(help_text="Larger for what came in later; a statement names a window of them."),
    status=serializers.ChoiceField(choices=["in_review", "decided", "withdrawn", "erased"]),
    schema_number=serializers.IntegerField(help_text="Which of the stream's sets of answers it was asked by."),
    model=serializers.CharField(),
    model_version=serializers.CharField(allow_null=True),
    input=serializers.JSONField(allow_null=True, help_text="Null of what was taken back, as all of its content."),
    prediction=serializers.JSONField(allow_null=True, help_text="The AI's answer."),
    confidence=serializers.FloatField(allow_null=True),
    segment=serializers.JSONField(allow_null=True),
    metadata=serializers.JSONField(allow_null=True),
    u=serializers.FloatField(help_text="The output's permanent random number: drawn where it lies below `p`."),
    p=serializers.FloatField(help_text="The audit rate when it was routed."),
    pi=serializers.FloatField(help_text="The probability that a person reviews it, when it was routed."),
    reason=serializers.CharField(help_text="What it was sent to a person for."),
    threshold=serializers.FloatField(allow_null=True, help_text="Of its class and segment, when it was routed."),
    policy=serializers.IntegerField(allow_null=True, help_text="Number of the policy version that routed it."),
    outcome=serializers.CharField(allow_null=True, help_text="Null without a label."),
    answer=serializers.JSONField(allow_null=True),
    overturned=serializers.BooleanField(allow_null=True, help_text="The settled answer is another than the AI's."),
    reviews=serializers.IntegerField(allow_null=True),
    received_at=serializers.DateTimeField(),
    settled_at=serializers.DateTimeField(allow_null=True),
    round=serializers.IntegerField(allow_null=True, help_text="How often people were asked; null without a label."),
    wrong=serializers.BooleanField(
        allow_null=True, help_text="By the first answers; null where nobody could tell, and without a label."
    ),
    blind=serializers.BooleanField(allow_null=True, help_text="Answered before the AI's answer was shown."),
    error_types=serializers.ListField(
        child=serializers.CharField(), help_text="The kinds of mistakes that the verdicts behind it name."
    ),
)
REPORT = OpenApiResponse(
    response=serializers.DictField(),
    description=(
        "The stream's figures over the window. `acts` counts what people passed on (`passed`), asked the lead about "
        "(`asked_lead`) and could not judge (`unjudgeable`), each `{total, reasons}` by the code of the reason, which "
        "is empty where none was given; `error_types` counts the kinds of mistakes that their verdicts name. "
        "`statement` is what is stated about the policy in effect, null where there is none: `{claim, holds, ended, "
        "policy, since, checked_since, wrong_since, range_since, valid_until, max_error, doubt, groups, to_people, "
        "assumes_perfect_reviewers, evidence}`; the checks above the threshold that were answered since it took "
        "effect are `checked_since`, of which `wrong_since` were wrong, so that between the two numbers of "
        "`range_since` (null before the first, and where each group has its own threshold) goes wrong, however often "
        "it is read. Each "
        "of `groups` (one, `group` null, for a promise about everything) has its `threshold`, how many were `checked` "
        "at or above it and how many of these `wrong`, and the upper `bound` of the share that is wrong, itself false "
        "with a probability of at most `doubt`. `ended` says why it no longer holds: `expired`, `model_version`, "
        "`answers`, `drift` (more went wrong among later checks than it allows) or `replaced`."
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
