"""Index the errors that reviewers corrected, of which test items are made, without blocking writes."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("escalation", "0038_counted_evidence")]

    operations = [
        AddIndexConcurrently(
            model_name="outcome",
            index=models.Index(
                fields=["stream", "settled_at"],
                name="outcome_past_error",
                condition=Q(wrong=True, blind=True, overturned=True, outcome="answered"),
            ),
        ),
    ]
