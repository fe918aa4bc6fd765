"""Reword help texts. Changes no column."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reviewqueue", "0008_slot_without_holder_index"),
    ]

    operations = [
        migrations.AlterField(
            model_name="label",
            name="blind",
            field=models.BooleanField(help_text="Every first answer was given before the proposed answer was visible."),
        ),
        migrations.AlterField(
            model_name="queue",
            name="checks_share",
            field=models.FloatField(default=0.25, help_text="Share of claims that try the checks lane first."),
        ),
        migrations.AlterField(
            model_name="queue",
            name="error_types",
            field=models.JSONField(
                db_default=[], default=list, help_text="The error types that a correction may name."
            ),
        ),
        migrations.AlterField(
            model_name="verdict",
            name="error_type",
            field=models.CharField(
                blank=True, db_default="", help_text="The error type that a correction names.", max_length=60
            ),
        ),
        migrations.AlterField(
            model_name="verdict",
            name="first_answer",
            field=models.JSONField(help_text="The answer that the reviewer gave first.", null=True),
        ),
        migrations.AlterField(
            model_name="verdict",
            name="proposal_visible",
            field=models.BooleanField(help_text="Whether the proposed answer was visible before the first answer."),
        ),
    ]
