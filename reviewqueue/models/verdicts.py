"""Verdicts, drafts, and the labels that follow from verdicts."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from reviewqueue.kernel.json_field import SentJSONField


class VerdictQuerySet(models.QuerySet["Verdict"]):
    def counting(self) -> Self:
        return self.filter(undone_at=None)


class Verdict(models.Model):
    """One person's verdict on one slot. Append-only, except that it can be marked undone or redacted."""

    class Kind(models.TextChoices):
        AGREE = "agree"
        CORRECT = "correct"
        NONE = "none"
        UNJUDGEABLE = "unjudgeable"
        ESCALATE = "escalate"

    slot = models.ForeignKey("Slot", on_delete=models.PROTECT, related_name="verdicts")
    item = models.ForeignKey("Item", on_delete=models.PROTECT, related_name="verdicts")
    round = models.PositiveSmallIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="verdicts")
    claim = models.PositiveIntegerField()
    key = models.ForeignKey(
        "ApiKey",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The API key that reported it; null if the person gave it at the desk.",
    )
    kind = models.CharField(max_length=12, choices=Kind)
    answer = SentJSONField(null=True, help_text="The final answer; null unless it agrees or corrects.")
    first_answer = SentJSONField(null=True, help_text="The answer that the reviewer gave first.")
    first_at = models.DateTimeField()
    proposal_visible = models.BooleanField(help_text="Whether the proposed answer was visible before the first answer.")
    final_say = models.BooleanField(default=False)
    reason = models.CharField(max_length=40, blank=True)
    note = models.TextField(blank=True)
    error_type = models.CharField(
        max_length=60, blank=True, db_default="", help_text="The error type that a correction names."
    )
    active_seconds = models.FloatField(null=True)
    schema_number = models.PositiveIntegerField()
    guideline_number = models.PositiveIntegerField(null=True)
    submitted_at = models.DateTimeField()
    final_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    redacted_at = models.DateTimeField(null=True)

    objects = VerdictQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slot", "claim"], name="one_verdict_per_claim"),
            models.UniqueConstraint(
                fields=["item", "round", "user"],
                name="one_counting_verdict_per_person",
                condition=Q(undone_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["agree", "correct"]) | Q(answer__isnull=True),
                name="verdict_answers_or_not",
            ),
            models.CheckConstraint(condition=Q(final_at__gte=F("submitted_at")), name="verdict_final_after_submitted"),
        ]
        indexes = [
            # The desk's list of a person's latest decisions, and their day.
            models.Index(fields=["user", "-submitted_at"], name="verdict_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.item_id}"


class FirstAnswer(models.Model):
    """A person's answer before the proposal was shown to them, recorded once per claim.

    When they claim the item again in the same round, the row is copied to the new claim: they have seen the proposal,
    so they cannot answer first again.
    """

    slot = models.ForeignKey("Slot", on_delete=models.PROTECT, related_name="first_answers")
    claim = models.PositiveIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key = models.ForeignKey(
        "ApiKey",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The API key that reported it; null if the person gave it at the desk.",
    )
    kind = models.CharField(max_length=12, help_text="`answer`, `none` or `unjudgeable`.")
    answer = SentJSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slot", "claim"], name="one_first_answer_per_claim")]

    def __str__(self) -> str:
        return f"first answer on {self.slot_id}.{self.claim}"


class Draft(models.Model):
    """A form a person has filled in for an item but not submitted: `{"stage": ..., "fields": {name: [value, ...]}}`.

    It outlives the reservation, so that the person finds it when they claim the item again. It is deleted when they
    submit a verdict, and after 20 hours.
    """

    item = models.ForeignKey("Item", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    fields = models.JSONField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "user"], name="one_draft_per_person")]
        # drafts.drop_old_drafts(): the oldest first.
        indexes = [models.Index(fields=["saved_at"], name="draft_saved")]

    def __str__(self) -> str:
        return f"draft of {self.user_id} on {self.item_id}"


class Label(models.Model):
    """An item's settled answer and its provenance: one row per round, the latest one counts.

    `first_outcome` and `first_answer` are settled from the first answers, given before the proposal was shown: errors
    are counted from these, decisions are made from `outcome` and `answer`.
    """

    class Outcome(models.TextChoices):
        ANSWERED = "answered"
        REJECTED = "rejected"
        UNJUDGEABLE = "unjudgeable"

    class Basis(models.TextChoices):
        SINGLE = "single"
        MAJORITY = "majority"
        FINAL_SAY = "final_say"

    item = models.ForeignKey("Item", on_delete=models.PROTECT, related_name="labels")
    round = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=12, choices=Outcome)
    answer = SentJSONField(null=True)
    first_outcome = models.CharField(max_length=12, choices=Outcome)
    first_answer = SentJSONField(null=True)
    blind = models.BooleanField(help_text="Every first answer was given before the proposed answer was visible.")
    basis = models.CharField(max_length=10, choices=Basis)
    verdicts = ArrayField(models.BigIntegerField())
    active_seconds = models.FloatField(null=True)
    schema_number = models.PositiveIntegerField()
    settled_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "round"], name="one_label_per_round")]
        indexes = [models.Index(fields=["settled_at"], name="label_settled")]

    def __str__(self) -> str:
        return f"{self.outcome} for {self.item_id}"


class LabelOutbox(models.Model):
    """Labels that their consumer has not taken yet; taking one deletes its row in the consumer's transaction."""

    label = models.OneToOneField(Label, on_delete=models.CASCADE, primary_key=True)

    def __str__(self) -> str:
        return str(self.label_id)
