"""The rows that reports are computed from: output counts, audit counts and decision times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Tally:
    """`count` outputs received on one day that are equal in all the other fields.

    `routed` is False until the output is routed; the route's fields are then empty. `segment` holds the values of the
    declared keys, in order. `judged`: settled by people; `wrong` by their first answers, None if unjudgeable.
    `true_label`: the right label of a wrong prediction, empty if it is not a single label. `wrong_parts`: the fields or
    labels of a wrong prediction that reviewers found wrong, `invented` those labels among them that were predicted;
    empty if nobody said which, or where it makes no difference to costs. `reviews`: the total number
    of verdicts. `value`: the sum of their values; missing and negative ones count as 0. `is_drawn_audit`, `is_audit`:
    `audits.IS_ELIGIBLE_AUDIT` and `audits.IS_ANSWERED_ELIGIBLE_AUDIT`. `is_withdrawn_audit`:
    `audits.IS_TAKEN_BACK_AUDIT`. Where single fields were decided and matter to costs: `field_rate`, the audit rate of
    each field (else None), `wrong_audited`, the fields that audits found wrong, and the number of fields that were
    automated, of field audits that were answered, and of those that were taken back.
    """

    day: date
    model: str
    model_version: str
    predicted: str
    segment: tuple[str | None, ...]
    shadow: bool
    routed: bool
    policy_id: int | None
    reason: str
    eligible: bool
    released: bool
    audit: str
    pi: float
    judged: bool
    wrong: bool | None
    true_label: str
    wrong_parts: tuple[str, ...]
    invented: tuple[str, ...]
    is_drawn_audit: bool
    is_audit: bool
    is_withdrawn_audit: bool
    field_rate: float | None
    wrong_audited: tuple[str, ...]
    count: int
    reviews: int
    value: float
    automated_fields: int
    field_audits: int
    withdrawn_field_audits: int

    @property
    def to_people(self) -> bool:
        return self.routed and (not self.released or bool(self.audit))


@dataclass(frozen=True, slots=True)
class AuditCounts:
    """`judged` answered audits of one stream at one inclusion probability, `wrong` of them wrong.

    `withdrawn`: further audits that were taken back before anybody judged them.
    """

    pi: float
    judged: int
    wrong: int
    withdrawn: int = 0


@dataclass(frozen=True, slots=True)
class FieldTally:
    """One field, by its JSON Pointer, in the outputs routed at one audit rate.

    `received` outputs have it, and `automated` of them kept the model's value before any review. `drawn`: its audits at
    or above the threshold, of which `audits` says how many are answered, wrong or withdrawn.
    """

    field: str
    received: int
    automated: int
    drawn: int
    audits: AuditCounts


@dataclass(frozen=True, slots=True)
class LabelTally:
    """One label in the answered audits of sets of labels under one answer schema, at one inclusion probability.

    In `judged` audits reviewers said whether it is right, in `right` of them it is. The model `missed` it or `invented`
    it in so many.
    """

    schema_number: int
    label: str
    pi: float
    judged: int
    right: int
    missed: int
    invented: int


@dataclass(frozen=True, slots=True)
class AuditedSets:
    """`drawn` audits of sets of labels under one answer schema, at one inclusion probability.

    `unknown`: those of which nobody will say what is wrong: taken back before anybody judged them, or rejected, which
    says only that something is right that is not listed.
    """

    schema_number: int
    pi: float
    drawn: int
    unknown: int


@dataclass(frozen=True, slots=True)
class DecisionTimes:
    """Seconds from receipt to a decision by people: the number of decisions and percentiles."""

    decided: int
    median: float | None
    p90: float | None
    p95: float | None
