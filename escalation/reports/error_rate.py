"""Throughput, and the error rate of automated outputs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from escalation import statistics
from escalation.reports.tally import AuditCounts, Tally

INTERVAL_DELTA = 0.05  # 95 % intervals


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """The error rate of automated outputs, from `audits` answered audits, `wrong` of them wrong.

    `rate`, `low` and `high` are None if no audit was answered: unknown, never 0. `drawn` includes unanswered audits.
    `withdrawn`: audits that were taken back before anybody judged them; `low` takes all of them for right and `high`
    all of them for wrong, so that withdrawing never makes a rate look better than it may be.
    """

    rate: float | None
    low: float | None
    high: float | None
    audits: int
    wrong: int
    drawn: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Throughput:
    """How many outputs were received, automated, sent to people (for review or audit) and judged."""

    received: int
    automated: int
    to_people: int
    judged: int


def count_throughput(found: Iterable[Tally]) -> Throughput:
    found = list(found)

    def total(wanted: Callable[[Tally], bool]) -> int:
        return sum(tally.count for tally in found if wanted(tally))

    return Throughput(
        received=total(lambda tally: True),
        automated=total(lambda tally: tally.released),
        to_people=total(lambda tally: tally.to_people),
        judged=total(lambda tally: tally.judged),
    )


def estimate_error_rate(found: Iterable[Tally]) -> ErrorRate:
    """The error rate of eligible outputs, from the first answers to their audits, each weighted by 1/pi (Hajek)."""
    audits = [tally for tally in found if tally.is_drawn_audit]
    answered = [tally for tally in audits if tally.is_audit]
    samples = [AuditCounts(tally.pi, tally.count, tally.count if tally.wrong else 0) for tally in answered]
    samples += [AuditCounts(tally.pi, 0, 0, tally.count) for tally in audits if tally.is_withdrawn_audit]
    return estimate_error_rate_from_counts(samples, drawn=sum(tally.count for tally in audits))


def estimate_error_rate_from_counts(samples: Sequence[AuditCounts], *, drawn: int | None = None) -> ErrorRate:
    """The error rate, with a 95 % Clopper-Pearson interval that treats the audits as one sample of fixed size."""
    judged = [sample for sample in samples if sample.judged]
    n = sum(sample.judged for sample in judged)
    k = sum(sample.wrong for sample in judged)
    withdrawn = sum(sample.withdrawn for sample in samples)
    point = statistics.compute_weighted_rate(
        [sample.judged / sample.pi for sample in judged],
        [sample.wrong / sample.judged for sample in judged],
    )
    low, high = bound_error_rate(k, n, withdrawn) if n else (None, None)
    return ErrorRate(
        point, low, high, audits=n, wrong=k, drawn=n + withdrawn if drawn is None else drawn, withdrawn=withdrawn
    )


def bound_error_rate(wrong: int, audits: int, withdrawn: int) -> tuple[float, float]:
    """The 95 % Clopper-Pearson bounds: the lower if all withdrawn audits were right, the upper if all were wrong."""
    n = audits + withdrawn
    low, _ = statistics.compute_clopper_pearson(wrong, n, INTERVAL_DELTA)
    _, high = statistics.compute_clopper_pearson(wrong + withdrawn, n, INTERVAL_DELTA)
    return low, high
