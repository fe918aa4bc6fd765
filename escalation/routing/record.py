"""Writes routing decisions for locked outputs in bulk: routes, decisions, review items, states and one event."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from escalation.models import Output, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from escalation.routing import queries, reasons, stop
from escalation.routing.decide import LabelDecisions
from escalation.routing.plan import ReceivedOutput, RoutePlan, plan_routes
from reviewqueue.activity import log
from reviewqueue.facade import queue
from reviewqueue.facade.queue import NewItem
from reviewqueue.kernel import sent_json, sql
from reviewqueue.kernel.json_pointer import format_pointer

MAX_ALTERNATIVES = 5  # as many as a reviewer can take in at a glance
MAX_SCORED_LABELS = 50  # beside checkboxes, which stand in the order of the schema
MAX_MODEL_NAME_LENGTH = 200  # model name and version together can be longer than the item's column


_SEGMENT_INDEX, _LABELS_INDEX, _FIELDS_INDEX = (
    ReceivedOutput._fields.index(name) for name in ("segment", "labels", "fields")
)


def lock_received(output_ids: Sequence[int], *, skip_locked: bool) -> list[ReceivedOutput]:
    """Lock those of these outputs that are not routed yet."""
    return [
        _received_output(values)
        for values in sql.fetch_tuples(
            queries.LOCK_RECEIVED + (" SKIP LOCKED" if skip_locked else ""), [list(output_ids)], prepared=True
        )
    ]


def record_routes(rows: list[ReceivedOutput], *, now: datetime) -> None:
    """Route locked rows and write the results. The caller holds the release lock."""
    stops = stop.find_active_stops()
    active = versions.find_policies_at_transaction_start({row.stream_id for row in rows})
    for stream, group in _group_by_stream(rows):
        stop_id, current = stops.get(stream.pk, stops.get(None)), active.get(stream.pk)
        override = "stopped" if stop_id is not None else "" if current else "no_policy"
        plans = plan_routes(stream, group, current, now=now, override=override, stop_id=stop_id)
        _write_routes(stream, plans, current.spec if current else PolicySpec(), now=now)


def send_to_people(output_ids: Sequence[int], *, reason: str, now: datetime) -> int:
    """Send these to review regardless of the policy: for outputs whose routing keeps failing."""
    rows = lock_received(output_ids, skip_locked=True)
    active = versions.find_policies_at_transaction_start({row.stream_id for row in rows})
    for stream, group in _group_by_stream(rows):
        current = active.get(stream.pk)
        plans = plan_routes(stream, group, current, now=now, override=reason)
        _write_routes(stream, plans, current.spec if current else PolicySpec(), now=now)
    return len(rows)


def _write_routes(stream: Stream, plans: list[RoutePlan], spec: PolicySpec, *, now: datetime) -> None:
    payloads = _load_payloads([plan.output.id for plan in plans if plan.review or _narrow_answer(plan.output) is None])
    reviewed = [plan for plan in plans if plan.review]
    if reviewed:
        queue.enqueue_items(
            slug=stream.slug,
            items=[build_review_item(plan, payloads[plan.output.id], spec) for plan in reviewed],
            now=now,
        )
    rows = [_route_columns(plan, payloads) for plan in plans]
    values = {"rows": sent_json.encode_sent(rows), "stream": stream.pk, "now": now}
    sql.run_statement(queries.WRITE_ROUTES, values, prepared=True)
    log.record_event(
        actor="system:dispatch",
        verb="outputs.routed",
        object_type="output",
        object_ids=[plan.output.id for plan in plans],
        queue=stream.slug,
        after={"auto": sum(plan.released for plan in plans), "review": len(reviewed)},
        at=now,
    )


def _route_columns(plan: RoutePlan, payloads: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """A plan as a row of the write statement. Only outputs in review get the policy's deadline."""
    row = plan.output
    columns: dict[str, Any] = {
        "id": row.id,
        "kind": plan.kind,
        "reason": plan.reason,
        "policy_id": plan.policy_id,
        "stop_id": plan.stop_id,
        "eligible": plan.eligible,
        "released": plan.released,
        "audit": plan.audit,
        "threshold": plan.threshold,
        "u": plan.u,
        "p": plan.p,
        "pi": plan.pi,
        "parts": plan.parts,
    }
    if not plan.released:
        return columns | {"state": Output.State.IN_REVIEW.value, "due_at": plan.due_at}
    return columns | {
        "state": Output.State.DECIDED.value,
        "due_at": row.due_at,
        "external_id": row.external_id,
        "answer": payloads[row.id]["prediction"] if (answer := _narrow_answer(row)) is None else answer,
        "shadow": row.shadow,
    }


