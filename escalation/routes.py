"""Writes what was decided about locked outputs: routes, decisions, items for people, states and one event, set-wise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import numpy as np
from django.db import connection
from django.utils import timezone

from escalation import policies, reasons, routing, stops
from escalation.models import Output, Stream
from escalation.policy import Policy as Spec
from reviewqueue import events, queue
from reviewqueue.queue import NewItem

ALTERNATIVES = 5  # as many as a reviewer takes in at a glance
MOST_OF_A_NAME = 200  # name and version of the model together are longer than the item has room for


class Row(NamedTuple):
    """One locked output, as routing needs it."""

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


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of one output: the columns of its route, and how a person will meet it if one does."""

    row: Row
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


_SEGMENT = Row._fields.index("segment")
_LOCK = """
    SELECT id, stream_id, external_id, model, model_version, predicted, confidence, value, segment, "group", due_at,
           received_at, schema_number, shadow
    FROM escalation_output WHERE id = ANY(%s) AND state = 'received' ORDER BY id FOR UPDATE
"""


def lock(output_ids: Sequence[int], *, skip_locked: bool) -> list[Row]:
    """Lock those of the outputs that are still to be routed."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK + (" SKIP LOCKED" if skip_locked else ""), [list(output_ids)])
        return [_row(values) for values in cursor.fetchall()]


def record(rows: list[Row], *, now: datetime) -> None:
    """Decide about locked rows and write it all. The caller holds the release lock."""
    standing = stops.standing()
    active = policies.active_for({row.stream_id for row in rows})
    for stream, group in _by_stream(rows):
        stop_id = standing.get(stream.pk, standing.get(None))
        current = active.get(stream.pk)
        if stop_id is not None:
            plans = _all_to_people(stream, group, "stopped", current=current, stop_id=stop_id)
        elif current is None:
            plans = _all_to_people(stream, group, "no_policy", current=None)
        else:
            plans = _decided(stream, group, current, now=now)
        _write(stream, plans, current.spec if current else Spec(), now=now)


def to_people(output_ids: Sequence[int], *, reason: str, now: datetime) -> int:
    """Send these to a person whatever a policy would say: used for outputs whose routing keeps failing."""
    rows = lock(output_ids, skip_locked=True)
    active = policies.active_for({row.stream_id for row in rows})
    for stream, group in _by_stream(rows):
        current = active.get(stream.pk)
        plans = _all_to_people(stream, group, reason, current=current)
        _write(stream, plans, current.spec if current else Spec(), now=now)
    return len(rows)


def columns(rows: Sequence[Row]) -> routing.Outputs:
    """The rows as the pure decision takes them."""
    return routing.Outputs(
        confidence=_floats(row.confidence for row in rows),
        predicted=[row.predicted for row in rows],
        value=_floats(row.value for row in rows),
        segment=[row.segment for row in rows],
        model_version=[row.model_version for row in rows],
    )


def _decided(stream: Stream, rows: list[Row], current: policies.Active, *, now: datetime) -> list[_Plan]:
    spec, outputs = current.spec, columns(rows)
    rates = policies.rates(current, stream_id=stream.pk, day=timezone.localdate(now))
    u, v = _draws(stream, rows)
    decided = routing.decide(spec, outputs, u=u, p=rates.audit)
    blind = routing.answers_first(spec, decided, u=u, v=v, p=rates.audit, share=rates.answer_first_share)
    due = [_due(row, spec) for row in rows]
    rank = routing.ranks(spec, outputs, due=_hurry(rows, due))
    finite = np.where(np.isfinite(decided.threshold), decided.threshold, np.nan).tolist()
    return [
        _Plan(
            row=row,
            kind="auto" if released else "review",
            reason=reason,
            policy_id=current.policy_id,
            stop_id=None,
            eligible=eligible,
            released=released,
            audit=spec.audit.mode if audited else "",
            threshold=None if threshold != threshold else threshold,
            u=draw,
            p=rates.audit,
            pi=pi,
            review=review,
            answer_first=first,
            rank=order,
            due_at=due_at,
        )
        for row, released, reason, eligible, audited, threshold, draw, pi, review, first, order, due_at in zip(
            rows,
            decided.released.tolist(),
            decided.reason,
            decided.eligible.tolist(),
            decided.audited.tolist(),
            finite,
            u.tolist(),
            decided.pi.tolist(),
            decided.review.tolist(),
            blind.tolist(),
            rank.tolist(),
            due,
            strict=True,
        )
    ]


def _all_to_people(
    stream: Stream,
    rows: list[Row],
    reason: str,
    *,
    current: policies.Active | None,
    stop_id: int | None = None,
) -> list[_Plan]:
    spec = current.spec if current else Spec()
    u, _ = _draws(stream, rows)
    due = [_due(row, spec) for row in rows]
    rank = routing.ranks(spec, columns(rows), due=_hurry(rows, due))
    return [
        _Plan(
            row=row,
            kind="review",
            reason=reason,
            policy_id=current.policy_id if current else None,
            stop_id=stop_id,
            eligible=False,
            released=False,
            audit="",
            threshold=None,
            u=draw,
            p=0.0,
            pi=1.0,
            review=True,
            answer_first=spec.answer_first,
            rank=order,
            due_at=due_at,
        )
        for row, draw, order, due_at in zip(rows, u.tolist(), rank.tolist(), due, strict=True)
    ]


def _write(stream: Stream, plans: list[_Plan], spec: Spec, *, now: datetime) -> None:
    payloads = _payloads([plan.row.id for plan in plans if plan.review or not plan.row.predicted])
    _copy_routes(plans, now)
    _copy_decisions(stream, [plan for plan in plans if plan.released], payloads, now)
    people = [plan for plan in plans if plan.review]
    if people:
        queue.enqueue(slug=stream.slug, items=[_item(plan, payloads[plan.row.id], spec) for plan in people], now=now)
    _set_states(plans)
    events.record(
        actor="system:dispatch",
        verb="outputs.routed",
        object_type="output",
        object_ids=[plan.row.id for plan in plans],
        queue=stream.slug,
        after={"auto": sum(plan.released for plan in plans), "review": len(people)},
        at=now,
    )


def _copy_routes(plans: list[_Plan], now: datetime) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY escalation_route (output_id, kind, reason, policy_id, stop_id, eligible, released, audit, threshold, "
            "u, p, pi, routed_at) FROM STDIN"
        ) as copy,
    ):
        for plan in plans:
            copy.write_row(
                (
                    plan.row.id,
                    plan.kind,
                    plan.reason,
                    plan.policy_id,
                    plan.stop_id,
                    plan.eligible,
                    plan.released,
                    plan.audit,
                    plan.threshold,
                    plan.u,
                    plan.p,
                    plan.pi,
                    now,
                )
            )


def _copy_decisions(stream: Stream, plans: list[_Plan], payloads: dict[int, dict[str, Any]], now: datetime) -> None:
    """The model's answer stands: its first revision."""
    if not plans:
        return
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY escalation_decision (output_id, stream_id, external_id, revision, by, outcome, answer, shadow, "
            "decided_at) FROM STDIN"
        ) as copy,
    ):
        for plan in plans:
            row = plan.row
            prediction = row.predicted or payloads[row.id]["prediction"]
            answer = msgspec.json.encode(prediction).decode()
            copy.write_row((row.id, stream.pk, row.external_id, 1, "model", "answered", answer, row.shadow, now))


