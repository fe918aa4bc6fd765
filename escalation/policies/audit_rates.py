"""The audit rate in effect: set by the policy, or fixed once a day from the previous day's traffic."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date, timedelta

from escalation.models import DailyRate, output_id
from escalation.policies import queries
from escalation.policies.spec import PolicySpec
from escalation.policies.versions import ActivePolicy
from reviewqueue.kernel import sql

# Used until a stream has a day of traffic: assumes that four fifths of it is eligible, so 4 per ordinary item.
ASSUMED_ELIGIBLE_PER_REVIEWED = 4.0


@dataclass(frozen=True, slots=True)
class AuditRates:
    """Today's audit rate, and the share of ordinary items that are answered blind; both probabilities."""

    audit_rate: float
    answer_first_share: float


def get_audit_rates(current: ActivePolicy, *, stream_id: int, day: date) -> AuditRates:
    """The rates of one day: set by the policy, or fixed once a day from the previous day's traffic."""
    audit, spec = current.spec.audit, current.spec
    if audit.per_day is None and spec.answer_first_share is not None:
        return AuditRates(audit.rate or 0.0, spec.answer_first_share)
    try:
        return _load_fixed_rates(current.policy_id, day)
    except DailyRate.DoesNotExist:
        found = _rates_from_yesterday(spec, stream_id=stream_id, day=day)
    # The first process fixes the day's rates; the others use that row.
    DailyRate.objects.bulk_create(
        [
            DailyRate(
                policy_id=current.policy_id,
                day=day,
                audit_rate=found.audit_rate,
                answer_first_share=found.answer_first_share,
            )
        ],
        ignore_conflicts=True,
    )
    row = DailyRate.objects.get(policy_id=current.policy_id, day=day)
    return AuditRates(row.audit_rate, row.answer_first_share)


@functools.lru_cache(maxsize=1024)
def _load_fixed_rates(policy_id: int, day: date) -> AuditRates:
    """The rates fixed for a day, cached per process. Raises DoesNotExist.

    Not used for a row that the caller has just inserted: that could still be rolled back.
    """
    row = DailyRate.objects.get(policy_id=policy_id, day=day)
    return AuditRates(row.audit_rate, row.answer_first_share)


def _rates_from_yesterday(spec: PolicySpec, *, stream_id: int, day: date) -> AuditRates:
    eligible, ordinary = _count_traffic(stream_id, day - timedelta(days=1))
    if spec.audit.per_day is None:
        rate = spec.audit.rate or 0.0
    else:
        rate = min(1.0, spec.audit.per_day / eligible) if eligible else float(spec.audit.per_day > 0)
    if spec.answer_first_share is not None:
        return AuditRates(rate, spec.answer_first_share)
    per_reviewed = eligible / ordinary if ordinary else ASSUMED_ELIGIBLE_PER_REVIEWED
    return AuditRates(rate, min(1.0, rate * per_reviewed))


def _count_traffic(stream_id: int, day: date) -> tuple[int, int]:
    """How many outputs of one day were eligible, and how many were not."""
    first, last = output_id.id_range_of_day(day)
    eligible, ordinary = sql.fetch_tuple(queries.COUNT_TRAFFIC, [stream_id, first, last]) or (0, 0)
    return int(eligible), int(ordinary)
