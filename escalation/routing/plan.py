"""Applies the pure routing decision to locked rows: one plan per row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from escalation.models import Stream
from escalation.policies import audit_rates
from escalation.policies.audit_rates import AuditRates
from escalation.policies.spec import PolicySpec, decides_by_field
from escalation.policies.versions import ActivePolicy
from escalation.routing import decide, presentation
from escalation.routing.decide import LabelDecisions, OutputColumns
from escalation.routing.field_routes import FieldConfidences, FieldNumbers, RouteParts
from reviewqueue.kernel import clock

# The reason of outputs received under other answers than those that the policy in effect was made for.
POLICY_OUTDATED = "policy_outdated"


class ReceivedOutput(NamedTuple):
    """One locked output, with the columns that routing needs.

    `labels` is None unless its answer is a set of labels, `fields` unless it has fields.
    """

    id: int
    stream_id: int
    external_id: str
    model: str
    model_version: str
    predicted: str
    confidence: float | None
    value: float | None
    segment: dict[str, str]
    group: str
    due_at: datetime | None
    received_at: datetime
    schema_number: int
    shadow: bool
    labels: LabelDecisions | None = None
    invalid_prediction: bool = False
    fields: FieldConfidences | None = None


class RoutePlan(NamedTuple):
    """The plan for one output: the columns of its route, and how it is presented if a person reviews it."""

    output: ReceivedOutput
    kind: str
    reason: str
    policy_id: int | None
    stop_id: int | None
    eligible: bool
    released: bool
    audit: str
    threshold: float | None
    u: float
    p: float
    pi: float
    review: bool
    answer_first: bool
    rank: float
    due_at: datetime | None
    parts: RouteParts | None = None

    def list_asked_fields(self) -> list[str] | None:
        """The fields that reviewers are asked for; None if it is the whole answer."""
        if self.parts is None or self.output.fields is None:
            return None
        reviewed = self.parts.list_reviewed(self.output.fields)
        return reviewed if len(reviewed) < len(self.output.fields) else None


def build_output_columns(
    rows: Sequence[ReceivedOutput], field_numbers: Sequence[FieldNumbers | None] | None = None
) -> OutputColumns:
    """The rows as columns for the pure decision."""
    return OutputColumns(
        confidence=_float_column(row.confidence for row in rows),
        predicted=[row.predicted for row in rows],
        value=_float_column(row.value for row in rows),
        segment=[row.segment for row in rows],
        model_version=[row.model_version for row in rows],
        labels=[row.labels for row in rows],
        invalid=np.array([row.invalid_prediction for row in rows], dtype=bool),
        fields=[row.fields for row in rows],
        field_numbers=field_numbers,
    )


def plan_routes(
    stream: Stream,
    rows: list[ReceivedOutput],
    current: ActivePolicy | None,
    *,
    now: datetime,
    override: str = "",
    stop_id: int | None = None,
) -> list[RoutePlan]:
    """Plans by the policy in effect, or with everything sent to review for the reason `override`.

    A policy covers only outputs received under the answers that it was made for; the others go to review. Even then
    the random numbers, the audit rate and answer-first come from the policy: an output that a stop sends to review
    stays in the random sample it was drawn into.
    """
    if current is None or override or all(row.schema_number == current.schema_number for row in rows):
        return _plan_together(stream, rows, current, now=now, override=override, stop_id=stop_id)
    covered = [row for row in rows if row.schema_number == current.schema_number]
    outdated = [row for row in rows if row.schema_number != current.schema_number]
    plans = [
        *_plan_together(stream, covered, current, now=now),
        *_plan_together(stream, outdated, current, now=now, override=POLICY_OUTDATED),
    ]
    by_id = {plan.output.id: plan for plan in plans}
    return [by_id[row.id] for row in rows]


def _plan_together(
    stream: Stream,
    rows: list[ReceivedOutput],
    current: ActivePolicy | None,
    *,
    now: datetime,
    override: str = "",
    stop_id: int | None = None,
) -> list[RoutePlan]:
    if not rows:
        return []
    spec = current.spec if current else PolicySpec()
    outputs = build_output_columns(rows, _draw_field_numbers(stream, rows, spec))
    rates = _current_rates(stream, current, now)
    u, v = _permanent_draws(stream, rows)
    # With an override the policy's decision is not used and must not be computed: it may be what keeps failing.
    decided = decide.decide_routes(PolicySpec() if override else spec, outputs, u=u, p=rates.audit_rate)
    if override:
        decided = decide.send_all_to_people(decided, outputs, override, p=rates.audit_rate)
    blind = presentation.choose_answer_first(
        spec, decided, u=u, v=v, p=rates.audit_rate, share=rates.answer_first_share
    )
    due = [_due_at(row, spec) for row in rows]
    rank = presentation.rank_outputs(spec, outputs, due=_due_seconds(rows, due), blind=blind).tolist()
    threshold = [value if np.isfinite(value) else None for value in decided.threshold.tolist()]
    eligible, released, audited = decided.eligible.tolist(), decided.released.tolist(), decided.audited.tolist()
    review, pi, numbers, answer_first = decided.review.tolist(), decided.pi.tolist(), u.tolist(), blind.tolist()
    return [
        RoutePlan(
            output=row,
            kind="auto" if released[i] else "review",
            reason=decided.reason[i],
            policy_id=current.policy_id if current else None,
            stop_id=stop_id,
            eligible=eligible[i],
            released=released[i],
            audit=spec.audit.mode if audited[i] else "",
            threshold=threshold[i],
            u=numbers[i],
            p=rates.audit_rate,
            pi=pi[i],
            review=review[i],
            answer_first=answer_first[i],
            rank=rank[i],
            due_at=due[i],
            parts=decided.parts[i],
        )
        for i, row in enumerate(rows)
    ]


def _current_rates(stream: Stream, current: ActivePolicy | None, now: datetime) -> AuditRates:
    if current is None:
        return AuditRates(0.0, 0.0)
    return audit_rates.get_audit_rates(current, stream_id=stream.pk, day=clock.team_date(now))


def _permanent_draws(stream: Stream, rows: list[ReceivedOutput]) -> tuple[decide.Floats, decide.Floats]:
    """The permanent random numbers of each output: u for audits, v for answer-first."""
    secret = bytes(stream.secret)
    u = np.fromiter(
        (decide.draw_permanent_number(secret, stream.slug, row.external_id) for row in rows), float, len(rows)
    )
    # The prefix is where u has the slug, and a slug cannot contain a space: no v equals the u of another output.
    v = np.fromiter(
        (decide.draw_permanent_number(secret, "answers first", stream.slug, row.external_id) for row in rows),
        float,
        len(rows),
    )
    return u, v


def _draw_field_numbers(
    stream: Stream, rows: list[ReceivedOutput], spec: PolicySpec
) -> list[FieldNumbers | None] | None:
    """The permanent random numbers of each output's fields, under a policy that decides by field."""
    if not decides_by_field(spec):
        return None
    secret = bytes(stream.secret)
    return [
        decide.draw_field_numbers(secret, stream.slug, row.external_id, row.fields) if row.fields else None
        for row in rows
    ]


def _due_at(row: ReceivedOutput, spec: PolicySpec) -> datetime | None:
    if row.due_at is not None or spec.deadline_hours is None:
        return row.due_at
    return row.received_at + timedelta(hours=spec.deadline_hours)


def _due_seconds(rows: list[ReceivedOutput], due: list[datetime | None]) -> decide.Floats:
    """When each output is due, in seconds since the epoch; without a deadline, a fixed time after its receipt."""
    return _float_column(
        moment.timestamp() if moment else row.received_at.timestamp() + presentation.ASSUMED_DEADLINE_SECONDS
        for row, moment in zip(rows, due, strict=True)
    )


def _float_column(values: Iterable[float | None]) -> decide.Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=float)
