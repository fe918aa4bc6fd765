"""How mistakes have gone since a statement took effect, and that it ended."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("escalation", "0006_promises_append_only")]
    operations = [
        migrations.AddField(
            model_name="attempt",
            name="conditions_hash",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Of what else of the policy decides about what goes out, as it was then.",
                max_length=64,
            ),
        ),
        migrations.CreateModel(
            name="Ending",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(help_text="Of `statements.Ended`.", max_length=20)),
                ("ended_at", models.DateTimeField()),
                (
                    "attempt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="ending", to="escalation.attempt"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Watch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("group", models.CharField(blank=True, max_length=200)),
                ("levels", models.JSONField(null=True)),
                ("seen", models.BigIntegerField()),
                ("checked", models.PositiveIntegerField(default=0)),
                ("wrong", models.PositiveIntegerField(default=0)),
                ("alarmed_at", models.DateTimeField(null=True)),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="watches", to="escalation.attempt"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "watches",
                "constraints": [models.UniqueConstraint(fields=("attempt", "group"), name="one_watch_per_group")],
            },
        ),
    ]
