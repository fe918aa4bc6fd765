"""The activity log: append-only rows, written in the same transaction as the change they record."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Event(models.Model):
    """Who did what to which object. Never a payload.

    An event about one object carries `object_id`; one about a whole batch carries `object_ids` instead, so a
    thousand outputs received together are one row.
    """

    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=160, help_text="`user:ann`, `key:12`, or `system:dispatch`.")
    verb = models.CharField(max_length=60)
    queue = models.SlugField(blank=True)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=160, blank=True)
    object_ids = ArrayField(models.BigIntegerField(), null=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes = [
            # The history of one object: log.events_about().
            models.Index(
                fields=["object_type", "object_id", "id"],
                name="event_of_object",
                condition=~models.Q(object_id=""),
            ),
            # The activity of a queue, newest first: log.recent_events().
            models.Index(fields=["queue", "-id"], name="event_of_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.object_type} {self.object_id}"
