"""Approval requests can be declined; as they are append-only, that is a row of its own."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("escalation", "0014_prediction_facts")]

    operations = [
        migrations.CreateModel(
            name="DeclinedRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("declined_by", models.CharField(max_length=160)),
                ("declined_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=400)),
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="declined",
                        to="escalation.approvalrequest",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON escalation_declinedrequest "
            "FOR EACH ROW EXECUTE FUNCTION escalation_append_only()",
            "DROP TRIGGER append_only ON escalation_declinedrequest",
        ),
    ]
