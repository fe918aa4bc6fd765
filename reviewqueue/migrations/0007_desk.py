"""What the desk remembers: how a person wants it, what they have not sent yet, which guidelines they have read.

A stream may say how its content is shown and which kinds of mistakes a correction may name; a correction names one.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reviewqueue", "0006_seen"),
    ]

    operations = [
        migrations.CreateModel(
            name="Preferences",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="preferences",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("keys", models.JSONField(default=dict)),
                ("single_keys", models.BooleanField(default=True)),
                ("break_nudge", models.BooleanField(default=True)),
                ("blur_images", models.BooleanField(default=False)),
                ("grey_images", models.BooleanField(default=False)),
                ("time_zone", models.CharField(blank=True, help_text="Blank: the browser's.", max_length=60)),
            ],
        ),
        migrations.AddField(
            model_name="queue",
            name="display",
            field=models.JSONField(
                db_default={}, default=dict, help_text="Which renderer shows a part of the input, by its key."
            ),
        ),
        migrations.AddField(
            model_name="queue",
            name="error_types",
            field=models.JSONField(
                db_default=[], default=list, help_text="What kinds of mistakes a correction may name."
            ),
        ),
        migrations.AddField(
            model_name="verdict",
            name="error_type",
            field=models.CharField(
                blank=True, db_default="", help_text="Which kind of mistake a correction corrects.", max_length=60
            ),
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fields", models.JSONField()),
                ("saved_at", models.DateTimeField()),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="reviewqueue.item"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["saved_at"], name="draft_saved")],
                "constraints": [models.UniqueConstraint(fields=("item", "user"), name="one_draft_per_person")],
            },
        ),
        migrations.CreateModel(
            name="GuidelineRead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "queue",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="reviewqueue.queue",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("user", "queue"), name="one_reading_per_queue")],
            },
        ),
    ]
