"""Keep what an error in a set of labels is. Earlier schemas, and those of earlier code, count whole sets."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0020_asked_fields")]

    operations = [
        migrations.AddField(
            model_name="answerschema",
            name="error_unit",
            field=models.CharField(
                choices=[("output", "Whole answer"), ("label", "Each label")],
                db_default="output",
                default="output",
                max_length=6,
            ),
        ),
        migrations.AddConstraint(
            model_name="answerschema",
            constraint=models.CheckConstraint(
                condition=models.Q(("error_unit", "output"), models.Q(("error_unit", "label"), ("kind", "labels")), _connector="OR"),
                name="schema_has_a_fitting_error_unit",
            ),
        ),
    ]
