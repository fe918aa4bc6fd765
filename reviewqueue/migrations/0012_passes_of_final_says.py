"""Whether somebody passed on the final say of an item, or only on a review of it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0011_keys_of_reviews")]

    operations = [
        migrations.AddField(
            "pass",
            "final_say",
            models.BooleanField(
                db_default=False, default=False, help_text="They passed on the final say, too, or must not have it."
            ),
        ),
    ]
