"""What a guarantee would take: how many more audits, and how many days of traffic."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation import statistics
from escalation.guarantees import queries, units
from escalation.guarantees.population import Population
from escalation.models import ErrorTarget, output_id
from reviewqueue.kernel import sql

TRAFFIC_WINDOW = timedelta(days=14)


def estimate_additional_audits(
    accepted: NDArray[np.int64], wrong: NDArray[np.int64], *, n: int, alpha: float, delta: float
) -> int | None:
    """How many more audits of the whole stream would certify some threshold with 80 % power.

    For each threshold of the grid, the audits needed above it at the error rate observed there, scaled to the whole
    stream; the smallest of these. None if no threshold seems to meet the target.
    """
    best: float | None = None
    for kept, missed in zip(accepted.tolist(), wrong.tolist(), strict=True):
        if kept == 0:
            continue
        # No errors among few outputs does not mean an error rate of 0: add half an error.
        needed = statistics.compute_labels_needed(
            (missed + 0.5) / (kept + 1), alpha=alpha, delta=delta / statistics.COLD_START_COUNT, most=100_000
        )
        if needed is not None:
            whole = needed * n / kept
            best = whole if best is None else min(best, whole)
    return None if best is None else max(1, math.ceil(best - n))


def estimate_collection_days(target: ErrorTarget, covered: Population, audits: int, *, now: datetime) -> int | None:
    """How many days of recent traffic would yield this many audits; None if it yields none."""
    limits: dict[str, Any] = {
        "stream": target.stream_id,
        "key": target.segment_key,
        "first": output_id.first_id_at(now - TRAFFIC_WINDOW),
        "model": covered.model,
        "version": covered.model_version,
        "schema": covered.schema_number,
    }
    drawn, since = sql.fetch_tuple(units.choose_units(target).fill(queries.RECENT_AUDITS), limits) or (0, None)
    if not drawn or since is None:
        return None
    span: float = max((now - since).total_seconds() / 86_400, 1.0)
    return max(1, math.ceil(audits * span / int(drawn)))
