from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("escalation", "0013_help_texts"),
    ]

    operations = [
        migrations.AddField(
            model_name="heartbeat",
            name="tried_at",
            field=models.DateTimeField(null=True),
        ),
    ]
