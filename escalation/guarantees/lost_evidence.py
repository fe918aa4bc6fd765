"""What a change of the policy costs: the audits that would no longer count as evidence for a guarantee."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from escalation.guarantees import lines, population, preparation, targets
from escalation.guarantees.preparation import EvaluationRefused
from escalation.guarantees.sample import have_same_conditions
from escalation.models import Stream
from escalation.policies import versions
from escalation.policies.spec import AuditSettings, PolicySpec
from reviewqueue.kernel import clock


@dataclass(frozen=True, slots=True)
class EvidenceLoss:
    """What a version would do to the evidence of the stream's main population.

    audits: how many count now. reason: why none of them would count any more; empty if all of them would. Audits of
    before can count again only for a version with the same rules, and only if no output was routed in between.
    """

    audits: int
    reason: Literal["", "rules", "no_audits"]

    @property
    def lost(self) -> int:
        return self.audits if self.reason else 0


def measure_evidence_loss(stream: Stream, spec: PolicySpec, *, now: datetime | None = None) -> EvidenceLoss | None:
    """What a version would do to the evidence; None if it changes nothing about it, or if there is no evidence.

    A lower audit rate is such a change, although it loses nothing: the result then says how many audits are kept.
    """
    current = versions.find_active_policy(stream)
    if current is None:
        return None
    reason = _find_reason(current.spec, spec)
    if not reason and not _is_lower(current.spec.audit, spec.audit):
        return None
    audits = _count_audits(stream, current.spec, clock.current_time(now))
    return EvidenceLoss(audits, reason) if audits else None


def _find_reason(before: PolicySpec, after: PolicySpec) -> Literal["", "rules", "no_audits"]:
    if not have_same_conditions(before, after):
        return "rules"
    return "" if _has_audits(after.audit) else "no_audits"


def _has_audits(audit: AuditSettings) -> bool:
    return bool(audit.rate or audit.per_day)


def _is_lower(before: AuditSettings, after: AuditSettings) -> bool:
    if before.per_day is not None and after.per_day is not None:
        return after.per_day < before.per_day
    return before.rate is not None and after.rate is not None and after.rate < before.rate


def _count_audits(stream: Stream, spec: PolicySpec, now: datetime) -> int:
    """The audits that count for the version in effect; 0 without a target."""
    target = targets.find_error_target(stream)
    covered = population.current_population(stream)
    if target is None or covered is None:
        return 0
    first = lines.count_declared_audits(target)
    try:
        _, sample = preparation.find_evidence(stream, target, covered, spec, first=first, keep=False, now=now)
    except EvaluationRefused:
        return 0
    return sample.sampled
