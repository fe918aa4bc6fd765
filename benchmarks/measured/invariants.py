"""The invariant checks, which the worker runs every minute, on tables as large as they ever read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from django.db import connection

from benchmarks.measured import product
from benchmarks.tables import milliseconds, show, times
from escalation.decisions import feed, settle
from escalation.ingest import receive
from escalation.models import Stream
from escalation.monitoring import invariants
from escalation.routing import dispatch
from reviewqueue.models import User

AT_ONCE = 1_000  # outputs of a request
REVIEWED = 0.5
SLOWEST = 5

# Somebody agreed with what waits, as `verdicts.submit` writes it: judging so many through it would take half an hour.
_VERDICTS = """
    INSERT INTO reviewqueue_verdict (slot_id, item_id, round, user_id, claim, kind, answer, first_answer, first_at,
        proposal_visible, final_say, reason, note, error_type, schema_number, submitted_at, final_at)
    SELECT s.id, s.item_id, s.round, %(user)s, 1, 'agree', c.proposal, c.proposal, now(), true, false, '', '', '', 1,
        now(), now()
    FROM reviewqueue_slot s JOIN reviewqueue_itemcontent c ON c.item_id = s.item_id WHERE s.state = 'open'
"""
_EVENTS = """
    INSERT INTO reviewqueue_event (at, actor, verb, queue, object_type, object_id, after)
    SELECT now(), 'user:rob', 'submitted', %(queue)s, 'verdict', v.id::text,
        jsonb_build_object('item', v.item_id::text, 'kind', v.kind, 'round', v.round)
    FROM reviewqueue_verdict v
"""
_SLOTS = "UPDATE reviewqueue_slot SET state = 'judged', holder_id = %(user)s, claim = 1"
_ITEMS = "UPDATE reviewqueue_item SET settle_at = now()"
_TABLES = (
    *("escalation_output", "escalation_route", "escalation_decision", "escalation_outcome"),
    *("escalation_externalid", "escalation_payload", "reviewqueue_item", "reviewqueue_slot"),
    *("reviewqueue_verdict", "reviewqueue_label", "reviewqueue_event"),
)


def main() -> None:
    count = 200 if product.quick() else 200_000
    stream = product.prepare()
    _fill(stream, count)
    timed = sorted(_timed_each(), key=lambda one: one[1], reverse=True)
    whole, raw = sum(seconds for _, seconds in timed), _seconds(_count)
    rows = [["all checks", milliseconds(whole), times(whole / raw)], *(_row(*one, raw) for one in timed[:SLOWEST])]
    show(
        f"The ledger of {count:,} outputs, a share of {REVIEWED:.0%} judged, beside counting the rows of their tables",
        ["", "time", "beside"],
        rows,
    )


def _fill(stream: Stream, count: int) -> None:
    for number in range(0, count, AT_ONCE):
        elements = product.elements(f"o{number}", min(AT_ONCE, count - number), reviewed=REVIEWED)
        receive.receive_outputs(stream=stream, raw=elements, actor="system:bench")
        dispatch.route_received()
    parameters: dict[str, int | str] = {
        "user": User.objects.create(username="rob", role="reviewer").pk,
        "queue": stream.slug,
    }
    with connection.cursor() as cursor:
        for statement in (_VERDICTS, _EVENTS, _SLOTS, _ITEMS):
            cursor.execute(statement, parameters)
    while settle.settle_items():
        pass
    while feed.number_decisions():
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as autovacuum does in the end


def _timed_each() -> Iterator[tuple[str, float]]:
    """The name of each check, and its seconds. One that finds something means that the bench's rows are not right."""
    for check in invariants.list_all_invariants():
        began = time.perf_counter()
        broken = invariants.find_offending_rows(check)
        yield check.name, time.perf_counter() - began
        if broken:
            raise AssertionError(f"{check.name}: {broken[:3]}")


def _row(name: str, seconds: float, raw: float) -> list[str]:
    return [f"  {name}", milliseconds(seconds), times(seconds / raw)]


def _count() -> None:
    """Read every row the checks may read, once."""
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
