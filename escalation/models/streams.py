"""Streams, and heartbeats of the processes that work on them."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models.functions import Now


def new_secret() -> bytes:
    """32 random bytes. A stream's permanent numbers and digests are derived from them, so they are never rotated."""
    return secrets.token_bytes(32)


class Stream(models.Model):
    """The outputs of one task. Its queue has the same slug."""

    class Risk(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=120)
    owner = models.CharField(max_length=120, blank=True)
    risk = models.CharField(max_length=6, choices=Risk, default=Risk.MEDIUM)
    secret = models.BinaryField(max_length=32, default=new_secret, editable=False)
    schema_number = models.PositiveIntegerField()
    max_waiting = models.PositiveIntegerField(default=10_000)
    waiting = models.PositiveIntegerField(default=0, help_text="Items waiting for review, as counted by the sweep.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(risk__in=["low", "medium", "high"]), name="stream_risk_is_known")
        ]

    def __str__(self) -> str:
        return self.title


class Heartbeat(models.Model):
    """When each sweep last ended well, and when it was last tried; by the database's clock."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(db_default=Now())
    tried_at = models.DateTimeField(null=True)
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%H:%M:%S}"
