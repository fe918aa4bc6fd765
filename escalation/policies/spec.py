"""The content of a policy version, as a typed value with one canonical form. Pure."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from escalation.policies import conditions
from escalation.policies.conditions import OutputFacts, Truth

type Share = Annotated[float, Meta(ge=0, le=1)]
type Money = Annotated[float, Meta(ge=0, le=1e12)]
type RuleName = Annotated[str, Meta(min_length=1, max_length=100)]
type Scalar = conditions.Scalar


class _SpecPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts of a policy: immutable, and unknown fields are an error."""


class SegmentThreshold(_SpecPart, frozen=True):
    """The threshold for outputs whose segment has all of these values."""

    when: dict[str, str]
    threshold: Share

    def evaluate(self, segment: Mapping[str, str], *, folded: Mapping[str, str]) -> Truth:
        """Whether it applies to outputs with this segment (as sent, and folded); None if that cannot be told."""
        return conditions.evaluate_segment(self.when, segment, folded=folded)


class Rule(_SpecPart, frozen=True):
    """Sends an output to review if all of its conditions hold, e.g. `{"value": {"gte": 1000}}`.

    A condition on a fact that the output does not have is unknown. Unless another condition is false, the rule then
    cannot be evaluated, and the output goes to review for that.
    """

    name: RuleName
    when: dict[str, dict[str, Scalar | list[Scalar]]]
    route: Literal["review"] = "review"

    def __post_init__(self) -> None:
        if not self.when:
            raise ValueError("a rule needs at least one condition")
        for subject, tests in self.when.items():
            if not tests:
                raise ValueError(f"the condition on “{subject}” is empty")
            if subject not in conditions.RULE_SUBJECTS and not subject.startswith(conditions.SEGMENT_PREFIX):
                raise ValueError(
                    f"unknown field “{subject}” in a rule. Use confidence, value, prediction or segment.KEY"
                )
            for operator, operand in tests.items():
                conditions.check_condition(subject, operator, operand)

    def evaluate(self, facts: OutputFacts) -> Truth:
        """Whether it applies to an output; None if it cannot be evaluated."""
        return conditions.all_true(
            conditions.evaluate_condition(subject, operator, operand, facts)
            for subject, tests in self.when.items()
            for operator, operand in tests.items()
        )


class AuditSettings(_SpecPart, frozen=True):
    """Audits of outputs that would be automated: a rate, or a number per day.

    mode: `hold` waits for the review before the answer takes effect; `after` reviews it afterwards.
    """

    rate: Share | None = None
    per_day: Annotated[int, Meta(ge=0)] | None = None
    mode: Literal["hold", "after"] = "after"

    def __post_init__(self) -> None:
        if self.rate is not None and self.per_day is not None:
            raise ValueError("set either `rate` or `per_day` of the audit, not both")


class LabelCosts(_SpecPart, frozen=True):
    """The costs of missing and of inventing one label of a set; None for those of all labels."""

    missed: Money | None = None
    invented: Money | None = None

    def __post_init__(self) -> None:
        if self.missed is None and self.invented is None:
            raise ValueError("set `missed`, `invented` or both")


class Costs(_SpecPart, frozen=True):
    """The costs of a review and of an error, in one currency. `matrix[predicted][true]` overrides `error`.

    Where each wrong label of a set is an error, `missed` and `invented` override `error` for all labels, and `by_label`
    overrides these for single ones. by_field: what a wrong field costs, by its JSON Pointer; if any is given, an error
    costs the sum of what its wrong fields cost, others at `error`.
    value_factor: the additional cost of an error per unit of the output's `value`; None adds nothing, and neither does
    an output without a value or with a negative one.
    """

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")] = "EUR"
    review: Money = 0.0
    error: Money = 1.0
    matrix: dict[str, dict[str, Money]] = {}
    missed: Money | None = None
    invented: Money | None = None
    by_label: dict[str, LabelCosts] = {}
    by_field: dict[str, Money] = {}
    value_factor: Money | None = None

    @property
    def are_set(self) -> bool:
        """Whether somebody said what anything costs. The defaults only weigh errors equally; they are no amounts."""
        return self != Costs(currency=self.currency)

    def error_cost(self, predicted: str, true: str) -> float:
        """The cost of this error without the output's value; 0 if the prediction is right."""
        if predicted == true and true:
            return 0.0
        return self.matrix.get(predicted, {}).get(true, self.error)

    def missed_cost(self, label: str) -> float:
        own = self.by_label[label].missed if label in self.by_label else None
        return _first_known(own, self.missed, self.error)

    def invented_cost(self, label: str) -> float:
        own = self.by_label[label].invented if label in self.by_label else None
        return _first_known(own, self.invented, self.error)

    def field_cost(self, field: str) -> float:
        return self.by_field.get(field, self.error)

    @property
    def typical_cost(self) -> float:
        """What an error costs if nothing is known of it: the mean of the costs of single parts, or else `error`."""
        of_parts = [self.missed, self.invented, *self.by_field.values()]
        of_parts += [cost for one in self.by_label.values() for cost in (one.missed, one.invented)]
        known = [cost for cost in of_parts if cost is not None]
        return sum(known) / len(known) if known else self.error

    def value_cost(self, value: float) -> float:
        """What errors cost on top when their outputs have this (summed) value: a number of 0 or more."""
        return (self.value_factor or 0.0) * value

    def expected_error_cost(self, predicted: str) -> float:
        """The mean cost of an error in this prediction, without its value, if the true label is unknown; positive."""
        listed = [cost for cost in self.matrix.get(predicted, {}).values() if cost > 0]
        costs = [*listed, self.typical_cost]
        return max(sum(costs) / len(costs), 1e-6)


