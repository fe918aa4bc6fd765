"""STOP: once it has returned, nothing in its scope is automated, by routing or by a deadline."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from escalation.models import Stop, Stream
from escalation.routing import queries
from reviewqueue.accounts import second_person
from reviewqueue.accounts.second_person import SecondPersonNeeded
from reviewqueue.activity import log
from reviewqueue.kernel import clock, sql
from reviewqueue.kernel.errors import DomainError, Invalid

# Releasing holds this lock shared, stopping holds it exclusive: STOP waits for releases in progress, and every later
# release waits for STOP and then sees its row. With only a flag to read, 96 outputs were released after STOP.
RELEASE_LOCK_ID = 0x53_54_4F_50


class NotStopped(DomainError):
    code = "not_stopped"


class ResumeRequested(DomainError):
    code = "resume_requested"


def stop_stream(*, stream: Stream | None, by: str, reason: str = "", now: datetime | None = None) -> Stop:
    """Stop one stream, or all if `stream` is None. If it is already stopped, returns the existing stop.

    A second reason is recorded with its event; the stop keeps the first one.
    Anyone who presses STOP has a reason not to resume, so open requests to resume in its scope lapse, in either case.
    """
    with transaction.atomic():
        sql.run_statement(queries.WAIT_LONGER_FOR_STOP)
        sql.run_statement(queries.TAKE_RELEASE_LOCK, [RELEASE_LOCK_ID])
        _cancel_requests(stream, by=by, now=now)
        existing = Stop.objects.active().filter(stream=stream).first()
        if existing:
            _log_event(existing, actor=by, verb="stream.stop_repeated", after={"reason": reason}, at=now)
            return existing
        row = Stop.objects.create(stream=stream, reason=reason, stopped_by=by, stopped_at=clock.current_time(now))
        _log_event(row, actor=by, verb="stream.stopped", after={"reason": reason}, at=now)
    return row


def request_resume(*, stop: Stop, by: str, reason: str, now: datetime | None = None) -> None:
    """Record that the first of two people asks to resume, and why.

    Raises Invalid without a reason, NotStopped, and ResumeRequested while another request stands.
    """
    if not reason.strip():
        raise Invalid(_("Give a reason for resuming. The second person reads it before confirming."))
    moment = clock.current_time(now)
    with transaction.atomic():
        row = _lock_stop(stop)
        if has_request(row, now=moment):
            raise ResumeRequested(_("Somebody has already asked to resume. Another manager can confirm it now."))
        row.resume_asked_by, row.resume_asked_at, row.resume_reason = by, moment, reason.strip()
        row.save(update_fields=["resume_asked_by", "resume_asked_at", "resume_reason"])
        _log_event(row, actor=by, verb="stream.resume_asked", after={"reason": row.resume_reason}, at=now)


def confirm_resume(*, stop: Stop, by: str, now: datetime | None = None) -> None:
    """Lift the stop, as the second person. Raises NotStopped, SamePerson and SecondPersonNeeded."""
    moment = clock.current_time(now)
    with transaction.atomic():
        row = _lock_stop(stop)
        if not row.resume_asked_by or second_person.has_lapsed(row.resume_asked_at, now=moment):
            raise SecondPersonNeeded(
                _("Resuming takes two people within a day: one asks to resume, and another confirms.")
            )
        second_person.require_two_managers(asked_by=row.resume_asked_by, confirmed_by=by, slug=_slug_of(row))
        row.resumed_by, row.resumed_at = by, moment
        row.save(update_fields=["resumed_by", "resumed_at"])
        after = {"asked_by": row.resume_asked_by, "reason": row.resume_reason}
        _log_event(row, actor=by, verb="stream.resumed", after=after, at=now)


def has_request(stop: Stop, *, now: datetime) -> bool:
    """Whether a request to resume stands: recent, and by somebody who still manages what was stopped."""
    if not stop.resume_asked_by or second_person.has_lapsed(stop.resume_asked_at, now=now):
        return False
    return second_person.may_stand(stop.resume_asked_by, slug=_slug_of(stop))


def hold_release_lock() -> None:
    """Take the lock shared until the transaction ends. Active stops have to be read in a later statement."""
    sql.run_statement(queries.SHARE_RELEASE_LOCK, [RELEASE_LOCK_ID], prepared=True)


def find_active_stops() -> dict[int | None, int]:
    """The active stops: stream id (None: all streams) -> stop id."""
    return dict(sql.fetch_tuples(queries.SELECT_ACTIVE_STOPS, prepared=True))


def _lock_stop(stop: Stop) -> Stop:
    row = Stop.objects.active().select_for_update(of=("self",)).select_related("stream").filter(pk=stop.pk).first()
    if row is None:
        raise NotStopped(_("This stop has already been lifted."))
    return row


def _cancel_requests(stream: Stream | None, *, by: str, now: datetime | None) -> None:
    """Cancel the open requests to resume what a new STOP of this stream covers."""
    covered = Q() if stream is None else Q(stream=stream) | Q(stream=None)
    asked = Stop.objects.active().filter(covered).exclude(resume_asked_by="").select_related("stream")
    for row in asked.select_for_update(of=("self",)).order_by("pk"):
        before = {"asked_by": row.resume_asked_by}
        row.resume_asked_by, row.resume_asked_at, row.resume_reason = "", None, ""
        row.save(update_fields=["resume_asked_by", "resume_asked_at", "resume_reason"])
        _log_event(row, actor=by, verb="stream.resume_cancelled", before=before, at=now)


def _slug_of(stop: Stop) -> str | None:
    return stop.stream.slug if stop.stream else None


def _log_event(
    row: Stop,
    *,
    actor: str,
    verb: str,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
    at: datetime | None,
) -> None:
    log.record_event(
        actor=actor,
        verb=verb,
        object_type="stop",
        object_id=row.pk,
        queue=_slug_of(row) or "",
        before=before,
        after=after,
        at=at,
    )
