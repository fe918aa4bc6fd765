"""Error targets, their evaluations and evidence, the watch over guarantees, daily counts and test items."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from reviewqueue.kernel.json_field import OrderedJSONField, SentJSONField


class ErrorTarget(models.Model):
    """The error target of a stream: at most a share `max_error` of its automated outputs may be wrong.

    `delta` is the probability that a guarantee of this target is false. Rows are inserted and never changed; the latest
    one applies. The target is set before any error figures are shown, so that nobody can choose it to fit them.
    """

    class Grouping(models.TextChoices):
        TOGETHER = "together"
        CLASSES = "classes"
        SEGMENTS = "segments"
        LABELS = "labels"
        FIELDS = "fields"

    stream = models.ForeignKey("Stream", on_delete=models.PROTECT, related_name="targets")
    max_error = models.FloatField()
    delta = models.FloatField(default=0.05)
    groups = models.CharField(max_length=8, choices=Grouping, default=Grouping.TOGETHER)
    segment_key = models.CharField(max_length=100, blank=True, help_text="The segment key whose values are the groups.")
    declared_audits = models.PositiveIntegerField(
        null=True, help_text="After so many audits, the one exact evaluation is taken; null: as the product chooses."
    )
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
        # targets.find_error_target(): a stream's latest target.
        indexes = [models.Index(fields=["stream", "-id"], name="target_latest")]

    def __str__(self) -> str:
        return f"{self.stream}: at most {self.max_error} wrong"


class EvidenceLine(models.Model):
    """Evidence that belongs together: audits of one population, towards one target, under the same conditions.

    Everything that decides which audits count is fixed before a label is seen: outputs from `first_id` on count, and
    another target, other rules or an alarm begin another line. `delta`: the probability that any guarantee of the line
    is ever false; the lines of a population (a model version and an answer schema) share the target's. `plan`: for each
    group its share of delta and where its walks begin, see `guarantees.lines`; groups are added as they appear.
    """

    stream = models.ForeignKey("Stream", on_delete=models.PROTECT, related_name="evidence_lines")
    target = models.ForeignKey(ErrorTarget, on_delete=models.PROTECT, related_name="lines")
    model = models.CharField(max_length=200)
    model_version = models.CharField(max_length=200, blank=True)
    schema_number = models.PositiveIntegerField()
    number = models.PositiveIntegerField(help_text="Counted within its population, from 1.")
    delta = models.FloatField()
    first_id = models.BigIntegerField()
    plan = models.JSONField(default=dict)
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stream", "model", "model_version", "schema_number", "number"], name="one_line_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"evidence {self.number} of {self.stream}"


class CountedEvidence(models.Model):
    """The counts of the beginning of a line of evidence, so that evaluations read each audit once.

    They can be deleted at any time: the line is then counted anew. `conditions` is `guarantees.sample.hash_counting` of
    what they were counted by. Outputs up to `routed_id` were routed, the last one of the line just before `last_id`;
    audits up to `counted_id` are in `counts`, which is `guarantees.counts.EvidenceCounts`. `unanswered`: those of them
    that count as errors for want of an answer.
    """

    line = models.OneToOneField(EvidenceLine, primary_key=True, on_delete=models.CASCADE, related_name="counted")
    conditions = models.CharField(max_length=64)
    routed_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    rate = models.FloatField(help_text="The lowest audit rate of these outputs.")
    counted_id = models.BigIntegerField()
    counts = models.JSONField()
    unanswered = ArrayField(models.BigIntegerField(), default=list)
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "counted evidence"

    def __str__(self) -> str:
        return f"counts of {self.line_id}"


class Evaluation(models.Model):
    """One evaluation of the labels to find a threshold that meets a target.

    Inserted and never changed. `line`: the evidence it reads, whose delta it shares with all others of that line; null
    in rows of earlier releases, which each spent a part of the delta of their population. The window of ids includes
    `first_id` and excludes `last_id`. `groups` holds one `group_results.GroupResult` per group. If
    no group has a threshold, `refusal` is the code of the reason and `params` the values of its message.
    """

    stream = models.ForeignKey("Stream", on_delete=models.PROTECT, related_name="evaluations")
    target = models.ForeignKey(ErrorTarget, on_delete=models.PROTECT, related_name="evaluations")
    line = models.ForeignKey(EvidenceLine, null=True, on_delete=models.PROTECT, related_name="evaluations")
    model = models.CharField(max_length=200)
    model_version = models.CharField(max_length=200, blank=True)
    schema_number = models.PositiveIntegerField()
    number = models.PositiveIntegerField(help_text="Counted within its population, from 1.")
    spent = models.FloatField(help_text="The probability that this result, and any other of its line, is false.")
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    audit_rate = models.FloatField(help_text="The lowest audit rate of the window: the sample is u < rate.")
    max_error = models.FloatField(help_text="The target, lowered by the share of errors that reviewers miss.")
    reviewer_recall = models.JSONField(
        null=True, help_text="The test items behind `max_error`: shown, caught, and the lower bound."
    )
    sampled = models.PositiveIntegerField()
    resolved = models.PositiveIntegerField()
    overdue = models.PositiveIntegerField(help_text="Not judged blind in time: counted as errors.")
    groups = OrderedJSONField(default=list)
    refusal = models.CharField(max_length=40, blank=True)
    params = models.JSONField(default=dict)
    grid_hash = models.CharField(max_length=64, blank=True)
    labels_hash = models.CharField(max_length=64, blank=True)
    conditions_hash = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="Hash of the other policy settings that decide what is automated, at the time of the evaluation.",
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
        """Sampled outputs that were left out, as earlier releases did with those not judged blind; 0 since."""
        return self.sampled - self.resolved - self.overdue


class Evidence(models.Model):
    """The evaluation that a policy version is based on, stored with it permanently."""

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
    """The drift detector's state for one group of a guarantee, since the guarantee took effect.

    `levels` are the detector's (see `statistics.update_detector`), None before the first audit. Outputs up to the id
    `seen` have been processed. After an alarm, `seen` is the id of the output that raised it and the row never changes.
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
    """A guarantee ended for good; its consequences were applied once, at that time. Inserted and never changed."""

    evaluation = models.OneToOneField(Evaluation, on_delete=models.PROTECT, related_name="ending")
    reason = models.CharField(max_length=20, help_text="One of `guarantees.EndReason`.")
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.evaluation} ended: {self.reason}"


