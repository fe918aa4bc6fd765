"""Invariant checks read each row a bounded number of times, whichever plan PostgreSQL chooses.

Apart from the other tests of invariants: what they roll back would remain in the tables and mislead the planner.
"""

from __future__ import annotations

from typing import Any

from escalation.decisions import settle
from escalation.models import Stream
from escalation.monitoring import invariants
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


def _rows_read(check: InvariantCheck) -> int:
    """The number of rows processed by all steps of the query plan, including rows that a step dropped."""
    ((plan,),) = stream_setup.run_sql(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {check.sql}")
    return _rows_of(plan[0]["Plan"])


def _rows_of(step: dict[str, Any]) -> int:
    passed = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    own = step["Actual Loops"] * sum(step.get(name, 0) for name in passed)
    return int(own) + sum(_rows_of(one) for one in step.get("Plans", []))
