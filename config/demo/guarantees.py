"""The demo's guarantees: targets set at the start, evaluated six days before the end, approved by a second manager."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.utils import timezone

from escalation.guarantees import evaluations, guarantees, preparation, targets
from escalation.models import Evaluation, Stream
from escalation.policies import versions

# The highest error rate of automated outputs, per stream, and the number of audits of the exact evaluation.
ERROR_TARGETS = {"sentiment": 0.05, "digits": 0.04}
DECLARED_AUDITS = {"sentiment": 200, "digits": 400}
EVALUATED_DAYS_BEFORE_END = 6
EVALUATION_TIME = time(18)


def set_demo_target(stream: Stream, *, now: datetime) -> None:
    """Set the stream's error target, before any labels exist."""
    targets.set_error_target(
        stream=stream,
        max_error=ERROR_TARGETS[stream.slug],
        declared_audits=DECLARED_AUDITS[stream.slug],
        actor="user:mara",
        reason="Agreed with the owner of the stream.",
        now=now,
    )


def choose_evaluation_time(until: datetime) -> datetime:
    """The time of the evaluation: after a day's work, six days before the end of the simulated history."""
    day = timezone.localdate(until) - timedelta(days=EVALUATED_DAYS_BEFORE_END)
    return timezone.make_aware(datetime.combine(day, EVALUATION_TIME))


def establish_guarantee(stream: Stream, *, now: datetime) -> None:
    """Evaluate the stream once; if a threshold meets the target, propose a policy and have it approved."""
    if Evaluation.objects.filter(stream=stream).exists():
        return
    try:
        evaluation = evaluations.run_evaluation(stream, by="user:mara", now=now)
        made = guarantees.propose_certified_policy(
            evaluation=evaluation, actor="user:mara", reason="The audits show that it meets the error target.", now=now
        )
    except preparation.EvaluationRefused:
        return
    if not made.active:
        read_at = now + timedelta(minutes=40)
        versions.approve_version(policy=made.policy, by="user:max", reason="Read the evidence.", now=read_at)
