"""The body of a stream's report, as types."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from escalation.api.documents import Time
from escalation.models.output_id import DayBasis

type Range = Annotated[list[float], Meta(min_length=2, max_length=2, description="The low and the high end.")]


class CostRange(msgspec.Struct):
    """An estimated sum of money, and the interval that the audits support."""

    estimate: float
    low: float
    high: float


class ReportCosts(msgspec.Struct, kw_only=True):
    """Sums of money; null if unknown, never 0 then.

    `let_through`: undetected errors. `caught`: errors that people found before the output took effect. `reviews`: the
    cost of reviews. `balance`: caught minus reviews.
    """

    let_through: CostRange | None
    caught: float | None
    reviews: float
    balance: float | None


class ReportMoney(ReportCosts, kw_only=True):
    """The costs of the window, and what they would have been without any review and with a review of everything."""

    currency: str
    unpriced: Annotated[int, Meta(description="Outputs routed by a policy in another currency; no sum has them.")]
    check_nothing: ReportCosts
    check_everything: ReportCosts


class ReportThroughput(msgspec.Struct, kw_only=True):
    """How many outputs were received, automated (`automatic`) and sent to people; `shadow` are counted apart."""

    received: int
    automatic: int
    to_people: int
    decided_by_people: int
    waiting: int
    shadow: int


class TimeToDecision(msgspec.Struct, kw_only=True):
    """Seconds from receipt to a decision by people."""

    decided: int
    median_seconds: float | None
    p90_seconds: float | None
    p95_seconds: float | None


class ReportErrorRate(msgspec.Struct, kw_only=True):
    """The error rate of automated outputs with its interval; null without an answered audit.

    `drawn` audits were drawn, `checked` of them are answered, `wrong` of these were wrong. `withdrawn` ones were taken
    back before anybody judged them: `low` counts them as right, `high` as wrong.
    """

    rate: float | None
    low: float | None
    high: float | None
    checked: int
    wrong: int
    drawn: int
    withdrawn: int


class ReportErrorRateTotal(ReportErrorRate, kw_only=True):
    """The error rate of the window. `unchecked`: outputs automated while no audits were drawn."""

    blind: int
    unchecked: int


class ReportDayDocument(ReportCosts, kw_only=True):
    """One day of the window."""

    day: date
    received: int
    automatic: int
    to_people: int
    decided_by_people: int


class ReportGroupDocument(ReportCosts, kw_only=True):
    """The figures of one class, model version or segment."""

    name: str
    shadow: bool
    received: int
    automatic: int
    to_people: int
    error_rate: ReportErrorRate


class ReportFieldDocument(msgspec.Struct, kw_only=True):
    """The figures of one field. `automatic`: how often the AI's value stood before any review. `error_rate`: of the
    values at or above the field's threshold, from the audits of this field.
    """

    field: Annotated[str, Meta(description="Its JSON Pointer.")]
    received: int
    automatic: int
    error_rate: ReportErrorRate


class ReportLabelDocument(msgspec.Struct, kw_only=True):
    """How often the AI is wrong about one label of a set, in automated outputs.

    `error_rate` is the sum of `missed` (reviewers gave the label, the AI did not) and `invented` (the AI gave it,
    reviewers did not). `right`: the answered audits in which the label is right; `predicted`: those in which the AI
    gave it. `withdrawn` of each rate also counts audits whose set was rejected, since nobody said what is wrong.
    """

    label: str
    error_rate: ReportErrorRate
    missed: ReportErrorRate
    invented: ReportErrorRate
    right: int
    predicted: int


class ReportLabelErrors(msgspec.Struct, kw_only=True):
    """The mean number of wrong labels per automated output, `missed` and `invented` ones; null without audits."""

    per_output: float | None
    missed: float | None
    invented: float | None
    checked: int


class ReportAct(msgspec.Struct):
    """How often reviewers did something, and how often by reason code (empty if they gave none)."""

    total: int
    reasons: dict[str, int]


class ReportActs(msgspec.Struct):
    """Items that reviewers passed on, escalated to the lead or marked unjudgeable."""

    passed: ReportAct
    asked_lead: ReportAct
    unjudgeable: ReportAct


class GuaranteeGroup(msgspec.Struct, kw_only=True):
    """One group with a threshold (one, `group` null, for a guarantee about everything).

    With its `confidence_level`, the rate of errors that reviewers find is at most `bound`: the target, lowered by the
    share of errors that they miss. `errors` of `audits` prove no lower one, as the threshold was chosen by them.
    """

    group: str | None
    threshold: float | None
    audits: Annotated[int, Meta(description="Audits at or above the threshold.")]
    errors: int
    bound: float
    confidence_level: float
    threshold_if_none_missed: Annotated[
        float | None,
        Meta(description="The threshold by the same audits if reviewers missed nothing; not guaranteed."),
    ]


class ReviewerRecallDocument(msgspec.Struct, kw_only=True):
    """How many known errors reviewers caught, by test items."""

    shown: int
    caught: int
    low: Annotated[float, Meta(description="They catch at least this share of all errors.")]
    uploaded: Annotated[int, Meta(description="How many of those shown a manager uploaded.")]


class GuaranteeDocument(msgspec.Struct, kw_only=True):
    """At most `error_target` of the automated decisions are wrong, with `confidence_level`."""

    text: str
    error_target: float
    confidence_level: float
    in_force: bool
    ended: Annotated[
        str | None,
        Meta(
            description="Why it is no longer in force: `expired`, `model_version`, `answers`, `drift` (more errors in "
            "later audits than it allows) or `replaced`. Expect further values."
        ),
    ]
    policy: int
    since: Time | None
    valid_until: Time | None
    audits_since: Annotated[int, Meta(description="Audits since it took effect; unanswered overdue ones are errors.")]
    errors_since: int
    error_range_since: Annotated[
        Range | None,
        Meta(
            description="Where the error rate since then lies, with `confidence_level` however often it is read; null "
            "before the first audit, and where each group has its own threshold."
        ),
    ]
    groups: list[GuaranteeGroup]
    sent_to_review: Annotated[list[str], Meta(description="Groups of which nothing is automated.")]
    assumes_perfect_reviewers: bool
    reviewer_recall: Annotated[
        ReviewerRecallDocument | None, Meta(description="Null for guarantees of releases that did not measure it.")
    ]
    evidence: str


class StatementGroup(msgspec.Struct, kw_only=True):
    """`GuaranteeGroup` under former names."""

    group: str | None
    threshold: float | None
    checked: int
    wrong: int
    bound: float
    doubt: float


class Statement(msgspec.Struct, kw_only=True):
    """`Guarantee` under former names; `doubt` is 1 - `confidence_level`."""

    claim: str
    holds: bool
    ended: str | None
    checked_since: int
    wrong_since: int
    range_since: Range | None
    policy: int
    since: Time | None
    valid_until: Time | None
    max_error: float
    doubt: float
    groups: list[StatementGroup]
    to_people: list[str]
    assumes_perfect_reviewers: bool
    evidence: str


class ReportDocument(msgspec.Struct, kw_only=True):
    """A stream's figures for some days, both included. Shadow outputs count only in `model_versions` and `shadow`."""

    stream: str
    since: date
    until: date
    by: DayBasis
    as_of: Time
    time_zone: str
    policy: Annotated[int | None, Meta(description="The number of the policy version in effect.")]
    throughput: ReportThroughput
    time_to_decision: TimeToDecision
    error_rate: ReportErrorRateTotal
    money: ReportMoney
    days: list[ReportDayDocument]
    classes: list[ReportGroupDocument]
    model_versions: list[ReportGroupDocument]
    segments: Annotated[
        dict[str, list[ReportGroupDocument]], Meta(description="By the segment keys that the policy names.")
    ]
    fields: Annotated[
        list[ReportFieldDocument], Meta(description="Where answers have fields: in the order of the schema.")
    ]
    labels: Annotated[
        list[ReportLabelDocument], Meta(description="Where answers are sets of labels: in the order of the answers.")
    ]
    label_errors: Annotated[
        ReportLabelErrors | None, Meta(description="Where the stream counts each wrong label as an error.")
    ]
    reasons: Annotated[dict[str, int], Meta(description="How many outputs were routed for each reason.")]
    acts: ReportActs
    error_types: Annotated[dict[str, int], Meta(description="How often each error type was named in verdicts.")]
    guarantee: Annotated[GuaranteeDocument | None, Meta(description="That of the policy in effect; null without one.")]
    statement: Annotated[
        Statement | None, Meta(description="Read `guarantee` instead.", extra_json_schema={"deprecated": True})
    ]
