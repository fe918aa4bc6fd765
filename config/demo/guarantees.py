"""What the demo's managers promise: said before the past begins, looked for a week before it ends, approved by two."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.utils import timezone

from escalation.guarantees import evaluations, guarantees, preparation, targets
from escalation.models import Evaluation, Stream
from escalation.policies import versions

# Of what goes out without a person, so much may be wrong.
ERROR_TARGETS = {"sentiment": 0.05, "digits": 0.02}
EVALUATED_DAYS_BEFORE_END = 6
EVALUATION_TIME = time(18)


def set_demo_target(stream: Stream, *, now: datetime) -> None:
    """What may go wrong in this stream, before anybody knows what does."""
    targets.set_error_target(
        stream=stream,
        max_error=ERROR_TARGETS[stream.slug],
        actor="user:mara",
        reason="Agreed with the owner of the stream.",
        now=now,
    )


def choose_evaluation_time(until: datetime) -> datetime:
    """After a day's work, about a week before the past ends."""
    day = timezone.localdate(until) - timedelta(days=EVALUATED_DAYS_BEFORE_END)
    return timezone.make_aware(datetime.combine(day, EVALUATION_TIME))


def establish_guarantee(stream: Stream, *, now: datetime) -> None:
    """Look for a threshold that keeps the target, once; where there is one, propose it and have it approved."""
    if Evaluation.objects.filter(stream=stream).exists():
        return
    try:
        evaluation = evaluations.run_evaluation(stream, by="user:mara", now=now)
        made = guarantees.propose_certified_policy(
            evaluation=evaluation, actor="user:mara", reason="The checks show that it keeps the target.", now=now
        )
    except preparation.EvaluationRefused:
        return
    if not made.active:
        read_at = now + timedelta(minutes=40)
        versions.approve_version(policy=made.policy, by="user:max", reason="Read the evidence.", now=read_at)
