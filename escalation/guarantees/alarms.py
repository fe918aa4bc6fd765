"""Drift alarms: outputs received before an alarm are no evidence about those received after it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from escalation.guarantees.population import Population
from escalation.models import GuaranteeWatch


def find_last_alarm(stream_id: int, covered: Population) -> int:
    """The id of the output that raised the latest alarm of a population; 0 if there was none."""
    return find_last_alarms([stream_id]).get((stream_id, covered), 0)


def find_last_alarms(stream_ids: Sequence[int]) -> dict[tuple[int, Population], int]:
    """`find_last_alarm` for several streams, by stream id and population; populations without one are left out."""
    rows = (
        GuaranteeWatch.objects.alarmed()
        .filter(evaluation__stream__in=stream_ids)
        .values_list(
            "evaluation__stream", "evaluation__model", "evaluation__model_version", "evaluation__schema_number"
        )
        .annotate(at=Max("seen"))
        .order_by()
    )
    return {(stream_id, Population(*values)): at for stream_id, *values, at in rows}
