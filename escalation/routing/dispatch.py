"""Routes received outputs, for the worker, the sweep and producers who wait.

Rows are the source of truth; messages are only hints. A batch is a row that is committed before its work starts and
deleted when it ends, so the work of a killed worker is found again. Its outputs are then retried one by one, with a
counter that is committed before each try, and an output that keeps failing is sent to review. A try that an outage of
the database ended is taken back: it says nothing about the output.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import Error, OperationalError, transaction
from django.db.models.functions import Now

from escalation.models import DispatchBatch, Output
from escalation.routing import queries, record, stop
from reviewqueue.kernel import clock, sql

log = structlog.get_logger(__name__)

BATCH_ROWS = 500
ROUTE_SECONDS = 2.0  # then others that share the process go first
BATCH_BYTES = 4 * 1024 * 1024
ABANDONED_AFTER_SECONDS = 5
SINGLE_RETRIES = 3
MAX_COUNTED_RETRIES = 1_000  # an output that cannot even be sent to review is retried forever; the counter stops here
RETRY_LOCK_CLASS_ID = 0x52_54_52  # the first key of our two-key advisory locks

# Outputs whose last try was an outage's and is still counted, because the database could not be reached to take it
# back. One set per process: if that dies as well, one try too many stays.
_owed_tries = set[int]()


def route_received(*, batches: int = 40, now: datetime | None = None) -> int:
    """Route waiting outputs, at most `batches` batches and for about `ROUTE_SECONDS`; returns how many were routed.

    Raises what an outage of the database raises.
    """
    until = time.monotonic() + ROUTE_SECONDS
    routed = 0
    for _ in range(batches):
        batch = _open_batch()
        if batch is None:
            break
        routed += _route_batch(batch, now=now)
        if time.monotonic() > until:
            break
    return routed + _retry_abandoned_batches(until=until, now=now)


def route_now(output_ids: Sequence[int], *, seconds: float, now: datetime | None = None) -> None:
    """Route these outputs now, waiting up to `seconds` for locks on them.

    Any that are not routed by then are left to the worker, including those that an overloaded stream holds back and
    those that fail.
    """
    milliseconds = max(1, math.floor(seconds * 1000))
    try:
        with transaction.atomic():
            limits = [f"{milliseconds}ms", list(output_ids)]
            _, wanted = sql.fetch_tuple(queries.SELECT_ROUTABLE, limits, prepared=True) or ("", [])
            _route_outputs(wanted, skip_locked=False, now=now)
    except OperationalError as error:
        # Somebody else held the locks for longer than the caller waits. Nothing is lost: they are still `received`.
        log.info("dispatch.wait_timed_out", error=str(error))
    except Exception:
        # They are stored, so the request must not fail.
        log.exception("dispatch.wait_failed", outputs=len(output_ids))


def _open_batch() -> DispatchBatch | None:
    """Take the oldest received outputs that nobody is routing, and commit them as a batch."""
    with transaction.atomic():
        # Rows leave the partial index as fast as they come, so its statistics say that few are waiting: the planner
        # would read and sort the whole backlog for each batch instead of following the index to the first rows.
        sql.run_statement(queries.FOLLOW_INDEXES)
        row = sql.fetch_tuple(queries.PICK_BATCH, {"rows": BATCH_ROWS, "bytes": BATCH_BYTES})
    return DispatchBatch(pk=row[0], output_ids=row[1]) if row else None


def _route_batch(batch: DispatchBatch, *, now: datetime | None) -> int:
    try:
        with transaction.atomic():
            # A locked row: somebody else is routing the batch. No row: somebody else has finished it.
            if not DispatchBatch.objects.select_for_update(skip_locked=True).filter(pk=batch.pk).exists():
                return 0
            routed = _route_outputs(batch.output_ids, skip_locked=True, now=now)
            DispatchBatch.objects.filter(pk=batch.pk).delete()
    except Exception as error:
        if _is_interrupted(error):
            raise
        # The row stays, so its outputs are retried one by one and the failing one does not block the others.
        log.exception("dispatch.batch_failed", batch=batch.pk, outputs=len(batch.output_ids))
        return 0
    return routed


def _retry_abandoned_batches(*, until: float, now: datetime | None) -> int:
    """Take over the batches of workers that died, one output at a time; at least one batch."""
    _take_back_tries()
    with transaction.atomic():
        abandoned = sql.fetch_tuples(queries.LOCK_ABANDONED_BATCHES, [ABANDONED_AFTER_SECONDS])
    routed = 0
    for batch_id, output_ids in abandoned:
        routed += _retry_batch(batch_id, output_ids, now=now)
        if time.monotonic() > until:
            break
    return routed


def _retry_batch(batch_id: int, output_ids: list[int], *, now: datetime | None) -> int:
    # A session lock, because each counter is committed on its own: two workers would count every try twice.
    lock = [RETRY_LOCK_CLASS_ID, batch_id % 2**31]
    if not sql.fetch_value(queries.TRY_SESSION_LOCK, lock):
        return 0
    try:
        return _route_one_by_one(batch_id, output_ids, now=now)
    finally:
        with suppress(Error):  # the lock ends with the session
            sql.run_statement(queries.UNLOCK_SESSION_LOCK, lock)


def _route_one_by_one(batch_id: int, output_ids: list[int], *, now: datetime | None) -> int:
    """Route these outputs one at a time. Any that cannot even be sent to review stay in the batch, out of the way."""
    routed, stuck = 0, []
    for output_id in output_ids:
        try:
            routed += _route_alone(output_id, now=now)
        except Exception as error:
            if _is_interrupted(error):
                raise
            log.exception("dispatch.output_stuck", output=output_id)
            stuck.append(output_id)
    batch = DispatchBatch.objects.filter(pk=batch_id)
    if stuck:
        batch.update(output_ids=stuck, created_at=Now())
    else:
        batch.delete()
    return routed


def _route_alone(output_id: int, *, now: datetime | None) -> int:
    """Route one output of a failed batch; after three failures on its own it is sent to review.

    Raises whatever error prevents that.
    """
    tries = _count_retry(output_id)
    while 0 < tries <= SINGLE_RETRIES:
        try:
            with transaction.atomic():
                return _route_outputs([output_id], skip_locked=True, now=now)
        except Exception as error:
            if sql.is_outage(error):
                _owed_tries.add(output_id)
            if _is_interrupted(error):
                raise
            log.exception("dispatch.output_failed", output=output_id, tries=tries)
            tries = _count_retry(output_id)
    if tries == 0:
        return 0
    with transaction.atomic():
        return record.send_to_people([output_id], reason="dispatch_failed", now=clock.current_time(now))


def _is_interrupted(error: Exception) -> bool:
    """Whether it was ended from outside, so that it says nothing about the outputs and the rest would fare the same."""
    return sql.is_outage(error) or isinstance(error, SoftTimeLimitExceeded)


def _take_back_tries() -> None:
    for output_id in list(_owed_tries):
        sql.run_statement(queries.TAKE_BACK_RETRY, [output_id])
        _owed_tries.discard(output_id)


def _count_retry(output_id: int) -> int:
    """Count the try and commit it first, so that a try that kills the process counts; 0 if the output is routed."""
    with transaction.atomic():
        return int(sql.fetch_value(queries.COUNT_RETRY, [MAX_COUNTED_RETRIES, output_id, Output.State.RECEIVED]) or 0)


def _route_outputs(output_ids: Sequence[int], *, skip_locked: bool, now: datetime | None) -> int:
    """In this order: lock the rows, take the release lock shared, read stops and policies, decide, write."""
    outputs = record.lock_received(output_ids, skip_locked=skip_locked)
    if not outputs:
        return 0
    stop.hold_release_lock()
    record.record_routes(outputs, now=clock.current_time(now))
    return len(outputs)
