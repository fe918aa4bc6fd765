"""Mark generated passwords, which somebody else has seen. The default is the database's, for earlier code."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0012_passes_of_final_says")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="must_change_password",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Somebody else has seen the password."
            ),
        ),
    ]
