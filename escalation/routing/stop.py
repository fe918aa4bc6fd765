"""STOP: once it has returned, nothing in its scope is automated, by routing or by a deadline."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from escalation.models import Stop, Stream
from escalation.routing import queries
from reviewqueue.activity import log
from reviewqueue.kernel import clock, sql
from reviewqueue.kernel.errors import DomainError

# Releasing holds this lock shared, stopping holds it exclusive: STOP waits for releases in progress, and every later
# release waits for STOP and then sees its row. With only a flag to read, 96 outputs were released after STOP.
RELEASE_LOCK_ID = 0x53_54_4F_50


class NotStopped(DomainError):
    code = "not_stopped"


class SecondPersonNeeded(DomainError):
    code = "second_person_needed"


def stop_stream(*, stream: Stream | None, by: str, reason: str = "", now: datetime | None = None) -> Stop:
    """Stop one stream, or all if `stream` is None. If it is already stopped, returns the existing stop unchanged."""
    with transaction.atomic():
        sql.run_statement(queries.WAIT_LONGER_FOR_STOP)
        sql.run_statement(queries.TAKE_RELEASE_LOCK, [RELEASE_LOCK_ID])
        existing = Stop.objects.active().filter(stream=stream).first()
        if existing:
            return existing
        row = Stop.objects.create(stream=stream, reason=reason, stopped_by=by, stopped_at=clock.current_time(now))
        _log_event(row, actor=by, verb="stream.stopped", after={"reason": reason}, at=now)
    return row


def request_resume(*, stop: Stop, by: str, now: datetime | None = None) -> None:
    """Record that the first of two people asks to resume. Raises NotStopped."""
    with transaction.atomic():
        updated = (
            Stop.objects.active().filter(pk=stop.pk).update(resume_asked_by=by, resume_asked_at=clock.current_time(now))
        )
        if not updated:
            raise NotStopped(_("This stop has already been lifted."))
        _log_event(stop, actor=by, verb="stream.resume_asked", after=None, at=now)


def confirm_resume(*, stop: Stop, by: str, now: datetime | None = None) -> None:
    """Lift the stop, as the second person. Raises NotStopped and SecondPersonNeeded."""
    with transaction.atomic():
        row = Stop.objects.active().select_for_update().filter(pk=stop.pk).first()
        if row is None:
            raise NotStopped(_("This stop has already been lifted."))
        if not row.resume_asked_by or row.resume_asked_by == by:
            raise SecondPersonNeeded(_("Resuming takes two people: one asks to resume, and another confirms."))
        row.resumed_by, row.resumed_at = by, clock.current_time(now)
        row.save(update_fields=["resumed_by", "resumed_at"])
        _log_event(row, actor=by, verb="stream.resumed", after={"asked_by": row.resume_asked_by}, at=now)


def hold_release_lock() -> None:
    """Take the lock shared until the transaction ends. Active stops have to be read in a later statement."""
    sql.run_statement(queries.SHARE_RELEASE_LOCK, [RELEASE_LOCK_ID])


def find_active_stops() -> dict[int | None, int]:
    """The active stops: stream id (None: all streams) -> stop id."""
    return dict(sql.fetch_tuples(queries.SELECT_ACTIVE_STOPS))


def _log_event(row: Stop, *, actor: str, verb: str, after: dict[str, str] | None, at: datetime | None) -> None:
    log.record_event(
        actor=actor,
        verb=verb,
        object_type="stop",
        object_id=row.pk,
        queue=row.stream.slug if row.stream else "",
        after=after,
        at=at,
    )
