"""The routing decision: which outputs are automated and which a person reviews. Pure, vectorised, replayable.

The worker, replays of stored traffic and the policy page use the same function, so what a page shows is what the worker
does. Nothing here reads a clock, a database or a source of randomness.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from escalation.policies.conditions import OutputFacts, fold_segment, fold_text
from escalation.policies.spec import PolicySpec, decides_by_field, list_segment_keys
from escalation.routing import field_routes
from escalation.routing.field_routes import FieldConfidences, FieldNumbers, FieldRoutes, RouteParts

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]


class LabelDecisions(msgspec.Struct, frozen=True):
    """What the model decided about each label of an answer that is a set of labels; stored with the output.

    confidences: how sure it is of these decisions, where it said so: the score of a predicted label, 1 - score of a
    label that it left out.
    """

    predicted: list[str]
    confidences: dict[str, float]

    def find_confidence(self, label: str, *, overall: float) -> float | None:
        """The confidence in the decision about a label; None if the model neither predicted nor scored it."""
        return self.confidences.get(label, overall if label in self.predicted else None)


@dataclass(frozen=True, slots=True)
class OutputColumns:
    """Columns of n outputs.

    `confidence` and `value` are NaN if missing; `predicted` is empty if the answer is not a single label. `labels`: the
    decisions about single labels, None for an output whose answer is not a set of labels. `invalid`: the prediction
    breaks the schema of its answers. `fields`, `field_numbers`: how sure the model is of each field of an answer that
    has fields, and the permanent random number of each; the latter are needed only under a policy that decides by
    field. Each of these may be None if it goes for no output.
    """

    confidence: Floats
    predicted: Sequence[str]
    value: Floats
    segment: Sequence[Mapping[str, str]]
    model_version: Sequence[str]
    labels: Sequence[LabelDecisions | None] | None = None
    invalid: Bools | None = None
    fields: Sequence[FieldConfidences | None] | None = None
    field_numbers: Sequence[FieldNumbers | None] | None = None

    def __len__(self) -> int:
        return len(self.confidence)


@dataclass(frozen=True, slots=True)
class RouteColumns:
    """Columns of n routes, in the order of the outputs.

    `eligible`: valid, at or above its thresholds, and not caught by a rule. `audited`: eligible and drawn for an audit.
    `released`: automated, so the prediction takes effect before any review. `review`: a person reviews it, before or
    after that. `pi`: the probability of `review`, given everything known at routing. `threshold`: of the whole output,
    or of the field that `reason` names; infinite where none applies. `parts`: what happens to each field, None for an
    output that is decided as a whole; `field_counts`: how many there are, 0 for such an output.
    """

    eligible: Bools
    audited: Bools
    released: Bools
    review: Bools
    threshold: Floats
    pi: Floats
    reason: list[str]
    parts: list[RouteParts | None]
    field_counts: NDArray[np.int64]


def draw_permanent_number(secret: bytes, *parts: str) -> float:
    """A permanent random number in [0, 1): an output always gets the same number (Ohlsson's PRN sampling).

    u = int(HMAC-SHA256(secret, stream | external id)[:8]) / 2^64; the secret prevents producers from choosing it.
    """
    digest = hmac.digest(secret, "|".join(parts).encode(), hashlib.sha256)
    # 53 of the 64 bits: a double holds no more, and rounding up to 1.0 would leave [0, 1).
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def draw_field_numbers(secret: bytes, slug: str, external_id: str, fields: Iterable[str]) -> FieldNumbers:
    """The permanent random number of each of an output's fields.

    The prefix is where an output's own number has the slug, and a slug cannot contain a space: no output can have an
    id by which its number, which the export shows, is that of another output's field.
    """
    return {field: draw_permanent_number(secret, "a field", slug, external_id, field) for field in fields}


def decide_routes(policy: PolicySpec, outputs: OutputColumns, *, u: Floats, p: float) -> RouteColumns:
    """Route n outputs by one policy version.

    u: (n,) permanent random numbers. p: the audit rate in effect, a probability.
    """
    by_field = _route_fields(policy, outputs, p=p)
    single = np.array([one is not None for one in by_field], bool)
    threshold = resolve_thresholds(policy, outputs)
    missing = np.isnan(outputs.confidence)
    unknown = _has_unknown_version(policy, outputs)
    invalid = np.zeros(len(outputs), bool) if outputs.invalid is None else outputs.invalid
    rule = _find_catching_rules(policy, outputs)
    held = _find_held_parts(policy, outputs, by_field)
    with np.errstate(invalid="ignore"):
        above = (outputs.confidence >= threshold) | single
    ruled = np.array([bool(one) for one in rule], bool)
    caught = ruled | np.array([bool(one) for one in held], bool)
    eligible: Bools = above & ~missing & ~unknown & ~invalid & ~caught
    whole = (missing | unknown | invalid | ruled).tolist()
    parts = field_routes.list_parts(by_field, outputs.field_numbers, whole=whole, p=p)
    counts = np.array([0 if one is None else one.number for one in by_field], np.int64)
    audited: Bools = eligible & find_drawn(parts, u=u, p=p)
    released: Bools = eligible & ~audited if policy.audit.mode == "hold" else eligible
    return RouteColumns(
        eligible=eligible,
        audited=audited,
        released=released,
        review=~eligible | audited,
        threshold=np.where(single, [np.inf if one is None else one.threshold for one in by_field], threshold),
        pi=np.where(eligible, compute_draw_probabilities(counts, p), 1.0),
        reason=[
            _route_reason(*row)
            for row in zip(
                missing.tolist(),
                unknown.tolist(),
                invalid.tolist(),
                rule,
                held,
                eligible.tolist(),
                audited.tolist(),
                strict=True,
            )
        ],
        parts=parts,
        field_counts=counts,
    )


def compute_draw_probabilities(counts: NDArray[np.int64], p: float) -> Floats:
    """(n,) the probability that an output, or at least one of its fields if it has a count of them, is drawn."""
    return np.where(counts > 0, 1.0 - (1.0 - p) ** counts, p)


def find_drawn(parts: Sequence[RouteParts | None], *, u: Floats, p: float) -> Bools:
    """(n,) whether each output, or one of its fields where these are decided one by one, is drawn for an audit."""
    drawn: Bools = u < p
    for at, one in enumerate(parts):
        if one is not None:
            drawn[at] = bool(one.audited)
    return drawn


def send_all_to_people(routes: RouteColumns, outputs: OutputColumns, reason: str, *, p: float) -> RouteColumns:
    """The routes of the same outputs with all of them sent to review, as a whole, for one reason.

    Outputs and fields stay in the random sample that they were drawn into.
    """
    numbers = outputs.field_numbers or [None] * len(outputs)
    none, every = np.zeros(len(routes.pi), bool), np.ones(len(routes.pi), bool)
    return replace(
        routes,
        eligible=none,
        audited=none,
        released=none,
        review=every,
        pi=np.ones(len(routes.pi)),
        reason=[reason] * len(routes.pi),
        parts=[field_routes.ask_for_all(one, p=p) if one else None for one in numbers],
        field_counts=np.array([len(one or ()) for one in numbers], np.int64),
    )


def resolve_thresholds(policy: PolicySpec, outputs: OutputColumns) -> Floats:
    """(n,) the threshold that applies to each output's confidence.

    The threshold of its class or of a matching segment replaces the overall one; if several match, the strictest
    applies. If the policy has no overall threshold, outputs without a specific one get infinity: none are automated. A
    segment's threshold that may or may not match, because a key is missing or a value is spelled differently, applies
    if it is stricter.
    """
    overall = np.inf if policy.threshold is None else policy.threshold
    specific, possible = _resolve_segments(policy, outputs.segment)
    if policy.thresholds:
        classes = (policy.thresholds.get(label, np.nan) if label else np.nan for label in outputs.predicted)
        specific = np.fmax(specific, np.fromiter(classes, float, len(outputs)))
    certain: Floats = np.where(np.isnan(specific), overall, specific)
    strictest: Floats = np.fmax(certain, possible)
    return strictest


def resolve_field_thresholds(
    policy: PolicySpec, fields: Iterable[str], *, segment: Mapping[str, str]
) -> dict[str, float]:
    """The threshold of each field of an output with this segment; infinite where nothing lets it stand."""
    certain, possible = (float(column[0]) for column in _resolve_segments(policy, [segment]))
    return {
        field: field_routes.resolve_threshold(policy, field, certain=certain, possible=possible) for field in fields
    }


def _resolve_segments(policy: PolicySpec, segments_sent: Sequence[Mapping[str, str]]) -> tuple[Floats, Floats]:
    """(n,) the strictest threshold of the segments that match each output, and of those that may; NaN if none does."""
    specific, possible = np.full(len(segments_sent), np.nan), np.full(len(segments_sent), np.nan)
    segments = [(segment, fold_segment(segment)) for segment in segments_sent] if policy.segments else []
    for part in policy.segments:
        # True, false and unknown as 1, 0 and NaN.
        applies = np.array([part.evaluate(segment, folded=folded) for segment, folded in segments], dtype=float)
        specific = np.where(applies == 1.0, np.fmax(specific, part.threshold), specific)
        possible = np.where(np.isnan(applies), np.fmax(possible, part.threshold), possible)
    return specific, possible


def _has_unknown_version(policy: PolicySpec, outputs: OutputColumns) -> Bools:
    if not policy.model_versions:
        return np.zeros(len(outputs), bool)
    known = frozenset(policy.model_versions)
    return np.fromiter((version not in known for version in outputs.model_version), bool, len(outputs))


def _find_catching_rules(policy: PolicySpec, outputs: OutputColumns) -> list[str]:
    """The reason by which a rule sends each output to review; empty if none does.

    A rule that applies comes before one that cannot be evaluated, in the policy's order.
    """
    if not policy.rules:
        return [""] * len(outputs)
    return [_find_catching_rule(policy, facts) for facts in _list_facts(policy, outputs)]


def _find_catching_rule(policy: PolicySpec, facts: OutputFacts) -> str:
    unknown = ""
    for rule in policy.rules:
        applies = rule.evaluate(facts)
        if applies:
            return f"rule:{rule.name}"
        if applies is None:
            unknown = unknown or f"rule_unevaluable:{rule.name}"
    return unknown


def _list_facts(policy: PolicySpec, outputs: OutputColumns) -> list[OutputFacts]:
    reads_segments = bool(list_segment_keys(policy))
    labels = outputs.labels or [None] * len(outputs)
    return [
        OutputFacts(
            confidence=confidence,
            value=value,
            labels=_list_folded_labels(predicted, decisions),
            segment=fold_segment(segment) if reads_segments else {},
        )
        for confidence, value, predicted, decisions, segment in zip(
            outputs.confidence.tolist(), outputs.value.tolist(), outputs.predicted, labels, outputs.segment, strict=True
        )
    ]


def _list_folded_labels(predicted: str, decisions: LabelDecisions | None) -> list[str] | None:
    if decisions is not None:
        return [fold_text(label) for label in decisions.predicted]
    return [fold_text(predicted)] if predicted else None


def _route_fields(policy: PolicySpec, outputs: OutputColumns, *, p: float) -> list[FieldRoutes | None]:
    """The routes of each output's fields; None for an output that is decided as a whole."""
    if not decides_by_field(policy):
        return [None] * len(outputs)
    certain, possible = _resolve_segments(policy, outputs.segment)
    labels = outputs.labels or [None] * len(outputs)
    return [
        None if predicted or decisions is not None else _route_fields_of(policy, outputs, at, certain, possible, p)
        for at, (predicted, decisions) in enumerate(zip(outputs.predicted, labels, strict=True))
    ]


def _route_fields_of(
    policy: PolicySpec, outputs: OutputColumns, at: int, certain: Floats, possible: Floats, p: float
) -> FieldRoutes:
    confidences = outputs.fields[at] if outputs.fields is not None else None
    numbers = outputs.field_numbers[at] if outputs.field_numbers is not None else None
    if not confidences or numbers is None:
        return field_routes.UNKNOWN_FIELDS
    return field_routes.route_fields(
        policy, confidences, numbers, certain=float(certain[at]), possible=float(possible[at]), p=p
    )


def _find_held_parts(policy: PolicySpec, outputs: OutputColumns, by_field: Sequence[FieldRoutes | None]) -> list[str]:
    """Why a label or field of each output misses its threshold, with the least certain one; empty if none does."""
    if not policy.thresholds:
        return [""] * len(outputs)
    labels = outputs.labels or [None] * len(outputs)
    return [
        route.reason if route is not None else _find_held_label(policy, decisions, confidence)
        for route, decisions, confidence in zip(by_field, labels, outputs.confidence.tolist(), strict=True)
    ]


def _find_held_label(policy: PolicySpec, decisions: LabelDecisions | None, overall: float) -> str:
    if decisions is None:
        return ""
    found = (
        (confidence, label)
        for label, threshold in policy.thresholds.items()
        if (confidence := decisions.find_confidence(label, overall=overall)) is not None and confidence < threshold
    )
    label = min(found, default=(0.0, ""))[1]
    return f"below_threshold:{label}" if label else ""


def _route_reason(
    missing: bool, unknown: bool, invalid: bool, rule: str, held: str, eligible: bool, audited: bool
) -> str:
    if missing:
        return "no_confidence"
    if unknown:
        return "unknown_model_version"
    if invalid:
        return "invalid_prediction"
    if rule:
        return rule
    if held:
        return held
    if not eligible:
        return "below_threshold"
    return "audit" if audited else "above_threshold"
