"""Signs of life: rows that the worker and each sweep renew, and what is missing when they don't."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from escalation.models import Heartbeat

# Name -> what a person is told when it has not been seen.
WATCHED = {
    "worker": "the worker that routes outputs",
    "settling": "the sweep that settles verdicts",
    "deadlines": "the sweep that watches deadlines",
}
SILENCE = timedelta(seconds=60)


def beat(name: str, **detail: Any) -> None:
    """Say that `name` is alive."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=Now(), detail=detail)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "detail"],
    )


def degraded() -> list[str]:
    """The names of what has not been seen for a minute."""
    alive = set(Heartbeat.objects.filter(at__gt=Now() - SILENCE).values_list("name", flat=True))
    return [name for name in WATCHED if name not in alive]


def behind_seconds() -> float:
    """The age of the oldest output that waits to be routed; 0 when none does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXTRACT(epoch FROM clock_timestamp() - received_at) FROM escalation_output "
            "WHERE state = 'received' ORDER BY id LIMIT 1"
        )
        row = cursor.fetchone()
    return max(0.0, float(row[0])) if row else 0.0
