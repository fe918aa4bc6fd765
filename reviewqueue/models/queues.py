"""Queues, with their numbered answer schemas and numbered guidelines."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from reviewqueue.kernel.json_field import OrderedJSONField


class Queue(models.Model):
    """A work queue for reviewers; its slug is the stream's."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=120)
    question = models.CharField(max_length=200, blank=True)
    reserve_minutes = models.PositiveSmallIntegerField(default=15)
    error_types = models.JSONField(
        default=list, db_default=[], help_text=_("The error types that a correction may name.")
    )
    display = models.JSONField(
        default=dict, db_default={}, help_text=_("Which renderer shows a part of the input, by its key.")
    )
    checks_share = models.FloatField(default=0.25, help_text=_("Share of claims that try the checks lane first."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(checks_share__gte=0, checks_share__lte=1),
                name="queue_checks_share_is_a_share",
            ),
            models.CheckConstraint(condition=models.Q(reserve_minutes__gte=1), name="queue_reserves_a_minute"),
        ]

    def __str__(self) -> str:
        return self.title


class AnswerSchema(models.Model):
    """The answers a queue allows: numbered per queue, never changed, pinned by outputs, policies and items.

    `label`: one of `answers`. `labels`: any of them. `structured`: a JSON object that satisfies `schema`. An
    error is an `output` that is wrong at all, or each missed or invented `label` of a set.
    """

    class Kind(models.TextChoices):
        LABEL = "label"
        LABELS = "labels"
        STRUCTURED = "structured"

    class ErrorUnit(models.TextChoices):
        OUTPUT = "output", "Whole answer"
        LABEL = "label", "Each label"

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="schemas")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    answers = models.JSONField(default=list)
    schema = OrderedJSONField(null=True)
    error_unit = models.CharField(
        max_length=6, choices=ErrorUnit, default=ErrorUnit.OUTPUT, db_default=ErrorUnit.OUTPUT
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "number"], name="one_schema_per_number"),
            models.CheckConstraint(
                condition=models.Q(error_unit="output") | models.Q(error_unit="label", kind="labels"),
                name="schema_has_a_fitting_error_unit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.queue} answers {self.number}"


class Guideline(models.Model):
    """Guidelines for reviewers, in Markdown; numbered, and every verdict records which number it followed."""

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="guidelines")
    number = models.PositiveIntegerField()
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "number"], name="one_guideline_per_number")]

    def __str__(self) -> str:
        return f"{self.queue} guidelines {self.number}"


class GuidelineRead(models.Model):
    """The latest guidelines of a queue that a person has read; newer ones are shown to them as changed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "queue"], name="one_reading_per_queue")]

    def __str__(self) -> str:
        return f"{self.user_id} read {self.number} of {self.queue_id}"
