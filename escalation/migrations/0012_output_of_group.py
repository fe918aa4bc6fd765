"""Outputs are found by the group that their producer gave them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("escalation", "0011_value_of_errors")]
    operations = [
        AddIndexConcurrently(
            model_name="output",
            index=models.Index(fields=["stream", "group", "id"], name="output_of_group", condition=~Q(group="")),
        ),
    ]
