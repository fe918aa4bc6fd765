"""Reword help texts. Changes no column."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("escalation", "0012_output_of_group")]

    operations = [
        migrations.AlterField(
            model_name="countedday",
            name="active_seconds",
            field=models.FloatField(help_text="The total time of the timed reviews.", null=True),
        ),
        migrations.AlterField(
            model_name="countedday",
            name="keys",
            field=models.JSONField(default=list, help_text="The segment keys that were counted separately."),
        ),
        migrations.AlterField(
            model_name="countedday",
            name="reviews",
            field=models.PositiveIntegerField(
                help_text="Timed reviews of that day's outputs; null if they were never counted.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="errortarget",
            name="segment_key",
            field=models.CharField(
                blank=True, help_text="The segment key whose values are the groups.", max_length=100
            ),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="conditions_hash",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Hash of the other policy settings that decide what is automated, at the time of the evaluation.",
                max_length=64,
            ),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="max_error",
            field=models.FloatField(help_text="The target, lowered by the share of errors that reviewers miss."),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="number",
            field=models.PositiveIntegerField(help_text="Counted within its population, from 1."),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="reviewer_recall",
            field=models.JSONField(
                help_text="The test items behind `max_error`: shown, caught, and the lower bound.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="spent",
            field=models.FloatField(help_text="The part of delta that this evaluation uses."),
        ),
        migrations.AlterField(
            model_name="guaranteeending",
            name="reason",
            field=models.CharField(help_text="One of `guarantees.EndReason`.", max_length=20),
        ),
        migrations.AlterField(
            model_name="output",
            name="attempts",
            field=models.PositiveSmallIntegerField(default=0, help_text="Single retries after its batch failed."),
        ),
        migrations.AlterField(
            model_name="output",
            name="size",
            field=models.PositiveIntegerField(
                help_text="Size of the payload in bytes; limits the size of a routing batch."
            ),
        ),
        migrations.AlterField(
            model_name="outputcount",
            name="ruled",
            field=models.BooleanField(help_text="Sent to review by a rule, whatever the confidence."),
        ),
        migrations.AlterField(
            model_name="route",
            name="audit",
            field=models.CharField(blank=True, help_text="`hold`, `after`, or empty for no audit.", max_length=5),
        ),
        migrations.AlterField(
            model_name="route",
            name="p",
            field=models.FloatField(help_text="The audit rate in effect at the time."),
        ),
        migrations.AlterField(
            model_name="route",
            name="pi",
            field=models.FloatField(help_text="Probability that a person reviews it, as of routing."),
        ),
        migrations.AlterField(
            model_name="stream",
            name="waiting",
            field=models.PositiveIntegerField(
                default=0, help_text="Items waiting for review, as counted by the sweep."
            ),
        ),
        migrations.AlterField(
            model_name="testitem",
            name="answer",
            field=models.JSONField(help_text="The known right answer."),
        ),
    ]
