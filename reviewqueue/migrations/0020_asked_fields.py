"""Keep which fields of an answer a review asks for. Null, as earlier code writes it, is the whole answer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0013_generated_passwords")]

    operations = [
        migrations.AddField(
            model_name="item",
            name="asked",
            field=models.JSONField(
                help_text="JSON Pointers of the fields that the reviewer has to give; null for the whole answer.",
                null=True,
            ),
        ),
    ]
