"""The export of labelled outputs, with everything needed to use them as evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from escalation.exports import queries
from escalation.models import Stream
from reviewqueue.facade.labels import error_types_of
from reviewqueue.kernel import sent_json, sql

PAGE_ROWS = 1_000
NESTED_FIELDS = (
    "input",
    "prediction",
    "answer",
    "segment",
    "metadata",
    "field_confidences",
    "parts",
    "part_errors",
    "label_confidences",
)


def export_labels(stream: Stream, *, include_audits: bool = False, nested_as_text: bool = False) -> Iterator[bytes]:
    """JSON Lines, one per output that people settled; outputs answered by the system are never included.

    include_audits: also audited outputs without a label, because they are not answered yet or were withdrawn; withdrawn
    ones without their content. nested_as_text: `NESTED_FIELDS`, whose shape producers choose, as strings of their JSON
    (or null), so that every line has the same columns and types.
    """
    render = _with_nested_as_text if nested_as_text else _as_it_is
    for page in _label_and_audit_pages(stream) if include_audits else _label_pages(stream):
        error_types = error_types_of([row[1] for row in page if row[1] is not None])
        lines = (_label_as_json(row, error_types.get(row[1], [])) for row in page)
        yield "".join(sent_json.encode_sent(render(line)) + "\n" for line in lines).encode()


def _as_it_is(line: dict[str, Any]) -> dict[str, Any]:
    return line


def _with_nested_as_text(line: dict[str, Any]) -> dict[str, Any]:
    texts = {name: sent_json.encode_sent(line[name]) for name in NESTED_FIELDS if line[name] is not None}
    return line | texts


def _label_pages(stream: Stream) -> Iterator[list[tuple[Any, ...]]]:
    after = 0
    while page := _fetch_rows(queries.LABELS_PAGE, stream, after=after):
        yield page
        after = page[-1][0]


def _label_and_audit_pages(stream: Stream) -> Iterator[list[tuple[Any, ...]]]:
    """Pages of a fixed number of outputs: if audits are rare, a query for a full page of them would run too long."""
    after = 0
    while until := _fetch_rows(queries.RANGE_END, stream, after=after)[0][0]:
        if page := _fetch_rows(queries.LABELS_AND_AUDITS_PAGE, stream, after=after, until=until):
            yield page
        after = until


def _fetch_rows(query: str, stream: Stream, **limits: int) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = sql.fetch_tuples(query, {"stream": stream.pk, "most": PAGE_ROWS, **limits})
    return rows


def _label_as_json(row: tuple[Any, ...], error_types: list[str]) -> dict[str, Any]:
    (
        number, _, external_id, status, model, model_version, schema_number, body, predicted, outcome, answer,
        confidence, pi, u, p, reason, threshold, policy, round_, wrong, overturned, blind, reviews, segment,
        group, value, occurred_at, received_at, settled_at, shadow, invalid_prediction,
        field_confidences, parts, part_errors, label_confidences,
    ) = row  # fmt: skip
    payload = {"prediction": predicted or None} if body is None else sent_json.parse_sent(body)
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
        "answer": None if answer is None else sent_json.parse_sent(answer),
        "round": round_,
        "wrong": wrong,
        "overturned": overturned,
        "blind": blind,
        "reviews": reviews,
        "error_types": error_types,
        "confidence": confidence,
        "invalid_prediction": invalid_prediction,
        "pi": pi,
        "u": u,
        "p": p,
        "reason": reason,
        "shadow": shadow,
        "threshold": threshold,
        "policy": policy,
        "field_confidences": _decode(field_confidences),
        "parts": _decode(parts),
        "part_errors": _decode(part_errors),
        "label_confidences": _decode(label_confidences),
        "segment": _decode(segment),
        "group": group or None,
        "value": value,
        "metadata": payload.get("metadata"),
        "occurred_at": occurred_at,
        "received_at": received_at,
        "settled_at": settled_at,
    }


def _decode(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