def _first_known(own: float | None, of_all: float | None, error: float) -> float:
    return own if own is not None else of_all if of_all is not None else error


class GuaranteeSettings(_SpecPart, frozen=True):
    """How long a guarantee lasts, and what happens when it ends.

    on_expiry: `keep` the thresholds and show that the guarantee ended, `check_more` (audit every eligible output before
    it is automated), or `all_to_people` (send every output to review). due_days: an audit unanswered for this many days
    counts as an error.
    """

    expires_days: Annotated[int, Meta(ge=1, le=3660)] = 90
    on_expiry: Literal["keep", "check_more", "all_to_people"] = "all_to_people"
    due_days: Annotated[float, Meta(gt=0, le=366)] = 14.0


# What versions stored without guarantee settings meant, and go on meaning.
FORMER_GUARANTEE_DEFAULTS = GuaranteeSettings(on_expiry="keep")


class PolicySpec(_SpecPart, frozen=True, rename={"guarantee": "promise"}):
    """Everything that determines how the outputs of a stream are decided.

    threshold: outputs at or above it may be automated; null sends everything to review. thresholds: per label, or per
    field by its JSON Pointer. Where an answer is one label, its threshold replaces `threshold`; where an answer is a
    set of labels, it must be met in addition, by the model's decision about that label. Where an answer has fields and
    one of them has a threshold, every field is decided for itself, by its own threshold or else by `threshold`.
    deadline_hours: when an item without its own `due_at` is due.
    on_deadline: what happens to an item that is still unreviewed then. model_versions: the trusted ones; an empty list
    trusts all. guarantee: stored as `promise`, its name in earlier versions, which content hashes depend on.
    """

    threshold: Share | None = None
    thresholds: dict[str, Share] = {}
    segments: list[SegmentThreshold] = []
    rules: list[Rule] = []
    audit: AuditSettings = AuditSettings()
    model_versions: list[str] = []
    reviews: Annotated[int, Meta(ge=1, le=9)] = 1
    answer_first: bool = False
    answer_first_share: Share | None = None
    undo_seconds: Annotated[int, Meta(ge=0, le=3600)] = 30
    deadline_hours: Annotated[float, Meta(gt=0, le=24 * 366)] | None = None
    on_deadline: Literal["hold", "accept", "reject"] = "hold"
    on_overload: Literal["refuse", "hold"] = "refuse"
    costs: Costs = Costs()
    guarantee: GuaranteeSettings = GuaranteeSettings()

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("two rules have the same name. Give each rule its own")


def parse_spec(spec: Any) -> PolicySpec:
    """Parse a policy from plain data. Raises msgspec.ValidationError with the path of the error.

    `guarantee` may be named `promise`, as in stored versions; giving both is an error.
    """
    if not isinstance(spec, Mapping) or "guarantee" not in spec:
        return msgspec.convert(spec, PolicySpec)
    if "promise" in spec:
        raise msgspec.ValidationError("`promise` is the former name of `guarantee`; give only one - at `$.promise`")
    stored = {"promise" if name == "guarantee" else name: part for name, part in spec.items()}
    try:
        return msgspec.convert(stored, PolicySpec)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(str(error).replace("`$.promise", "`$.guarantee")) from error


def parse_stored_spec(stored: Mapping[str, Any]) -> PolicySpec:
    """A stored version: parts that it was stored without keep the defaults of their time."""
    return msgspec.convert({"promise": {"on_expiry": FORMER_GUARANTEE_DEFAULTS.on_expiry}, **stored}, PolicySpec)


