"""What goes in and out of the API's claims and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from reviewqueue.answers import text
from reviewqueue.models import Verdict
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import validation, wording

# Only there once the person may see it; before, not even the names are sent.
_REVEALED_FIELDS = ("proposal", "alternatives", "field_hints", "why", "model")


class StrictTextField(serializers.CharField):
    """Text, and not a number or a truth value that looks like one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class SecondsField(serializers.FloatField):
    """A finite number, and not `true` or "1.0"."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictSerializer(serializers.Serializer[Any]):
    """A body without fields that nobody reads: a misspelt name must not look as if it had worked."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data.keys() - self.fields.keys())
            if unknown:
                raise serializers.ValidationError({name: ["This field is unknown."] for name in unknown})
        return super().to_internal_value(data)


class ClaimRequest(StrictSerializer):
    reviewer = StrictTextField(
        required=False, max_length=150, help_text="Whom the key acts for; not needed for a key made `--as` somebody."
    )


class VerdictRequest(StrictSerializer):
    verdict = serializers.ChoiceField(
        choices=["answer", *Verdict.Kind.values], help_text="`answer` only before the proposal is shown."
    )
    answer = serializers.JSONField(
        required=False,
        allow_null=True,
        help_text="With `correct` and `answer`: a label, a list of labels, or an object, as the queue's answers are.",
    )
    instead = serializers.ChoiceField(
        choices=[validation.NONE_KIND, validation.UNJUDGEABLE_KIND],
        required=False,
        help_text="With `answer`, in place of one: none of the answers is right, or it can't be judged.",
    )
    reason = StrictTextField(
        required=False,
        allow_blank=True,
        max_length=text.MAX_REASON_CHARACTERS,
        help_text=f"Required for a final say, and then one of {', '.join(wording.FINAL_SAY_REASONS)}.",
    )
    note = StrictTextField(required=False, allow_blank=True, max_length=text.MAX_NOTE_CHARACTERS)
    error_type = StrictTextField(
        required=False,
        allow_blank=True,
        max_length=text.MAX_ERROR_TYPE_CHARACTERS,
        help_text="With `correct` and `none`: which of the item's `error_types` the mistake is.",
    )
    active_seconds = SecondsField(required=False, min_value=0, help_text="How long the person worked on it.")


class ItemDocument(serializers.Serializer[Any]):
    id = serializers.CharField()
    reference = serializers.CharField(help_text="What the producer calls it.")
    queue = serializers.CharField()
    title = serializers.CharField()
    question = serializers.CharField()
    kind = serializers.ChoiceField(choices=["label", "labels", "structured"])
    answers = serializers.ListField(child=serializers.CharField(), help_text="In the order of the schema.")
    schema = serializers.DictField(allow_null=True)
    schema_number = serializers.IntegerField()
    guideline_number = serializers.IntegerField(allow_null=True)
    input = serializers.JSONField()
    context = serializers.JSONField(allow_null=True)  # type: ignore[assignment]  # hides the base class's property
    language = serializers.CharField()
    due_at = serializers.DateTimeField(allow_null=True)
    error_types = serializers.ListField(
        child=serializers.CharField(), help_text="What kinds of mistakes a correction may name."
    )
    proposal = serializers.JSONField(required=False, help_text="This and what follows: only when `revealed`.")
    alternatives = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="This, `field_hints` and `why` stay empty on an answer-first claim.",
    )
    field_hints = serializers.DictField(required=False)
    why = serializers.DictField(required=False)
    model = serializers.CharField(required=False)


class OtherVerdictDocument(serializers.Serializer[Any]):
    person = serializers.CharField()
    kind = serializers.CharField()
    answer = serializers.JSONField(allow_null=True)
    first_kind = serializers.CharField(help_text="What they said first: a verdict, or `answer`, `none`, `unjudgeable`.")
    first_answer = serializers.JSONField(allow_null=True)
    first_at = serializers.DateTimeField()
    blind = serializers.BooleanField(help_text="They said that before they saw the proposal.")
    reason = serializers.CharField()
    note = serializers.CharField()
    error_type = serializers.CharField()
    submitted_at = serializers.DateTimeField()


class ClaimDocument(serializers.Serializer[Any]):
    claim = serializers.CharField(help_text="`<slot>.<claim number>`")
    item = ItemDocument()
    answer_first = serializers.BooleanField(help_text="The person says what they think before the proposal is shown.")
    revealed = serializers.BooleanField()
    first_kind = serializers.CharField(allow_null=True)
    first_answer = serializers.JSONField(allow_null=True)
    final_say = serializers.BooleanField()
    others = OtherVerdictDocument(many=True, help_text="What others said; for the final say only.")
    expires_at = serializers.DateTimeField()


class SubmittedDocument(serializers.Serializer[Any]):
    id = serializers.CharField()
    final_at = serializers.DateTimeField(help_text="Until then it can be undone.")


def serialize_claim(claim: Claim) -> dict[str, Any]:
    """A claim as it is sent."""
    item = asdict(claim.item) | {"id": str(claim.item.id)}
    del item["display"]  # how a page shows it is nothing to an API
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
