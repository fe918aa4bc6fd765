"""Store answers as their JSON text: key order and digits stay as they were sent."""

from django.db import migrations

from reviewqueue.kernel.json_field import SentJSONField


class Migration(migrations.Migration):
    dependencies = [("escalation", "0017_taken_back_outputs")]

    operations = [
        migrations.AlterField("decision", "answer", SentJSONField(null=True)),
        migrations.AlterField("outcome", "answer", SentJSONField(null=True)),
        migrations.AlterField("testitem", "answer", SentJSONField(help_text="The known right answer.")),
        migrations.AlterField(
            "testitem", "prediction", SentJSONField(help_text="The AI's answer, known to be wrong.")
        ),
    ]
