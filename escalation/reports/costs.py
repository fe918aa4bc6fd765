"""The costs of a stream's errors and reviews, from tallies and the costs in the routing policy versions. Pure.

L is the cost of a wrong output, `PolicyCosts.price_error` plus `Costs.value_cost` of the output's value; pi is the
inclusion probability stored at routing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from escalation import statistics
from escalation.policies.spec import Costs, PolicySpec
from escalation.reports import error_rate
from escalation.reports.tally import Tally


@dataclass(frozen=True, slots=True)
class PolicyCosts:
    """The costs of a policy version, and the number of reviews per item.

    by_label: it was made for answers of which each wrong label is an error.
    """

    costs: Costs
    reviews: int
    by_label: bool = False

    @classmethod
    def of(cls, policy: PolicySpec, *, by_label: bool = False) -> PolicyCosts:
        return cls(policy.costs, policy.reviews, by_label)

    @property
    def by_part(self) -> bool:
        """Whether the cost of a wrong output depends on which of its labels or fields are wrong."""
        return self.by_label or bool(self.costs.by_field)

    def price_error(
        self, *, predicted: str, true: str, wrong_parts: Collection[str] = (), invented: Collection[str] = ()
    ) -> float:
        """The cost of a wrong output without its value: the sum over its wrong parts, if these matter and are known."""
        if not wrong_parts or not self.by_part:
            return self.costs.error_cost(predicted, true)
        if not self.by_label:
            return sum(self.costs.field_cost(field) for field in wrong_parts)
        return sum(
            self.costs.invented_cost(label) if label in invented else self.costs.missed_cost(label)
            for label in wrong_parts
        )


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """An estimated sum of money, and the interval that the audits support.

    audits: the number of answered audits it rests on; None if it is exact, because nothing was automated.
    """

    value: float
    low: float
    high: float
    audits: int | None = None

    @property
    def has_enough_audits(self) -> bool:
        """Whether to show the amount: as an error rate from so few audits, it would only look like knowledge."""
        return self.audits is None or self.audits >= statistics.MIN_AUDITS_FOR_RATE


@dataclass(frozen=True, slots=True)
class CostSummary:
    """The costs of some tallies, in one currency.

    undetected_errors: the estimated cost of errors in automated outputs; None if unknown, never 0 then. caught_errors:
    the cost of errors found before the output took effect. reviews: the cost of reviews. review_of_all: the cost of
    reviewing everything.
    """

    undetected_errors: CostEstimate | None
    caught_errors: float
    reviews: float
    review_of_all: float

    @property
    def balance(self) -> float:
        return self.caught_errors - self.reviews

    @property
    def all_errors(self) -> CostEstimate | None:
        """The estimated cost of all errors, caught or not: what having no reviews at all would have cost."""
        if self.undetected_errors is None:
            return None
        known = self.caught_errors
        return CostEstimate(
            self.undetected_errors.value + known,
            self.undetected_errors.low + known,
            self.undetected_errors.high + known,
            self.undetected_errors.audits,
        )


def summarise_costs(
    tallies: Sequence[Tally], prices: Mapping[int, PolicyCosts], *, typical_error: float
) -> CostSummary:
    """The costs of these tallies.

    Shadow outputs are not acted on, so their errors cost nothing, but their reviews do. Outputs that no policy routed
    have no costs. typical_error: the cost of an error to assume if no error was observed.
    """
    priced = _pair_with_costs(tallies, prices)
    acted_on = [(tally, price) for tally, price in priced if not tally.shadow]
    return CostSummary(
        undetected_errors=_add_estimates(
            _estimate_undetected([pair for pair in acted_on if not _is_priced_by_field(*pair)], typical_error),
            _estimate_undetected_fields([pair for pair in acted_on if _is_priced_by_field(*pair)], typical_error),
        ),
        caught_errors=sum(_error_cost(tally, price) * tally.count for tally, price in acted_on if not tally.released),
        reviews=sum(price.costs.review * tally.reviews for tally, price in priced),
        review_of_all=sum(price.costs.review * price.reviews * tally.count for tally, price in acted_on),
    )


def average_error_cost(tallies: Sequence[Tally], prices: Mapping[int, PolicyCosts], *, costs: Costs) -> float:
    """The mean cost of the observed wrong outputs; if there were none, what `costs` expect at the mean value."""
    errors = [
        (_error_cost(tally, price), tally.count) for tally, price in _pair_with_costs(tallies, prices) if tally.wrong
    ]
    total = sum(count for _, count in errors)
    if total:
        return sum(cost * count for cost, count in errors) / total
    outputs = sum(tally.count for tally in tallies)
    return costs.typical_cost + (costs.value_cost(sum(tally.value for tally in tallies) / outputs) if outputs else 0.0)


def _pair_with_costs(tallies: Iterable[Tally], prices: Mapping[int, PolicyCosts]) -> list[tuple[Tally, PolicyCosts]]:
    return [
        (tally, prices[tally.policy_id])
        for tally in tallies
        if tally.policy_id is not None and tally.policy_id in prices
    ]


def _estimate_undetected(priced: Sequence[tuple[Tally, PolicyCosts]], typical: float) -> CostEstimate | None:
    """The cost of errors in automated outputs, estimated from audits.

    Audits that hold: sum of e L (1/pi - 1), since the audited outputs themselves were caught. Audits afterwards: sum of
    e L / pi. Interval: the bounds of the error rate (`error_rate.bound_error_rate`), times the number released, times
    the mean cost of the errors the audits found (the typical cost if they found none); it treats audits at different
    rates as one sample. Covers only outputs that could have been drawn; None if no audit was answered.
    """
    released = sum(tally.count for tally, _ in priced if tally.released and tally.pi > 0)
    audited = [(tally, price) for tally, price in priced if tally.is_audit]
    n = sum(tally.count for tally, _ in audited)
    if not any(tally.released for tally, _ in priced):
        return CostEstimate(0.0, 0.0, 0.0)
    if not n:
        return None
    wrong = [(tally, _error_cost(tally, price)) for tally, price in audited if tally.wrong]
    k = sum(tally.count for tally, _ in wrong)
    mean = sum(tally.count * cost for tally, cost in wrong) / k if k else typical
    withdrawn = sum(tally.count for tally, _ in priced if tally.is_withdrawn_audit)
    low, high = error_rate.bound_error_rate(k, n, withdrawn)
    value = sum(tally.count * cost * _audit_weight(tally) for tally, cost in wrong)
    return CostEstimate(value, low * released * mean, high * released * mean, n)


def _is_priced_by_field(tally: Tally, price: PolicyCosts) -> bool:
    """Whether errors of its fields are audited and priced one by one."""
    return tally.field_rate is not None and bool(price.costs.by_field)


def _estimate_undetected_fields(priced: Sequence[tuple[Tally, PolicyCosts]], typical: float) -> CostEstimate | None:
    """`_estimate_undetected` where each field is an audit of its own, drawn at `field_rate`.

    The output's value adds to the cost of each wrong field: audits of fields do not tell how many are wrong together.
    """
    automated = sum(tally.automated_fields for tally, _ in priced if tally.field_rate)
    n = sum(tally.field_audits for tally, _ in priced)
    if not any(tally.automated_fields for tally, _ in priced):
        return CostEstimate(0.0, 0.0, 0.0)
    if not n:
        return None
    k, total, value = 0, 0.0, 0.0
    for tally, price in priced:
        of_value = price.costs.value_cost(tally.value / tally.count)
        cost = tally.count * sum(price.costs.field_cost(field) + of_value for field in tally.wrong_audited)
        k += tally.count * len(tally.wrong_audited)
        total += cost
        if tally.field_rate:
            value += cost * (1 / tally.field_rate - (0 if tally.released else 1))
    mean = total / k if k else typical
    low, high = error_rate.bound_error_rate(k, n, sum(tally.withdrawn_field_audits for tally, _ in priced))
    return CostEstimate(value, low * automated * mean, high * automated * mean, n)


def _add_estimates(one: CostEstimate | None, other: CostEstimate | None) -> CostEstimate | None:
    """The sum of two estimates; unknown if one is, and resting on as few audits as the weaker one."""
    if one is None or other is None:
        return None
    audits = [estimate.audits for estimate in (one, other) if estimate.audits is not None]
    return CostEstimate(
        one.value + other.value, one.low + other.low, one.high + other.high, min(audits) if audits else None
    )


def _audit_weight(tally: Tally) -> float:
    """How many undetected errors an error found by an audit stands for."""
    return 1 / tally.pi - (0 if tally.released else 1)


def _error_cost(tally: Tally, price: PolicyCosts) -> float:
    """The mean cost of an error of this tally."""
    if not tally.wrong:
        return 0.0
    in_any_case = price.price_error(
        predicted=tally.predicted, true=tally.true_label, wrong_parts=tally.wrong_parts, invented=tally.invented
    )
    return in_any_case + price.costs.value_cost(tally.value / tally.count)
