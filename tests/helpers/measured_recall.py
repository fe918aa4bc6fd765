"""Error targets with settled test items: a guarantee needs to know how many errors reviewers miss."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from escalation.guarantees import targets
from escalation.models import ErrorTarget, Stream, output_id
from tests.helpers import stream_setup
from tests.helpers.traffic import NOON

ENOUGH_SHOWN = 1_000  # with so many, all of them caught, the target is hardly lowered

_TEST_ITEMS = """
    INSERT INTO escalation_testitem
        (id, stream_id, answer, prediction, schema_number, added_by, added_at, settled_at, caught)
    SELECT {last} - number, {stream}, '"billing"', '"refund"', {schema}, 'user:mara', '{at}', '{at}', number <= {caught}
    FROM generate_series(1, {shown}) AS number
    ON CONFLICT DO NOTHING
"""


def set_error_target(*, stream: Stream, **options: Any) -> ErrorTarget:
    """An error target, with many test items since, all of them caught."""
    target = targets.set_error_target(stream=stream, **options)
    settle_test_items(stream, at=target.set_at)
    return target


def settle_test_items(
    stream: Stream, *, caught: int | None = None, shown: int = ENOUGH_SHOWN, at: datetime = NOON
) -> None:
    """So many test items that arrived and were settled at a moment; all of them are caught unless it says otherwise."""
    stream_setup.run_sql(
        _TEST_ITEMS.format(
            last=output_id.first_id_at(at) + 2**output_id.SEQUENCE_BITS,  # unlike those of outputs
            stream=stream.pk,
            schema=stream.schema_number,
            at=at.isoformat(),
            caught=shown if caught is None else caught,
            shown=shown,
        )
    )
