"""Which API key reserved an item or reported an answer; null at the desk."""

import django.db.models.deletion
from django.db import migrations, models


def _key(help_text):
    return models.ForeignKey(
        db_index=False,
        help_text=help_text,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="reviewqueue.apikey",
    )


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0010_answers_as_sent")]

    operations = [
        migrations.AddField(
            "slot", "key", _key("The API key that reserved it; null once the holder has it open at the desk.")
        ),
        migrations.AddField(
            "verdict", "key", _key("The API key that reported it; null if the person gave it at the desk.")
        ),
        migrations.AddField(
            "firstanswer", "key", _key("The API key that reported it; null if the person gave it at the desk.")
        ),
    ]
