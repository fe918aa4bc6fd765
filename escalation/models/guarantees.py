"""What may go wrong and who said so, every attempt to show that it holds, and the counts that pages draw on."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from reviewqueue.kernel.json_field import OrderedJSONField


class ErrorTarget(models.Model):
    """What a manager lets go wrong in a stream: of what goes out unseen, at most `max_error` is wrong.

    `doubt` is the probability that a statement about it is false. Inserted and never changed; the latest one counts.
    It is set before any figure of the model's errors is shown, so that nobody picks it to fit.
    """

    class Grouping(models.TextChoices):
        TOGETHER = "together"
        CLASSES = "classes"
        SEGMENTS = "segments"

    stream = models.ForeignKey("Stream", on_delete=models.PROTECT, related_name="targets")
    max_error = models.FloatField()
    delta = models.FloatField(default=0.05)
    groups = models.CharField(max_length=8, choices=Grouping, default=Grouping.TOGETHER)
    segment_key = models.CharField(max_length=100, blank=True, help_text="Whose values are the groups.")
    set_by = models.CharField(max_length=160)
    set_at = models.DateTimeField()
    reason = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(max_error__gt=0, max_error__lt=1, delta__gt=0, delta__lt=1), name="target_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(groups="segments") ^ Q(segment_key=""), name="target_names_its_segments"
            ),
        ]
        # promises.target(): the latest of a stream.
        indexes = [models.Index(fields=["stream", "-id"], name="target_latest")]

    def __str__(self) -> str:
        return f"{self.stream}: at most {self.max_error} wrong"


class Evaluation(models.Model):
    """One look at the labels to see which threshold keeps a target: the ledger that each look spends from.

    Inserted and never changed. `line` is what shares a budget: one model version and one set of answers. `window` of
    ids: first inclusive, last exclusive. `groups` holds the result for each group (see `attempts.Group`); where the
    whole was refused, `refusal` is its code and `params` what the sentence about it says.
    """

    stream = models.ForeignKey("Stream", on_delete=models.PROTECT, related_name="evaluations")
    target = models.ForeignKey(ErrorTarget, on_delete=models.PROTECT, related_name="evaluations")
    model = models.CharField(max_length=200)
    model_version = models.CharField(max_length=200, blank=True)
    schema_number = models.PositiveIntegerField()
    number = models.PositiveIntegerField(help_text="Counted in its line, from 1.")
    spent = models.FloatField(help_text="The probability of a false statement that this look may cost.")
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    audit_rate = models.FloatField(help_text="The lowest audit rate of the window: the sample is u < rate.")
    max_error = models.FloatField(help_text="The target, lowered by what reviewers are known to miss.")
    reviewer_recall = models.JSONField(
        null=True, help_text="The test items behind that: shown, caught, and the lower bound."
    )
    sampled = models.PositiveIntegerField()
    resolved = models.PositiveIntegerField()
    overdue = models.PositiveIntegerField(help_text="Unanswered too long: counted as errors.")
    groups = OrderedJSONField(default=list)
    refusal = models.CharField(max_length=40, blank=True)
    params = models.JSONField(default=dict)
    grid_hash = models.CharField(max_length=64, blank=True)
    labels_hash = models.CharField(max_length=64, blank=True)
    conditions_hash = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="Of what else of the policy decides about what goes out, as it was then.",
    )
    asked_by = models.CharField(max_length=160)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stream", "model", "model_version", "schema_number", "number"], name="one_evaluation_per_number"
            ),
            models.CheckConstraint(condition=Q(last_id__gte=F("first_id")), name="evaluation_window_is_ordered"),
        ]

    def __str__(self) -> str:
        return f"evaluation {self.number} of {self.stream}"

    @property
    def missing(self) -> int:
        """Those of the sample of which nobody could tell, or not without having seen the AI's answer."""
        return self.sampled - self.resolved - self.overdue


class Evidence(models.Model):
    """The attempt that a policy version was made from: stored with it for ever."""

    policy = models.ForeignKey("Policy", on_delete=models.PROTECT, related_name="evidence")
    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="evidence")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [models.UniqueConstraint(fields=["policy", "evaluation"], name="one_evidence_per_evaluation")]

    def __str__(self) -> str:
        return f"{self.policy} by {self.evaluation}"


class GuaranteeWatchQuerySet(models.QuerySet["GuaranteeWatch"]):
    def alarmed(self) -> Self:
        return self.filter(alarmed_at__isnull=False)


