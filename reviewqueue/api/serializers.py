"""Request and response bodies of the claims and verdicts API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from reviewqueue.answers import text
from reviewqueue.models import Verdict
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import validation, wording

# Sent only once the person may see them; before that, not even the names are.
_REVEALED_FIELDS = ("proposal", "alternatives", "field_hints", "why", "model")


class StrictTextField(serializers.CharField):
    """A string; numbers and booleans are rejected, not converted."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class SecondsField(serializers.FloatField):
    """A finite number; booleans and strings are rejected."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictSerializer(serializers.Serializer[Any]):
    """Reject unknown fields, so that a misspelt name doesn't go unnoticed."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data.keys() - self.fields.keys())
            if unknown:
                raise serializers.ValidationError({name: ["Unknown field."] for name in unknown})
        return super().to_internal_value(data)


class ClaimRequest(StrictSerializer):
    reviewer = StrictTextField(
        required=False,
        max_length=150,
        help_text="The username of the reviewer the key acts for; not needed for a key created with `--as`.",
    )


class VerdictRequest(StrictSerializer):
    verdict = serializers.ChoiceField(
        choices=["answer", *Verdict.Kind.values], help_text="`answer` only before the proposed answer is shown."
    )
    answer = serializers.JSONField(
        required=False,
        allow_null=True,
        help_text="With `correct` and `answer`: a label, a list of labels, or an object, depending on the queue.",
    )
    instead = serializers.ChoiceField(
        choices=[validation.NONE_KIND, validation.UNJUDGEABLE_KIND],
        required=False,
        help_text="With `answer`, instead of one: none of the answers is right, or it can't be judged.",
    )
    reason = StrictTextField(
        required=False,
        allow_blank=True,
        max_length=text.MAX_REASON_CHARACTERS,
        help_text=f"Required for a final say, where it is one of {', '.join(wording.FINAL_SAY_REASONS)}.",
    )
    note = StrictTextField(required=False, allow_blank=True, max_length=text.MAX_NOTE_CHARACTERS)
    error_type = StrictTextField(
        required=False,
        allow_blank=True,
        max_length=text.MAX_ERROR_TYPE_CHARACTERS,
        help_text="With `correct` and `none`: one of the item's `error_types`.",
    )
    active_seconds = SecondsField(required=False, min_value=0, help_text="Seconds the reviewer actively worked on it.")


class ItemDocument(serializers.Serializer[Any]):
    id = serializers.CharField()
    reference = serializers.CharField(help_text="The producer's id for the output.")
    queue = serializers.CharField()
    title = serializers.CharField()
    question = serializers.CharField()
    kind = serializers.ChoiceField(choices=["label", "labels", "structured"])
    answers = serializers.ListField(child=serializers.CharField(), help_text="In schema order.")
    schema = serializers.DictField(allow_null=True)
    schema_number = serializers.IntegerField()
    guideline_number = serializers.IntegerField(allow_null=True)
    input = serializers.JSONField()
    context = serializers.JSONField(allow_null=True)  # type: ignore[assignment]  # hides the base class's property
    language = serializers.CharField()
    due_at = serializers.DateTimeField(allow_null=True)
    error_types = serializers.ListField(
        child=serializers.CharField(), help_text="The error types a correction may name."
    )
    proposal = serializers.JSONField(
        required=False, help_text="The proposed answer. It and the fields below are present only when `revealed`."
    )
    alternatives = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="This, `field_hints` and `why` are always empty on an answer-first claim.",
    )
    field_hints = serializers.DictField(required=False)
    why = serializers.DictField(required=False)
    model = serializers.CharField(required=False)


class OtherVerdictDocument(serializers.Serializer[Any]):
    person = serializers.CharField()
    kind = serializers.CharField()
    answer = serializers.JSONField(allow_null=True)
    first_kind = serializers.CharField(help_text="Their first answer: a verdict, or `answer`, `none`, `unjudgeable`.")
    first_answer = serializers.JSONField(allow_null=True)
    first_at = serializers.DateTimeField()
    blind = serializers.BooleanField(help_text="Whether they gave it before they saw the proposed answer.")
    reason = serializers.CharField()
    note = serializers.CharField()
    error_type = serializers.CharField()
    submitted_at = serializers.DateTimeField()


class ClaimDocument(serializers.Serializer[Any]):
    claim = serializers.CharField(help_text="`<slot>.<claim number>`")
    item = ItemDocument()
    answer_first = serializers.BooleanField(help_text="The reviewer answers before the proposed answer is shown.")
    revealed = serializers.BooleanField()
    first_kind = serializers.CharField(allow_null=True)
    first_answer = serializers.JSONField(allow_null=True)
    final_say = serializers.BooleanField()
    others = OtherVerdictDocument(many=True, help_text="Other reviewers' verdicts; for the final say only.")
    expires_at = serializers.DateTimeField()


class SubmittedDocument(serializers.Serializer[Any]):
    id = serializers.CharField()
    final_at = serializers.DateTimeField(help_text="The verdict can be undone until then.")


def serialize_claim(claim: Claim) -> dict[str, Any]:
    """A claim as the API's response body."""
    item = asdict(claim.item) | {"id": str(claim.item.id)}
    del item["display"]  # only pages need to know how to show it
    if not claim.revealed:
        item = {name: value for name, value in item.items() if name not in _REVEALED_FIELDS}
    return {
        "claim": claim.id,
        "item": item,
        "answer_first": claim.answer_first,
        "revealed": claim.revealed,
        "first_kind": claim.first_kind,
        "first_answer": claim.first_answer,
        "final_say": claim.final_say,
        "others": [asdict(other) for other in claim.others],
        "expires_at": claim.reserved_until,
    }
