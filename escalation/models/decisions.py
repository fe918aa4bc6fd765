"""Decisions, which producers read in commit order, and outcomes, which reports count."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from reviewqueue.kernel.json_field import SentJSONField


class Decision(models.Model):
    """One revision of an output's decision. The sequencer assigns `seq` after the commit."""

    class By(models.TextChoices):
        MODEL = "model"
        PEOPLE = "people"
        SYSTEM = "system"

    class Outcome(models.TextChoices):
        ANSWERED = "answered"
        REJECTED = "rejected"
        UNJUDGEABLE = "unjudgeable"
        WITHDRAWN = "withdrawn"

    output = models.ForeignKey(
        "Output", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="decisions"
    )
    stream = models.ForeignKey(
        "Stream", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    external_id = models.CharField(max_length=200)
    revision = models.PositiveSmallIntegerField()
    by = models.CharField(max_length=6, choices=By)
    outcome = models.CharField(max_length=12, choices=Outcome)
    answer = SentJSONField(null=True)
    label_id = models.BigIntegerField(null=True)
    shadow = models.BooleanField(default=False)
    decided_at = models.DateTimeField()
    seq = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            # Also serves lookups of an output's latest decision.
            models.UniqueConstraint(fields=["output", "revision"], name="one_decision_per_revision"),
            models.CheckConstraint(
                condition=Q(outcome="answered") | Q(answer__isnull=True), name="decision_answers_or_not"
            ),
        ]
        indexes = [
            # feed.number_decisions(): decisions without a number.
            models.Index(fields=["id"], name="decision_unnumbered", condition=Q(seq__isnull=True)),
            # feed.read_feed(): a stream's feed after a cursor.
            models.Index(fields=["stream", "seq"], name="decision_feed", condition=Q(seq__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} r{self.revision}: {self.outcome} by {self.by}"


def new_epoch() -> str:
    return secrets.token_hex(4)


class FeedHead(models.Model):
    """The sequencer's single row. Restoring a backup starts a new epoch, which invalidates old cursors."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.CharField(max_length=8, default=new_epoch)
    seq = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_feed_head")]

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}"


class Outcome(models.Model):
    """The reviewers' result for one output: its settled label joined to its prediction.

    `label_id`, `round`, `outcome`, `answer` and `settled_at` come from the latest round; `reviews` and `active_seconds`
    are sums over all rounds. `settled`, `wrong` and `blind` stay as the first round left them, because only that round
    was not requested by anyone. `wrong` compares the settled *first* answers with the prediction; it is null if the
    item was unjudgeable. `part_errors` says the same of each part of the answer that the first reviewers judged: a
    field by its JSON Pointer, or each possible label of a set, where a wrong label was invented if it is in
    `output.label_decisions` as predicted and missed otherwise. A part that is not in it was not judged: none of the
    labels of a set that was rejected, because something is right that is not listed. Null if the item was unjudgeable
    or the answer has no parts, and for sets of labels judged in releases that did not record it; reports and guarantees
    never take a missing part for right. `overturned`: the latest answer differs from the prediction.
    """

    output = models.OneToOneField(
        "Output", primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="outcome"
    )
    stream = models.ForeignKey(
        "Stream", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    label_id = models.BigIntegerField()
    round = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=12)
    answer = SentJSONField(null=True)
    settled = models.CharField(max_length=200, blank=True, help_text="The settled label of a stream with labels.")
    wrong = models.BooleanField(null=True)
    part_errors = models.JSONField(null=True)
    overturned = models.BooleanField()
    blind = models.BooleanField()
    reviews = models.PositiveSmallIntegerField()
    active_seconds = models.FloatField(null=True)
    settled_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["stream", "settled_at"], name="outcome_of_stream"),
            # test_items.queries.PAST_ERRORS: the errors of a stream, the latest first.
            models.Index(
                fields=["stream", "settled_at"],
                name="outcome_past_error",
                condition=Q(wrong=True, blind=True, overturned=True, outcome="answered"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} for {self.output_id}"
