"""Where a rise of errors was noticed: what came in before is no evidence about what comes in now."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from escalation.guarantees.population import Population
from escalation.models import GuaranteeWatch


def find_last_alarm(stream_id: int, line: Population) -> int:
    """The id of the output at which the latest alarm of a line was raised; 0 where there was none."""
    return find_last_alarms([stream_id]).get((stream_id, line), 0)


def find_last_alarms(stream_ids: Sequence[int]) -> dict[tuple[int, Population], int]:
    """The same of several streams; lines without an alarm are left out."""
    rows = (
        GuaranteeWatch.objects.alarmed()
        .filter(evaluation__stream__in=stream_ids)
        .values_list(
            "evaluation__stream", "evaluation__model", "evaluation__model_version", "evaluation__schema_number"
        )
        .annotate(at=Max("seen"))
        .order_by()
    )
    return {(stream_id, Population(*line)): at for stream_id, *line, at in rows}
