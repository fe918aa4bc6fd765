from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("escalation", "0019_heartbeat_tried_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="outcome",
            name="part_errors",
            field=models.JSONField(null=True),
        ),
        migrations.AlterField(
            model_name="errortarget",
            name="groups",
            field=models.CharField(
                choices=[
                    ("together", "Together"),
                    ("classes", "Classes"),
                    ("segments", "Segments"),
                    ("labels", "Labels"),
                    ("fields", "Fields"),
                ],
                default="together",
                max_length=8,
            ),
        ),
    ]