class OutputCount(models.Model):
    """How many outputs of one day are equal in every field that the policy page uses.

    `bin` is the index of the highest `thresholds.THRESHOLDS` value not above the confidence; -1 without a confidence.
    `drawn`: audits (`routing.audits.IS_AUDIT`; `p` is their rate); `judged`: answered ones; `wrong`: answered ones
    with a wrong prediction. For those, `settled` is the right answer if it is a single
    label. All rows of a day are rewritten together, so their sums equal those of the outputs.
    """

    stream = models.ForeignKey("Stream", on_delete=models.CASCADE, db_index=False, related_name="+")
    day = models.DateField()
    model = models.CharField(max_length=200)
    model_version = models.CharField(max_length=200, blank=True)
    schema_number = models.PositiveIntegerField()
    shadow = models.BooleanField()
    predicted = models.CharField(max_length=200, blank=True)
    segment = models.JSONField(default=dict)
    ruled = models.BooleanField(help_text="Sent to review by a rule, whatever the confidence.")
    bin = models.SmallIntegerField()
    p = models.FloatField()
    settled = models.CharField(max_length=200, blank=True)
    outputs = models.PositiveIntegerField()
    drawn = models.PositiveIntegerField()
    judged = models.PositiveIntegerField()
    wrong = models.PositiveIntegerField()
    wrong_value = models.FloatField(help_text="The summed value of the wrong ones; negative values count as 0.")

    class Meta:
        # daily_counts.load_cells(): the days of one stream.
        indexes = [models.Index(fields=["stream", "day"], name="count_of_stream")]

    def __str__(self) -> str:
        return f"{self.outputs} of {self.day} in bin {self.bin}"


class CountedDay(models.Model):
    """A counted day of a stream, and the state it was counted in. Later changes cause a recount."""

    stream = models.ForeignKey("Stream", on_delete=models.CASCADE, db_index=False, related_name="+")
    day = models.DateField()
    keys = models.JSONField(default=list, help_text="The segment keys that were counted separately.")
    waiting = models.PositiveIntegerField(default=0, help_text="Outputs of that day that were not routed yet.")
    reviews = models.PositiveIntegerField(
        null=True, help_text="Timed reviews of that day's outputs; null if they were never counted."
    )
    active_seconds = models.FloatField(null=True, help_text="The total time of the timed reviews.")
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "day"], name="one_count_per_day")]

    def __str__(self) -> str:
        return f"{self.stream_id} on {self.day}"


class TestItem(models.Model):
    """A known answer mixed into a queue to measure what reviewers miss. Its id has the form of an output's id.

    `caught`: whether the settled first answer corrected the AI's error; null until settled, and if it was unjudgeable
    or not given blind.
    `copy_of`: the output it was made from; null for uploaded ones.
    """

    __test__ = False  # pytest: despite its name, this is not a test class

    id = models.BigIntegerField(primary_key=True)
    stream = models.ForeignKey("Stream", on_delete=models.PROTECT, related_name="test_items")
    copy_of = models.BigIntegerField(null=True)
    answer = SentJSONField(help_text="The known right answer.")
    prediction = SentJSONField(help_text="The AI's answer, known to be wrong.")
    schema_number = models.PositiveIntegerField()
    added_by = models.CharField(max_length=160)
    added_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    caught = models.BooleanField(null=True)

    class Meta:
        constraints = [
            # An output becomes a test item at most once, so no reviewer sees the same test twice.
            models.UniqueConstraint(fields=["copy_of"], name="one_test_per_output", condition=Q(copy_of__isnull=False)),
        ]
        indexes = [models.Index(fields=["stream", "settled_at"], name="test_item_of_stream")]

    def __str__(self) -> str:
        return f"test item {self.pk}"
