"""Policy versions, their approval requests and activations, the emergency stop, and daily audit rates.

Policies, approval requests and activations are inserted and never changed; resuming updates the row of the stop.
"""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Policy(models.Model):
    """One numbered, content-hashed policy version. `spec` is a `policies.spec.PolicySpec` as JSON."""

    stream = models.ForeignKey("Stream", on_delete=models.PROTECT, related_name="policies")
    number = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    spec = models.JSONField()
    schema_number = models.PositiveIntegerField()
    created_by = models.CharField(max_length=160)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(fields=["stream", "number"], name="one_policy_per_number"),
            models.UniqueConstraint(fields=["stream", "content_hash"], name="one_policy_per_content"),
        ]

    def __str__(self) -> str:
        return f"{self.stream}, version {self.number}"


class ApprovalRequest(models.Model):
    """A request to activate a version that needs a second person's approval.

    It is valid only while `instead_of` is the active activation and nobody has declined it; after that, approval has
    to be requested again.
    """

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="requests")
    instead_of = models.ForeignKey("Activation", null=True, on_delete=models.PROTECT, related_name="+")
    asked_by = models.CharField(max_length=160)
    asked_at = models.DateTimeField()
    reason = models.CharField(max_length=400, blank=True)

    def __str__(self) -> str:
        return f"{self.policy}, asked for by {self.asked_by}"


class DeclinedRequest(models.Model):
    """An approval request that a second manager declined, or that its author withdrew."""

    request = models.OneToOneField(ApprovalRequest, on_delete=models.PROTECT, related_name="declined")
    declined_by = models.CharField(max_length=160)
    declined_at = models.DateTimeField()
    reason = models.CharField(max_length=400, blank=True)

    def __str__(self) -> str:
        return f"{self.request}, declined by {self.declined_by}"


class Activation(models.Model):
    """A policy version taking effect. The latest row in effect at the start of the transaction is the active one."""

    stream = models.ForeignKey("Stream", on_delete=models.PROTECT, related_name="activations")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="activations")
    effective_at = models.DateTimeField()
    activated_by = models.CharField(max_length=160)
    approved_by = models.CharField(max_length=160, blank=True)
    reason = models.CharField(max_length=400, blank=True)
    evidence = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(activated_by=models.F("approved_by")), name="approver_is_somebody_else"
            ),
        ]
        indexes = [
            # versions.find_active_policy(): the latest activation in effect.
            models.Index(fields=["stream", "-effective_at", "-id"], name="activation_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.policy} from {self.effective_at:%Y-%m-%d %H:%M}"


class StopQuerySet(models.QuerySet["Stop"]):
    def active(self) -> Self:
        return self.filter(resumed_at=None)


class Stop(models.Model):
    """While a stop is active, nothing is automated in its stream, or in any stream if `stream` is null.

    One person can stop; resuming takes two.
    """

    stream = models.ForeignKey("Stream", null=True, on_delete=models.PROTECT, related_name="stops")
    reason = models.CharField(max_length=400, blank=True)
    stopped_by = models.CharField(max_length=160)
    stopped_at = models.DateTimeField()
    resume_asked_by = models.CharField(max_length=160, blank=True)
    resume_asked_at = models.DateTimeField(null=True)
    resume_reason = models.CharField(max_length=400, blank=True, db_default="")
    resumed_by = models.CharField(max_length=160, blank=True)
    resumed_at = models.DateTimeField(null=True)

    objects = StopQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(resumed_at=None) | ~Q(resumed_by=models.F("resume_asked_by")),
                name="two_people_resume",
            ),
        ]
        indexes = [
            # Routing reads the active stops for every batch; there are hardly any.
            models.Index(fields=["stream"], name="stop_standing", condition=Q(resumed_at=None)),
        ]

    def __str__(self) -> str:
        return f"stop of {self.stream or 'everything'}"


class DailyRate(models.Model):
    """The audit rate, and the share of ordinary items answered blind, fixed for one day of one policy version."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    audit_rate = models.FloatField()
    answer_first_share = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "day"], name="one_rate_per_day")]

    def __str__(self) -> str:
        return f"{self.policy_id} on {self.day}: {self.audit_rate}"
