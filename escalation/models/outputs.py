"""Outputs, their payloads and their routes.

An output's id is `milliseconds << 20 | sequence`, so ids are ordered by time and a month is a range of ids. Tables that
grow with every output have no foreign-key triggers; `check_ledger` verifies what those would enforce.
"""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from reviewqueue.kernel.json_field import OrderedJSONField


class ExternalId(models.Model):
    """The producer's id, unique in its stream forever, and the digest of the content posted under it."""

    pk = models.CompositePrimaryKey("stream_id", "external_id")
    stream = models.ForeignKey(
        "Stream", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    external_id = models.CharField(max_length=200)
    output_id = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return self.external_id


class OutputQuerySet(models.QuerySet["Output"]):
    def received(self) -> Self:
        return self.filter(state=Output.State.RECEIVED)

    def in_review(self) -> Self:
        return self.filter(state=Output.State.IN_REVIEW)


class Output(models.Model):
    """One model output: the narrow row that routing, lists and reports read.

    `predicted` is the predicted label; empty if the prediction is not a single label. `label_decisions` is
    `routing.decide.LabelDecisions`, null if the prediction is not a set of labels. `field_confidences` is null unless
    the prediction has fields. `segment` includes the output's `language`, unless the producer sent another one in it.
    """

    class State(models.TextChoices):
        RECEIVED = "received"
        IN_REVIEW = "in_review"
        DECIDED = "decided"
        WITHDRAWN = "withdrawn"
        ERASED = "erased"

    id = models.BigIntegerField(primary_key=True)
    stream = models.ForeignKey(
        "Stream", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="outputs"
    )
    external_id = models.CharField(max_length=200)
    model = models.CharField(max_length=200)
    model_version = models.CharField(max_length=200, blank=True)
    predicted = models.CharField(max_length=200, blank=True)
    label_decisions = models.JSONField(null=True)
    field_confidences = models.JSONField(
        null=True, help_text="How sure the model is of each field, by JSON Pointer; null if it did not say."
    )
    invalid_prediction = models.BooleanField(
        default=False, db_default=False, help_text="The prediction breaks the schema of its answers."
    )
    confidence = models.FloatField(null=True)
    value = models.FloatField(null=True)
    segment = models.JSONField(null=True)
    group = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(null=True)
    occurred_at = models.DateTimeField(null=True)
    shadow = models.BooleanField(default=False)
    schema_number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    size = models.PositiveIntegerField(help_text="Size of the payload in bytes; limits the size of a routing batch.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Single retries after its batch failed.")
    received_at = models.DateTimeField()

    objects = OutputQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["received", "in_review", "decided", "withdrawn", "erased"]),
                name="output_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(confidence=None) | Q(confidence__gte=0, confidence__lte=1),
                name="output_confidence_in_unit_interval",
            ),
        ]
        indexes = [
            # dispatch.route_received(): unrouted outputs, oldest first.
            models.Index(fields=["id"], name="output_received", condition=Q(state="received")),
            # deadlines.answer_overdue_outputs(): outputs in review past their deadline.
            models.Index(
                fields=["due_at"],
                name="output_in_review_due",
                condition=Q(state="in_review", due_at__isnull=False),
            ),
            # Stream pages and reports: a time window of one stream is a range of ids.
            models.Index(fields=["stream", "id"], name="output_of_stream"),
            # aggregates.load_audit_counts(): the few outputs that were taken back.
            models.Index(
                fields=["stream", "id"],
                name="output_taken_back",
                condition=Q(state__in=["withdrawn", "erased"]),
            ),
            # search.search_outputs(): the outputs of one group.
            models.Index(fields=["stream", "group", "id"], name="output_of_group", condition=~Q(group="")),
        ]

    def __str__(self) -> str:
        return self.external_id


class Payload(models.Model):
    """The posted fields outside the narrow row: `prediction`, `input`, `scores`, `context`, `metadata`, `language`."""

    output = models.OneToOneField(
        Output, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="payload"
    )
    body = OrderedJSONField()

    def __str__(self) -> str:
        return f"payload of {self.output_id}"


class DispatchBatch(models.Model):
    """Outputs that one worker is routing now: committed before the work starts, deleted when it ends.

    A row that is unlocked for seconds is left over from a worker that died; its outputs are then retried one by one.
    """

    output_ids = ArrayField(models.BigIntegerField())
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "dispatch batches"

    def __str__(self) -> str:
        return f"batch {self.pk} of {len(self.output_ids)}"


class Route(models.Model):
    """The policy's decision about one output, and everything needed to reproduce it."""

    class Kind(models.TextChoices):
        AUTO = "auto"
        REVIEW = "review"

    output = models.OneToOneField(
        Output, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="route"
    )
    kind = models.CharField(max_length=6, choices=Kind)
    reason = models.CharField(max_length=220, help_text="A code, with the name of a rule or label after a colon.")
    policy = models.ForeignKey(
        "Policy",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    stop = models.ForeignKey(
        "Stop", null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    eligible = models.BooleanField()
    released = models.BooleanField()
    audit = models.CharField(max_length=5, blank=True, help_text="`hold`, `after`, or empty for no audit.")
    threshold = models.FloatField(null=True)
    u = models.FloatField(help_text="The output's permanent random number.")
    p = models.FloatField(help_text="The audit rate in effect at the time.")
    pi = models.FloatField(help_text="Probability that a person reviews it, as of routing.")
    parts = models.JSONField(
        null=True, help_text="Which fields reviewers are asked for, and which are audits; null if it has no such parts."
    )
    routed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["auto", "review"]), name="route_kind_is_known"),
            models.CheckConstraint(
                condition=Q(kind="review") | Q(eligible=True, released=True, policy__isnull=False, stop__isnull=True),
                name="route_auto_has_its_policy",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"
