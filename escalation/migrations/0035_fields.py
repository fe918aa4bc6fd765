from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("escalation", "0020_errors_by_part"),
    ]

    operations = [
        migrations.AddField(
            model_name="output",
            name="field_confidences",
            field=models.JSONField(
                null=True, help_text="How sure the model is of each field, by JSON Pointer; null if it did not say."
            ),
        ),
        migrations.AddField(
            model_name="route",
            name="parts",
            field=models.JSONField(
                null=True,
                help_text="Which fields reviewers are asked for, and which are audits; null if it has no such parts.",
            ),
        ),
    ]