class GuaranteeWatch(models.Model):
    """How mistakes have gone since the statement of an attempt took effect: the detector's state, for each group of it.

    `levels` are the detector's (see `estimators.watch`), None before the first check. All up to the id `seen` was taken
    in; it is that of the output that raised the alarm where there was one, after which the row stays as it is.
    """

    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="watches")
    group = models.CharField(max_length=200, blank=True)
    levels = models.JSONField(null=True)
    seen = models.BigIntegerField()
    audits = models.PositiveIntegerField(default=0)
    wrong = models.PositiveIntegerField(default=0)
    alarmed_at = models.DateTimeField(null=True)

    objects = GuaranteeWatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "watches"
        constraints = [models.UniqueConstraint(fields=["evaluation", "group"], name="one_watch_per_group")]

    def __str__(self) -> str:
        return f"{self.wrong} of {self.audits} since {self.evaluation}"


class GuaranteeEnding(models.Model):
    """A statement ended, for good: what follows from that was put into effect then, once. Inserted, never changed."""

    evaluation = models.OneToOneField(Evaluation, on_delete=models.PROTECT, related_name="ending")
    reason = models.CharField(max_length=20, help_text="Of `statements.Ended`.")
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.evaluation} ended: {self.reason}"


class OutputCount(models.Model):
    """How many outputs of one day are alike in all that the policy page asks about.

    `bin` is the place in `grid.THRESHOLDS` below which the confidence does not lie; -1 without a confidence. `drawn`:
    their permanent number lies below the audit rate `p` of their route; `judged` of these people answered without
    seeing the AI's answer. `wrong` are wrong by that, and `settled` is then the right answer where it is one label.
    A day's rows are made anew as a whole, so their sums equal those of the outputs themselves.
    """

    stream = models.ForeignKey("Stream", on_delete=models.CASCADE, db_index=False, related_name="+")
    day = models.DateField()
    model = models.CharField(max_length=200)
    model_version = models.CharField(max_length=200, blank=True)
    schema_number = models.PositiveIntegerField()
    shadow = models.BooleanField()
    predicted = models.CharField(max_length=200, blank=True)
    segment = models.JSONField(default=dict)
    ruled = models.BooleanField(help_text="Sent to a person by a rule, whatever the confidence.")
    bin = models.SmallIntegerField()
    p = models.FloatField()
    settled = models.CharField(max_length=200, blank=True)
    outputs = models.PositiveIntegerField()
    drawn = models.PositiveIntegerField()
    judged = models.PositiveIntegerField()
    wrong = models.PositiveIntegerField()
    wrong_value = models.FloatField(help_text="The summed value of the wrong ones; negative values count as 0.")

    class Meta:
        # counts.of(): the days of one stream.
        indexes = [models.Index(fields=["stream", "day"], name="count_of_stream")]

    def __str__(self) -> str:
        return f"{self.outputs} of {self.day} in bin {self.bin}"


class CountedDay(models.Model):
    """Which days of a stream are counted, and what was known when they were: what came later makes them anew."""

    stream = models.ForeignKey("Stream", on_delete=models.CASCADE, db_index=False, related_name="+")
    day = models.DateField()
    keys = models.JSONField(default=list, help_text="The segment keys that were told apart.")
    waiting = models.PositiveIntegerField(default=0, help_text="Outputs of that day that were not routed yet.")
    reviews = models.PositiveIntegerField(
        null=True, help_text="Reviews of that day's outputs that were timed, null where nobody has counted,"
    )
    active_seconds = models.FloatField(null=True, help_text="and what they took together.")
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "day"], name="one_count_per_day")]

    def __str__(self) -> str:
        return f"{self.stream_id} on {self.day}"


class TestItem(models.Model):
    """A known answer mixed into a queue to measure what reviewers miss; its id is an output's like any other's.

    `caught` is what became of it: whether the settled first answer found the AI's mistake; null until settled, or
    where nobody could tell. `copy_of` is the output it was made from; uploaded ones have none.
    """

    __test__ = False  # no test of ours, whatever its name

    id = models.BigIntegerField(primary_key=True)
    stream = models.ForeignKey("Stream", on_delete=models.PROTECT, related_name="test_items")
    copy_of = models.BigIntegerField(null=True)
    answer = models.JSONField(help_text="What is known to be right.")
    prediction = models.JSONField(help_text="The AI's answer, known to be wrong.")
    schema_number = models.PositiveIntegerField()
    added_by = models.CharField(max_length=160)
    added_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    caught = models.BooleanField(null=True)

    class Meta:
        constraints = [
            # One test of one output at a time, and never twice for the same reviewers.
            models.UniqueConstraint(fields=["copy_of"], name="one_test_per_output", condition=Q(copy_of__isnull=False)),
        ]
        indexes = [models.Index(fields=["stream", "settled_at"], name="test_item_of_stream")]

    def __str__(self) -> str:
        return f"test item {self.pk}"
