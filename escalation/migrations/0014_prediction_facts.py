"""What routing has to know of a prediction without reading it; reasons may name a label of 200 characters."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("escalation", "0013_help_texts")]
    operations = [
        migrations.AddField(
            model_name="output",
            name="label_decisions",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="output",
            name="invalid_prediction",
            field=models.BooleanField(
                db_default=False, default=False, help_text="The prediction breaks the schema of its answers."
            ),
        ),
        migrations.AlterField(
            model_name="route",
            name="reason",
            field=models.CharField(
                help_text="A code, with the name of a rule or label after a colon.", max_length=220
            ),
        ),
    ]
