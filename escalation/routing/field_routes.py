"""The routing decision about the single fields of an answer. Pure; `routing.decide` uses it for whole outputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from escalation.policies.spec import PolicySpec

# By JSON Pointer: how sure the model is of each field, None where it did not say.
type FieldConfidences = Mapping[str, float | None]
# By JSON Pointer: each field's permanent random number.
type FieldNumbers = Mapping[str, float]

_MAX_NAMED_CHARACTERS = 190  # of a pointer in a reason


class RouteParts(msgspec.Struct, frozen=True):
    """What happens to the fields of one output, by their JSON Pointers; stored with the route.

    asked: the reviewers have to give them, because the policy lets them not stand. audited: drawn at random, whether
    they stand or not. All other fields are not touched.
    """

    asked: list[str]
    audited: list[str]

    def list_reviewed(self, fields: Iterable[str]) -> list[str]:
        """The fields that reviewers give, in the order of `fields`."""
        reviewed = {*self.asked, *self.audited}
        return [field for field in fields if field in reviewed]


@dataclass(frozen=True, slots=True)
class FieldRoutes:
    """The routes of an output's fields.

    reason: why fields are asked for, with the name of the least certain one; empty if all of them stand. threshold: of
    that field, infinite if all stand. parts: None if nothing is known about single fields. number: how many there are.
    """

    parts: RouteParts | None
    reason: str
    threshold: float
    number: int


def route_fields(
    policy: PolicySpec,
    confidences: FieldConfidences,
    numbers: FieldNumbers,
    *,
    certain: float,
    possible: float,
    p: float,
) -> FieldRoutes:
    """Route the fields of one output; at least one.

    certain, possible: the thresholds of its segments that apply, and that may apply; NaN if none does. p: the audit
    rate, a probability.
    """
    thresholds = {field: resolve_threshold(policy, field, certain=certain, possible=possible) for field in confidences}
    known = {field: -1.0 if confidence is None else confidence for field, confidence in confidences.items()}
    asked = [field for field, confidence in known.items() if confidence < thresholds[field]]
    parts = RouteParts(asked, _list_drawn(numbers, p))
    if not asked:
        return FieldRoutes(parts, "", math.inf, len(known))
    least = min(asked, key=lambda field: (known[field], field))
    code = "no_confidence" if confidences[least] is None else "below_threshold"
    return FieldRoutes(parts, f"{code}:{least[:_MAX_NAMED_CHARACTERS]}", thresholds[least], len(known))


# Received before the fields' confidences were stored: nothing is automated for want of them.
UNKNOWN_FIELDS = FieldRoutes(None, "no_confidence", math.inf, 0)


def ask_for_all(numbers: FieldNumbers, *, p: float) -> RouteParts:
    """The parts of an output that is reviewed as a whole. Its fields stay in the sample that they were drawn into."""
    return RouteParts(list(numbers), _list_drawn(numbers, p))


def list_parts(
    routes: Sequence[FieldRoutes | None],
    numbers: Sequence[FieldNumbers | None] | None,
    *,
    whole: Sequence[bool],
    p: float,
) -> list[RouteParts | None]:
    """What happens to the fields of n outputs; where something holds the whole output, all of them are asked for."""
    return [
        None
        if route is None or route.parts is None
        else ask_for_all(of_output, p=p)
        if held and of_output is not None
        else route.parts
        for route, of_output, held in zip(routes, numbers or [None] * len(routes), whole, strict=True)
    ]


def _list_drawn(numbers: FieldNumbers, p: float) -> list[str]:
    return [field for field, number in numbers.items() if number < p]


def resolve_threshold(policy: PolicySpec, field: str, *, certain: float, possible: float) -> float:
    """A field's threshold or that of a segment replaces the overall one; the strictest applies, as for answers."""
    specific = [one for one in (policy.thresholds.get(field, math.nan), certain) if not math.isnan(one)]
    overall = math.inf if policy.threshold is None else policy.threshold
    strictest = max(specific, default=overall)
    return strictest if math.isnan(possible) else max(strictest, possible)
