"""What the demo's managers promise: said before the past begins, looked for a week before it ends, approved by two."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.utils import timezone

from escalation.guarantees import evaluations, guarantees, preparation, targets
from escalation.models import Attempt, Stream
from escalation.policies import versions

# Of what goes out without a person, so much may be wrong.
MOST_WRONG = {"sentiment": 0.05, "digits": 0.02}
DAYS_BEFORE = 6
AFTER_WORK = time(18)


def say(stream: Stream, *, now: datetime) -> None:
    """What may go wrong in this stream, before anybody knows what does."""
    targets.set_target(
        stream=stream,
        max_error=MOST_WRONG[stream.slug],
        actor="user:mara",
        reason="Agreed with the owner of the stream.",
        now=now,
    )


def evening(until: datetime) -> datetime:
    """After a day's work, about a week before the past ends."""
    day = timezone.localdate(until) - timedelta(days=DAYS_BEFORE)
    return timezone.make_aware(datetime.combine(day, AFTER_WORK))


def state(stream: Stream, *, now: datetime) -> None:
    """Look for a threshold that keeps the target, once; where there is one, propose it and have it approved."""
    if Attempt.objects.filter(stream=stream).exists():
        return
    try:
        attempt = evaluations.look(stream, by="user:mara", now=now)
        made = guarantees.propose(
            attempt=attempt, actor="user:mara", reason="The checks show that it keeps the target.", now=now
        )
    except preparation.Refused:
        return
    if not made.active:
        read_at = now + timedelta(minutes=40)
        versions.approve(policy=made.policy, by="user:max", reason="Read the evidence.", now=read_at)