def _narrow_answer(row: ReceivedOutput) -> str | list[str] | None:
    """The prediction if the narrow row has it; None for an answer with fields, which is in the payload."""
    return row.predicted or (None if row.labels is None else row.labels.predicted)


def build_review_item(plan: RoutePlan, payload: Mapping[str, Any], spec: PolicySpec) -> NewItem:
    """The review item for an output."""
    row = plan.output
    scores: dict[str, float] = payload.get("scores") or {}
    structured = not row.predicted and row.labels is None
    return NewItem(
        id=row.id,
        reference=row.external_id,
        schema_number=row.schema_number,
        input=payload["input"],
        context=payload.get("context"),
        proposal=payload["prediction"],
        alternatives=[] if structured else _list_alternatives(scores, row.labels),
        field_hints=_point_to_fields(scores) if structured else {},
        why=_explain_to_reviewer(plan, spec),
        model=f"{row.model} {row.model_version}".strip()[:MAX_MODEL_NAME_LENGTH],
        language=payload.get("language") or "",
        group=row.group,
        # Everything answered first shares the audits' lane: the order of work reveals the lane, so not the audit.
        lane=queue.CHECKS_LANE if plan.answer_first else queue.ORDINARY_LANE,
        rank=plan.rank,
        answer_first=plan.answer_first,
        reviews_wanted=spec.reviews,
        undo_seconds=spec.undo_seconds,
        due_at=plan.due_at,
        asked=plan.list_asked_fields(),
    )


def _point_to_fields(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores of fields by JSON Pointer; producers may name a field at the top by its plain name."""
    return {key if key.startswith("/") else format_pointer([key]): score for key, score in scores.items()}


def _list_alternatives(scores: Mapping[str, float], labels: LabelDecisions | None) -> list[dict[str, Any]]:
    """The likeliest answers with their scores; of a set of labels, the predicted ones first."""
    predicted = labels.predicted if labels is not None else ()
    most = MAX_ALTERNATIVES if labels is None else MAX_SCORED_LABELS
    best = sorted(scores.items(), key=lambda pair: (pair[0] not in predicted, -pair[1]))[:most]
    return [{"answer": answer, "confidence": share} for answer, share in best]


def _explain_to_reviewer(plan: RoutePlan, spec: PolicySpec) -> dict[str, Any]:
    """The message for the desk, with the confidence and the threshold that the route was decided by."""
    confidence, threshold, label = plan.output.confidence, plan.threshold, reasons.find_held_label(plan.reason)
    labels = plan.output.labels
    if label and plan.parts is not None and not plan.answer_first:
        confidence = (plan.output.fields or {}).get(label)
    if label and labels is not None and confidence is not None:
        confidence, threshold = labels.find_confidence(label, overall=confidence), spec.thresholds.get(label)
    return reasons.explain_to_reviewer(
        plan.reason,
        confidence=confidence,
        threshold=threshold,
        blind=plan.answer_first,
        left_out=labels is not None and label not in labels.predicted,
    )


def _load_payloads(output_ids: list[int]) -> dict[int, dict[str, Any]]:
    if not output_ids:
        return {}
    rows = sql.fetch_tuples(queries.SELECT_PAYLOADS, [output_ids], prepared=True)
    return {output_id: sent_json.parse_sent(body) for output_id, body in rows}


def _received_output(values: tuple[Any, ...]) -> ReceivedOutput:
    columns = list(values)
    segment, labels = columns[_SEGMENT_INDEX], columns[_LABELS_INDEX]
    columns[_SEGMENT_INDEX] = msgspec.json.decode(segment) if segment else {}
    columns[_LABELS_INDEX] = msgspec.json.decode(labels, type=LabelDecisions) if labels else None
    columns[_FIELDS_INDEX] = msgspec.json.decode(columns[_FIELDS_INDEX]) if columns[_FIELDS_INDEX] else None
    return ReceivedOutput(*columns)


def _group_by_stream(rows: list[ReceivedOutput]) -> Iterable[tuple[Stream, list[ReceivedOutput]]]:
    groups: dict[int, list[ReceivedOutput]] = defaultdict(list)
    for row in rows:
        groups[row.stream_id].append(row)
    return [(_cached_stream(stream_id), group) for stream_id, group in sorted(groups.items())]


@functools.lru_cache(maxsize=1024)
def _cached_stream(stream_id: int) -> Stream:
    """The fields of a stream that never change, cached per process: its slug, and the secret behind its numbers."""
    return Stream.objects.only("slug", "secret").get(pk=stream_id)
