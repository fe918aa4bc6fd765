"""What reviews took is added up day by day; days that were counted without it are counted again by the next sweep."""

from django.db import migrations, models

FORGET = "DELETE FROM escalation_countedday;"


class Migration(migrations.Migration):
    dependencies = [("escalation", "0008_endings_append_only")]
    operations = [
        migrations.AddField(
            model_name="countedday",
            name="active_seconds",
            field=models.FloatField(default=0.0, help_text="and what they took together."),
        ),
        migrations.AddField(
            model_name="countedday",
            name="reviews",
            field=models.PositiveIntegerField(default=0, help_text="Reviews of that day's outputs that were timed,"),
        ),
        migrations.RunSQL(FORGET, migrations.RunSQL.noop),
    ]
