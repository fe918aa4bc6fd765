"""Where a rise of errors was noticed: what came in before is no evidence about what comes in now."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from escalation.guarantees.population import Line
from escalation.models import Watch


def last(stream_id: int, line: Line) -> int:
    """The id of the output at which the latest alarm of a line was raised; 0 where there was none."""
    return last_of([stream_id]).get((stream_id, line), 0)


def last_of(stream_ids: Sequence[int]) -> dict[tuple[int, Line], int]:
    """The same of several streams; lines without an alarm are left out."""
    rows = (
        Watch.objects.alarmed()
        .filter(attempt__stream__in=stream_ids)
        .values_list("attempt__stream", "attempt__model", "attempt__model_version", "attempt__schema_number")
        .annotate(at=Max("seen"))
        .order_by()
    )
    return {(stream_id, Line(*line)): at for stream_id, *line, at in rows}
