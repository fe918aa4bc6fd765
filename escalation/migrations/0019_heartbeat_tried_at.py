from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("escalation", "0018_answers_as_sent"),
    ]

    operations = [
        migrations.AddField(
            model_name="heartbeat",
            name="tried_at",
            field=models.DateTimeField(null=True),
        ),
    ]
