"""Counts hold the value of their errors; the next sweep counts every day anew, as it does where reviews are unknown."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("escalation", "0010_glossary_names")]
    operations = [
        migrations.RemoveField(model_name="outputcount", name="value"),
        migrations.AddField(
            model_name="outputcount",
            name="wrong_value",
            field=models.FloatField(
                default=0.0, help_text="The summed value of the wrong ones; negative values count as 0."
            ),
            preserve_default=False,
        ),
        migrations.RunSQL("UPDATE escalation_countedday SET reviews = NULL", migrations.RunSQL.noop),
    ]
