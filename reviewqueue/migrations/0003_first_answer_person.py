"""A first answer knows its person.

A person who has seen the proposal cannot give a first answer again: when they take the same item once more, after a
lapsed reservation or an undo, what they said first carries over, and it is found by person.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0002_append_only")]
    operations = [
        migrations.AddField(
            model_name="firstanswer",
            name="user",
            field=models.ForeignKey(
                default=None,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
            preserve_default=False,
        ),
    ]
