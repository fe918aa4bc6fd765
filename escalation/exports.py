"""Labelled data as it leaves: what people settled, with everything needed to use it as evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from django.db import connection

from escalation.models import Stream
from reviewqueue import labels as settled

PAGE = 1_000

# Keyset pages, each its own short transaction: a long one would keep dead rows alive under the queue.
_PAGE = """
    SELECT o.id, c.label_id, o.external_id, o.model, o.model_version, p.body::text, c.outcome, c.answer, o.confidence,
           r.pi, r.u, r.p, r.reason, r.threshold, v.number, c.wrong, c.overturned, c.blind, c.reviews, o.segment,
           o.received_at, c.settled_at
    FROM escalation_outcome c
    JOIN escalation_output o ON o.id = c.output_id
    JOIN escalation_payload p ON p.output_id = o.id
    JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_policy v ON v.id = r.policy_id
    WHERE c.stream_id = %s AND c.output_id > %s AND o.state = 'decided'
    ORDER BY c.output_id LIMIT %s
"""


def labels(stream: Stream) -> Iterator[bytes]:
    """JSON Lines, one for each output that people settled; what the system answered is never among them."""
    after = 0
    while page := _page(stream, after):
        mistakes = settled.error_types([row[1] for row in page])
        yield b"".join(msgspec.json.encode(_line(row, mistakes.get(row[1], []))) + b"\n" for row in page)
        after = page[-1][0]


def _page(stream: Stream, after: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, [stream.pk, after, PAGE])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _line(row: tuple[Any, ...], error_types: list[str]) -> dict[str, Any]:
    (
        _, _, external_id, model, model_version, body, outcome, answer, confidence, pi, u, p, reason, threshold, policy,
        wrong, overturned, blind, reviews, segment, received_at, settled_at,
    ) = row  # fmt: skip
    payload = msgspec.json.decode(body)
    return {
        "id": external_id,
        "model": model,
        "model_version": model_version or None,
        "input": payload["input"],
        "prediction": payload["prediction"],
        "outcome": outcome,
        "answer": None if answer is None else msgspec.json.decode(answer),
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
        "threshold": threshold,
        "policy": policy,
        "segment": None if segment is None else msgspec.json.decode(segment),
        "metadata": payload.get("metadata"),
        "received_at": received_at,
        "settled_at": settled_at,
    }
