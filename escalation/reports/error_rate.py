"""How many went where, and how often what went out without a person is wrong. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from escalation import statistics
from escalation.reports.tally import Sample, Tally

DELTA = 0.05  # intervals are stated at 95 %


@dataclass(frozen=True, slots=True)
class Rate:
    """How often what was handled automatically is wrong, from `checked` answered random checks, `wrong` of them wrong.

    All None where no check was answered: unknown, never 0. `drawn` counts the unanswered ones too.
    """

    rate: float | None
    low: float | None
    high: float | None
    checked: int
    wrong: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Flow:
    """How many outputs came in, and where they went."""

    received: int
    automatic: int
    to_people: int
    judged: int


def flow(found: Iterable[Tally]) -> Flow:
    found = list(found)

    def total(wanted: Callable[[Tally], bool]) -> int:
        return sum(tally.count for tally in found if wanted(tally))

    return Flow(
        received=total(lambda tally: True),
        automatic=total(lambda tally: tally.released),
        to_people=total(lambda tally: tally.to_people),
        judged=total(lambda tally: tally.judged),
    )


def rate(found: Iterable[Tally]) -> Rate:
    """The error rate of what is eligible, from its random checks: first answers, each weighted by 1/pi (Hajek)."""
    audits = [tally for tally in found if tally.eligible and tally.audit]
    answered = [tally for tally in audits if tally.checked]
    samples = [Sample(tally.pi, tally.count, tally.count if tally.wrong else 0) for tally in answered]
    return rate_of(samples, drawn=sum(tally.count for tally in audits))


def rate_of(samples: Sequence[Sample], *, drawn: int | None = None) -> Rate:
    """The rate, and its 95 % Clopper-Pearson interval on the checks as one sample of fixed size."""
    n = sum(sample.judged for sample in samples)
    k = sum(sample.wrong for sample in samples)
    point = statistics.hajek(
        [sample.judged / sample.pi for sample in samples],
        [sample.wrong / sample.judged for sample in samples],
    )
    low, high = statistics.clopper_pearson(k, n, DELTA) if n else (None, None)
    return Rate(point, low, high, checked=n, wrong=k, drawn=n if drawn is None else drawn)
