"""Store answers as their JSON text: key order and digits stay as they were sent.

A text column takes what the code before writes, too, and gives it back as it expects.
"""

from django.db import migrations

from reviewqueue.kernel.json_field import SentJSONField


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0009_help_texts")]

    operations = [
        migrations.AlterField("itemcontent", "proposal", SentJSONField()),
        migrations.AlterField(
            "verdict", "answer", SentJSONField(help_text="The final answer; null unless it agrees or corrects.", null=True)
        ),
        migrations.AlterField(
            "verdict", "first_answer", SentJSONField(help_text="The answer that the reviewer gave first.", null=True)
        ),
        migrations.AlterField("firstanswer", "answer", SentJSONField(null=True)),
        migrations.AlterField("label", "answer", SentJSONField(null=True)),
        migrations.AlterField("label", "first_answer", SentJSONField(null=True)),
    ]
