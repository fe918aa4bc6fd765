"""What reviews took is added up day by day; the next sweep counts the days anew that were counted without it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("escalation", "0008_endings_append_only")]
    operations = [
        migrations.AddField(
            model_name="countedday",
            name="active_seconds",
            field=models.FloatField(null=True, help_text="and what they took together."),
        ),
        migrations.AddField(
            model_name="countedday",
            name="reviews",
            field=models.PositiveIntegerField(
                null=True, help_text="Reviews of that day's outputs that were timed, null where nobody has counted,"
            ),
        ),
    ]
