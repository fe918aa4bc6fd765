"""How mistakes have gone since a statement took effect."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("escalation", "0006_promises_append_only")]
    operations = [
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
                    "activation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="watches",
                        to="escalation.activation",
                    ),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="watches",
                        to="escalation.attempt",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "watches",
                "constraints": [
                    models.UniqueConstraint(fields=("activation", "group"), name="one_watch_per_group")
                ],
            },
        ),
    ]