def dump_spec(policy: PolicySpec) -> dict[str, Any]:
    """The policy as it is stored: with every field, so that a later default cannot change an old version."""
    spec: dict[str, Any] = msgspec.to_builtins(policy)
    return spec


def hash_spec(policy: PolicySpec, schema_number: int) -> str:
    """SHA-256 of the canonical form (sorted keys, every field included) and the number of its answer schema.

    A part added in a later release is hashed only if it differs from its defaults, so that versions stored before keep
    their hash.
    """
    fields = dump_spec(policy)
    if policy.guarantee == FORMER_GUARANTEE_DEFAULTS:
        del fields["promise"]
    for name in ("value_factor", "missed", "invented", "by_label", "by_field"):
        if getattr(policy.costs, name) == getattr(Costs(), name):
            del fields["costs"][name]
    canonical = msgspec.json.encode([fields, schema_number], order="sorted")
    return hashlib.sha256(canonical).hexdigest()


def decides_by_field(policy: PolicySpec) -> bool:
    """Whether an answer with fields is decided field by field: one of the thresholds is a field's."""
    return any(name.startswith("/") for name in policy.thresholds)


def list_segment_keys(policy: PolicySpec) -> list[str]:
    """The segment keys used in a policy's thresholds and rules."""
    in_segments = [key for part in policy.segments for key in part.when]
    in_rules = [
        subject.removeprefix("segment.")
        for rule in policy.rules
        for subject in rule.when
        if subject.startswith("segment.")
    ]
    return list(dict.fromkeys([*in_segments, *in_rules]))


def only_tightens(old: PolicySpec, new: PolicySpec) -> bool:
    """Whether no part of the change can automate more outputs, so that one person may make it.

    Only thresholds, segments, audits, the number of reviews, `on_deadline` and the trusted model versions may differ,
    each towards more review. Any other difference, including costs, returns False.
    """
    return _same_other_fields(old, new) and all(
        (
            _stricter_thresholds(old, new),
            _more_audits(old.audit, new.audit),
            new.reviews >= old.reviews,
            new.on_deadline == old.on_deadline or new.on_deadline == "hold",
            _fewer_versions(old.model_versions, new.model_versions),
        )
    )


_TIGHTENABLE_FIELDS = ("threshold", "thresholds", "segments", "audit", "reviews", "on_deadline", "model_versions")


def _same_other_fields(old: PolicySpec, new: PolicySpec) -> bool:
    def rest(policy: PolicySpec) -> dict[str, Any]:
        return {key: value for key, value in dump_spec(policy).items() if key not in _TIGHTENABLE_FIELDS}

    return rest(old) == rest(new)


def _stricter_thresholds(old: PolicySpec, new: PolicySpec) -> bool:
    """Whether no effective threshold fell, be an answer one label, a set of them or an object with fields.

    Segments must be the same, as their overlap with others is unknown here. Fields that are decided one by one are not
    comparable with a whole answer: the model may be surer of each field than of all together.
    """
    if new.threshold is None and not new.thresholds and not new.segments:
        return True  # nothing is automated at all
    if decides_by_field(old) != decides_by_field(new):
        return False
    if [part.when for part in old.segments] != [part.when for part in new.segments]:
        return False
    overall = _overall_threshold(new) >= _overall_threshold(old)
    # Without its threshold, a label in a set is not tested any more, and a single one exposes the segments', which may
    # be lower.
    kept = old.thresholds.keys() <= new.thresholds.keys()
    labels = all(share >= old.thresholds.get(label, _overall_threshold(old)) for label, share in new.thresholds.items())
    pairs = zip(old.segments, new.segments, strict=True)
    return overall and kept and labels and all(after.threshold >= before.threshold for before, after in pairs)


def _overall_threshold(policy: PolicySpec) -> float:
    return math.inf if policy.threshold is None else policy.threshold


def _more_audits(old: AuditSettings, new: AuditSettings) -> bool:
    if new.rate == 1.0 and new.mode == "hold":
        return True  # everything waits for review
    if new.mode != old.mode and new.mode != "hold":
        return False
    if old.per_day is not None or new.per_day is not None:
        return old.per_day is not None and new.per_day is not None and new.per_day >= old.per_day
    return (new.rate or 0.0) >= (old.rate or 0.0)


def _fewer_versions(old: list[str], new: list[str]) -> bool:
    return set(new) <= set(old) and bool(new) if old else True
