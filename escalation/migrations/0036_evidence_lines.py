import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("escalation", "0035_fields"),
    ]

    operations = [
        migrations.AddField(
            model_name="errortarget",
            name="declared_audits",
            field=models.PositiveIntegerField(
                help_text="After so many audits, the one exact evaluation is taken; null: as the product chooses.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="EvidenceLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("model", models.CharField(max_length=200)),
                ("model_version", models.CharField(blank=True, max_length=200)),
                ("schema_number", models.PositiveIntegerField()),
                ("number", models.PositiveIntegerField(help_text="Counted within its population, from 1.")),
                ("delta", models.FloatField()),
                ("first_id", models.BigIntegerField()),
                ("plan", models.JSONField(default=dict)),
                ("opened_at", models.DateTimeField()),
                (
                    "stream",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence_lines",
                        to="escalation.stream",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="escalation.errortarget"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("stream", "model", "model_version", "schema_number", "number"),
                        name="one_line_per_number",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="evaluation",
            name="line",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="evaluations",
                to="escalation.evidenceline",
            ),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="overdue",
            field=models.PositiveIntegerField(help_text="Not judged blind in time: counted as errors."),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="spent",
            field=models.FloatField(
                help_text="The probability that this result, and any other of its line, is false."
            ),
        ),
    ]
