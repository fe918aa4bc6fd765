"""The demo's guarantees: targets set at the start, evaluated six days before the end, approved by a second manager.

Then fewer audits are enough: they only watch over what is guaranteed.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

import msgspec
from django.utils import timezone

from escalation.guarantees import evaluations, guarantees, preparation, targets
from escalation.models import Evaluation, Stream
from escalation.policies import versions

# The highest error rate of automated outputs, per stream, and the number of audits of the exact evaluation.
ERROR_TARGETS = {"sentiment": 0.05, "digits": 0.04, "invoices": 0.05}
DECLARED_AUDITS = {"sentiment": 200, "digits": 450, "invoices": 330}
GROUPS = {"invoices": "fields"}
# The audit rate once a guarantee is in force.
LATER_AUDIT_RATES = {"digits": 0.2, "invoices": 0.1}
EVALUATED_DAYS_BEFORE_END = 6
EVALUATION_TIME = time(18)


def set_demo_target(stream: Stream, *, now: datetime) -> None:
    """Set the stream's error target, before any labels exist."""
    targets.set_error_target(
        stream=stream,
        max_error=ERROR_TARGETS[stream.slug],
        groups=GROUPS.get(stream.slug, "together"),
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
    read_at = now + timedelta(minutes=40)
    if not made.active:
        versions.approve_version(policy=made.policy, by="user:max", reason="Read the evidence.", now=read_at)
    _lower_audit_rate(stream, now=read_at + timedelta(minutes=10))


def _lower_audit_rate(stream: Stream, *, now: datetime) -> None:
    current = versions.find_active_policy(stream)
    assert current is not None
    audit = msgspec.structs.replace(current.spec.audit, rate=LATER_AUDIT_RATES[stream.slug])
    changed = versions.propose_version(
        stream=stream,
        spec=msgspec.structs.replace(current.spec, audit=audit),
        actor="user:mara",
        reason="Fewer audits are enough to notice drift.",
        now=now,
    )
    if not changed.active:
        versions.approve_version(policy=changed.policy, by="user:max", now=now + timedelta(minutes=5))
