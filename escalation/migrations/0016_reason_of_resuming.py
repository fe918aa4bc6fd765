"""Keep why somebody asked to resume. The default is the database's, so earlier code can still insert stops."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("escalation", "0015_declined_requests")]

    operations = [
        migrations.AddField(
            model_name="stop",
            name="resume_reason",
            field=models.CharField(blank=True, db_default="", max_length=400),
        ),
    ]
