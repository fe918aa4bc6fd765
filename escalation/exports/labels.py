"""The export of labelled outputs, with everything needed to use them as evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from escalation.models import Stream
from escalation.routing import audits
from reviewqueue.facade.labels import error_types_of as labels_error_types
from reviewqueue.kernel import sql

PAGE_ROWS = 1_000

# Keyset pages, each its own short transaction: a long one would keep dead rows alive under the queue.
_PAGE_QUERY = """
    SELECT o.id, e.label_id, o.external_id, o.state, o.model, o.model_version, o.schema_number,
           CASE WHEN o.state NOT IN ('withdrawn', 'erased') THEN p.body::text END, o.predicted, e.outcome,
           CASE WHEN o.state NOT IN ('withdrawn', 'erased') THEN e.answer END, o.confidence, r.pi, r.u, r.p, r.reason,
           r.threshold, v.number, e.round, e.wrong, e.overturned, e.blind, e.reviews, o.segment, o."group",
           o.value, o.occurred_at, o.received_at, e.settled_at, o.shadow
    {of}
    LEFT JOIN escalation_policy v ON v.id = r.policy_id
    WHERE {among}
    ORDER BY o.id LIMIT %(most)s
"""
_LABELS_PAGE = _PAGE_QUERY.format(
    of="""
    FROM escalation_outcome e
    JOIN escalation_output o ON o.id = e.output_id
    JOIN escalation_payload p ON p.output_id = o.id
    JOIN escalation_route r ON r.output_id = o.id""",
    among="e.stream_id = %(stream)s AND e.output_id > %(after)s AND o.state = 'decided'",
)
# Also unlabelled outputs that count in an evaluation: see `guarantees.sample`.
_LABELS_AND_AUDITS_PAGE = _PAGE_QUERY.format(
    of="""
    FROM escalation_output o
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    LEFT JOIN escalation_payload p ON p.output_id = o.id""",
    among=f"""o.stream_id = %(stream)s AND o.id > %(after)s AND o.id <= %(until)s AND (
        e.output_id IS NOT NULL AND o.state = 'decided' OR {audits.IS_DRAWN} AND {audits.IS_KEPT})""",
)

_RANGE_END = """
    SELECT max(id) FROM (
        SELECT id FROM escalation_output WHERE stream_id = %(stream)s AND id > %(after)s ORDER BY id LIMIT %(most)s
    ) AS outputs
"""


def export_labels(stream: Stream, *, include_audits: bool = False) -> Iterator[bytes]:
    """JSON Lines, one per output that people settled; outputs answered by the system are never included.

    include_audits: also audited outputs without a label, because they are not answered yet or were withdrawn; withdrawn
    ones without their content.
    """
    for page in _label_and_audit_pages(stream) if include_audits else _label_pages(stream):
        error_types = labels_error_types([row[1] for row in page if row[1] is not None])
        yield b"".join(msgspec.json.encode(_label_as_json(row, error_types.get(row[1], []))) + b"\n" for row in page)


def _label_pages(stream: Stream) -> Iterator[list[tuple[Any, ...]]]:
    after = 0
    while page := _fetch_rows(_LABELS_PAGE, stream, after=after):
        yield page
        after = page[-1][0]


def _label_and_audit_pages(stream: Stream) -> Iterator[list[tuple[Any, ...]]]:
    """Pages of a fixed number of outputs: if audits are rare, a query for a full page of them would run too long."""
    after = 0
    while until := _fetch_rows(_RANGE_END, stream, after=after)[0][0]:
        if page := _fetch_rows(_LABELS_AND_AUDITS_PAGE, stream, after=after, until=until):
            yield page
        after = until


def _fetch_rows(query: str, stream: Stream, **limits: int) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = sql.fetch_tuples(query, {"stream": stream.pk, "most": PAGE_ROWS, **limits})
    return rows


def _label_as_json(row: tuple[Any, ...], error_types: list[str]) -> dict[str, Any]:
    (
        number, _, external_id, status, model, model_version, schema_number, body, predicted, outcome, answer,
        confidence, pi, u, p, reason, threshold, policy, round_, wrong, overturned, blind, reviews, segment,
        group, value, occurred_at, received_at, settled_at, shadow,
    ) = row  # fmt: skip
    payload = {"prediction": predicted or None} if body is None else msgspec.json.decode(body)
    return {
        "id": external_id,
        "number": str(number),
        "status": status,
        "model": model,
        "model_version": model_version or None,
        "schema_number": schema_number,
        "input": payload.get("input"),
        "prediction": payload["prediction"],
        "outcome": outcome,
        "answer": None if answer is None else msgspec.json.decode(answer),
        "round": round_,
        "wrong": wrong,
        "overturned": overturned,
        "blind": blind,
        "reviews": reviews,
        "error_types": error_types,
        "confidence": confidence,
        "pi": pi,
        "u": u,
        "p": p,
        "reason": reason,
        "shadow": shadow,
        "threshold": threshold,
        "policy": policy,
        "segment": None if segment is None else msgspec.json.decode(segment),
        "group": group or None,
        "value": value,
        "metadata": payload.get("metadata"),
        "occurred_at": occurred_at,
        "received_at": received_at,
        "settled_at": settled_at,
    }