def _set_states(plans: list[_Plan]) -> None:
    released = [plan.row.id for plan in plans if plan.released]
    waiting = [plan for plan in plans if not plan.released]
    if released:
        Output.objects.filter(pk__in=released).update(state=Output.State.DECIDED)
    if waiting:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE escalation_output o SET state = 'in_review', due_at = w.due_at "
                "FROM unnest(%s::bigint[], %s::timestamptz[]) AS w (id, due_at) WHERE o.id = w.id",
                [[plan.row.id for plan in waiting], [plan.due_at for plan in waiting]],
            )


def _item(plan: _Plan, payload: dict[str, Any], spec: Spec) -> NewItem:
    row = plan.row
    scores: dict[str, float] = payload.get("scores") or {}
    structured = not row.predicted
    best = sorted(scores.items(), key=lambda pair: -pair[1])[:ALTERNATIVES]
    return NewItem(
        id=row.id,
        reference=row.external_id,
        schema_number=row.schema_number,
        input=payload["input"],
        context=payload.get("context"),
        proposal=payload["prediction"],
        alternatives=[] if structured else [{"answer": answer, "confidence": share} for answer, share in best],
        field_hints=scores if structured else {},
        why=reasons.why(plan.reason, confidence=row.confidence, threshold=plan.threshold),
        model=f"{row.model} {row.model_version}".strip()[:MOST_OF_A_NAME],
        language=payload.get("language") or "",
        group=row.group,
        lane=queue.Lane.CHECKS if plan.audit else queue.Lane.ORDINARY,
        rank=plan.rank,
        answer_first=plan.answer_first,
        reviews_wanted=spec.reviews,
        undo_seconds=spec.undo_seconds,
        due_at=plan.due_at,
    )


def _payloads(output_ids: list[int]) -> dict[int, dict[str, Any]]:
    if not output_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT output_id, body::text FROM escalation_payload WHERE output_id = ANY(%s)", [output_ids])
        return {output_id: msgspec.json.decode(body) for output_id, body in cursor.fetchall()}


def _row(values: tuple[Any, ...]) -> Row:
    segment = values[_SEGMENT]
    decoded = msgspec.json.decode(segment) if segment else {}
    return Row(*(*values[:_SEGMENT], decoded, *values[_SEGMENT + 1 :]))


def _by_stream(rows: list[Row]) -> Iterable[tuple[Stream, list[Row]]]:
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.stream_id].append(row)
    streams = Stream.objects.in_bulk(groups)
    return [(streams[stream_id], group) for stream_id, group in sorted(groups.items())]


def _draws(stream: Stream, rows: list[Row]) -> tuple[routing.Floats, routing.Floats]:
    """The permanent draws of each output: u for audits, v for who answers first."""
    secret = bytes(stream.secret)
    u = np.fromiter((routing.draw(secret, stream.slug, row.external_id) for row in rows), float, len(rows))
    # In front and with a space, where only a slug can stand: the v of one id is the u of no other.
    v = np.fromiter(
        (routing.draw(secret, "answers first", stream.slug, row.external_id) for row in rows), float, len(rows)
    )
    return u, v


def _due(row: Row, spec: Spec) -> datetime | None:
    if row.due_at is not None or spec.deadline_hours is None:
        return row.due_at
    return row.received_at + timedelta(hours=spec.deadline_hours)


def _hurry(rows: list[Row], due: list[datetime | None]) -> routing.Floats:
    """Seconds since the epoch at which each counts as due; what has no deadline still gets its turn."""
    return _floats(
        moment.timestamp() if moment else row.received_at.timestamp() + routing.UNHURRIED_SECONDS
        for row, moment in zip(rows, due, strict=True)
    )


def _floats(values: Iterable[float | None]) -> routing.Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=float)
