"""Invariant checks read each row a bounded number of times, whichever plan PostgreSQL chooses.

Apart from the other tests of invariants: what they roll back would remain in the tables and mislead the planner.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction

from escalation.decisions import settle
from escalation.models import Stream
from escalation.monitoring import invariants, queries, windows
from reviewqueue.models import User
from reviewqueue.reports.invariants import InvariantCheck
from tests.helpers import stream_setup

OUTPUTS = 200


def test_the_work_of_a_check_grows_linearly_with_the_rows(stream: Stream, rob: User) -> None:
    stream_setup.route_outputs(stream, *stream_setup.build_outputs(OUTPUTS))
    for _ in range(OUTPUTS):
        stream_setup.judge_next(rob)
    assert settle.settle_items() == OUTPUTS
    stream_setup.run_sql("ANALYZE")
    # As on the embedded server. With the default of 4, reading a small table whole can look cheaper than its index.
    stream_setup.run_sql("SET LOCAL random_page_cost = 1.1")
    rows_read = {check.name: _rows_read(check) for check in invariants.list_all_invariants()}
    assert {name: rows for name, rows in rows_read.items() if rows > 50 * OUTPUTS} == {}


def test_a_round_reads_no_more_than_its_windows_however_large_the_tables(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "WINDOW_ROWS", 10)
    stream_setup.route_outputs(stream, *stream_setup.build_outputs(OUTPUTS, confidence=0.9))
    stream_setup.run_sql("ANALYZE")
    checks = invariants.list_all_invariants()
    ranges = windows.move_on(windows.find_sources(check.sql for check in checks), {})
    bounded = [replace(check, sql=windows.limit_rows(check.sql, ranges)) for check in checks]
    assert sum(check.sql != other.sql for check, other in zip(checks, bounded, strict=True)) > 20
    rows_read = {check.name: _rows_read(check) for check in bounded}
    # Its own bounds: the latest events, and the latest numbers.
    for name in ("one_output_per_external_id", "received_and_routed_are_told", "decisions_are_told"):
        assert rows_read.pop(name) < 20 * OUTPUTS
    rows_read.pop("numbers_without_gap")
    assert {name: rows for name, rows in rows_read.items() if rows > 20 * windows.WINDOW_ROWS} == {}


def _rows_read(check: InvariantCheck) -> int:
    """The number of rows processed by all steps of the query plan, including rows that a step dropped."""
    with transaction.atomic():
        stream_setup.run_sql(queries.PREPARE_CHECK, "0")
        ((plan,),) = stream_setup.run_sql(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {check.sql}")
    return _rows_of(plan[0]["Plan"])


def _rows_of(step: dict[str, Any]) -> int:
    passed = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    own = step["Actual Loops"] * sum(step.get(name, 0) for name in passed)
    return int(own) + sum(_rows_of(one) for one in step.get("Plans", []))
