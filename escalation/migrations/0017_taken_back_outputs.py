"""Index the outputs that were taken back, without blocking writes."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("escalation", "0016_reason_of_resuming")]

    operations = [
        AddIndexConcurrently(
            model_name="output",
            index=models.Index(
                fields=["stream", "id"],
                name="output_taken_back",
                condition=Q(state__in=["withdrawn", "erased"]),
            ),
        ),
    ]
