"""One way to what a person holds.

The planner took the plain index on the holder, which lists everything that the person ever judged, to find the at
most ten slots that they hold: 9 ms of each claim after 20,000 judged items, where `slot_held` takes a tenth of one.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0007_desk")]
    operations = [
        migrations.AlterField(
            model_name="slot",
            name="holder",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="slots",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
