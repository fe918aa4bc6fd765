"""Receives outputs: an acknowledged external id is one output forever, however often it is posted and by anyone.

A request takes a handful of statements. External ids are claimed first, in sorted order, in a table of their own. Ids
that this did not insert existed already and are read by a second statement, because a single statement can neither
insert nor see rows that a concurrent request has just committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction

from escalation.ingest import queries, schema
from escalation.ingest.schema import DecodedOutput, RefusedOutput
from escalation.models import Output, Stream
from escalation.outputs.status import OutputStatus, statuses_of
from escalation.policies import versions
from reviewqueue import http
from reviewqueue.activity import log
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.facade import queue
from reviewqueue.kernel import clock, sql
from reviewqueue.kernel.errors import DomainError, Problem

COPY_MIN_ROWS = 200  # below this, one statement is faster; from here on, COPY outweighs its extra round trips


class OutputConflict(DomainError):
    code = "output_conflict"


class Overloaded(DomainError):
    """Too many outputs are waiting for review."""

    code = "overloaded"
    status = 429
    headers = {"Retry-After": "30"}


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The result for one posted output: its state, or the problem with it. `output_id` is set if it is stored."""

    external_id: str | None
    output_id: int | None = None
    created: bool = False
    state: OutputStatus | None = None
    problem: Problem | None = None

    def needs_routing(self) -> bool:
        """Whether it is new, or a duplicate that is not routed yet; a producer who posts it again waits for it too."""
        return self.created or (self.state is not None and self.state.status == Output.State.RECEIVED)


def check_capacity(stream: Stream) -> None:
    """Raise Overloaded if too many outputs are waiting, unless the stream's policy holds outputs back instead.

    Uses the number of waiting items that the sweep counted last; ingest itself never counts.
    """
    if stream.waiting < stream.max_waiting:
        return
    current = versions.find_active_policy(stream)
    if current is None or current.spec.on_overload == "refuse":
        raise Overloaded(f"{stream.waiting:,} outputs of this stream are waiting for review. Try again later.")


def receive_outputs(
    *, stream: Stream, raw: Sequence[bytes], actor: str, now: datetime | None = None
) -> list[IngestResult]:
    """Store the outputs of a request; one result each, in order. An invalid output does not affect the others.

    One that is not valid may have been when it was stored: the stream's answers change, and so do rules. Its id is
    looked up before it is refused, so that a retry of an acknowledged output is answered with its state for ever.
    """
    form = queue.get_answer_spec(slug=stream.slug, number=stream.schema_number)
    decoded = [_try_decode(output, form=form, secret=bytes(stream.secret)) for output in raw]
    repeated = _find_repeats(stream, decoded)
    first: dict[str, DecodedOutput] = {}
    for each in decoded:
        if isinstance(each, DecodedOutput):
            first.setdefault(each.posted.id, each)
    stored = _store_outputs(stream, list(first.values()), actor=actor, now=now) if first else _StoredIds({}, {})
    stored.existing.update(repeated)
    known = statuses_of(stored.existing_ids())
    return [_build_result(each, first, stored, known) for each in decoded]


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An output that is not valid, and why."""

    output: RefusedOutput
    problem: Problem


@dataclass(frozen=True, slots=True)
class _StoredIds:
    """External id -> output id of new outputs; external id -> (output id, digest) of existing ones."""

    created: dict[str, int]
    existing: dict[str, tuple[int, bytes]]

    def existing_ids(self) -> list[int]:
        return [output_id for output_id, _ in self.existing.values()]


def _try_decode(raw: bytes, *, form: AnswerSpec, secret: bytes) -> DecodedOutput | _Refusal:
    try:
        return schema.decode_output(raw, form=form, secret=secret)
    except (DomainError, Problem) as refusal:
        return _Refusal(schema.peek_refused_output(raw, secret=secret), _as_problem(refusal))


def _find_repeats(stream: Stream, decoded: Sequence[DecodedOutput | _Refusal]) -> dict[str, tuple[int, bytes]]:
    """The stored outputs under the ids of refused ones, read before this request stores any."""
    refused = {
        each.output.external_id for each in decoded if isinstance(each, _Refusal) and each.output.digest is not None
    }
    ids = sorted(external_id for external_id in refused if external_id is not None)
    return _find_existing(stream, ids) if ids else {}


def _build_result(
    each: DecodedOutput | _Refusal,
    first: dict[str, DecodedOutput],
    stored: _StoredIds,
    known: dict[int, OutputStatus],
) -> IngestResult:
    if isinstance(each, _Refusal):
        external_id, digest = each.output.external_id, each.output.digest
        if external_id is None or digest is None or external_id not in stored.existing:
            return IngestResult(external_id, problem=each.problem)
    else:
        external_id, digest = each.posted.id, each.digest
        if external_id in stored.created:
            return _result_for_new(each, first[external_id], stored.created[external_id])
    output_id, known_digest = stored.existing[external_id]
    if digest != known_digest:
        return IngestResult(external_id, problem=_conflict_problem(external_id))
    return IngestResult(external_id, output_id, state=known.get(output_id))


def _result_for_new(each: DecodedOutput, first: DecodedOutput, output_id: int) -> IngestResult:
    """The result for a new output. A repeat in the same request is a duplicate, or a conflict if it differs."""
    external_id = each.posted.id
    if each.digest != first.digest:
        return IngestResult(external_id, problem=_conflict_problem(external_id))
    return IngestResult(external_id, output_id, created=each is first)


def _conflict_problem(external_id: str) -> Problem:
    return _as_problem(
        OutputConflict(
            f"{external_id!r} was already posted with different content. Use a new id; ids can never be reused."
        )
    )


def _as_problem(refusal: Exception) -> Problem:
    problem = http.problem_of(refusal)
    assert problem is not None
    return problem


def _store_outputs(stream: Stream, rows: list[DecodedOutput], *, actor: str, now: datetime | None) -> _StoredIds:
    # Always in the same order: overlapping batches in opposite orders would deadlock.
    rows = sorted(rows, key=lambda row: row.posted.id)
    insert = _insert_few if len(rows) < COPY_MIN_ROWS else _insert_many
    created = insert(stream, rows, actor=actor, now=now)
    missing = [row.posted.id for row in rows if row.posted.id not in created]
    return _StoredIds(created, _find_existing(stream, missing) if missing else {})


def _insert_few(stream: Stream, rows: list[DecodedOutput], *, actor: str, now: datetime | None) -> dict[str, int]:
    parameters: dict[str, Any] = {
        "stream": stream.pk,
        "schema": stream.schema_number,
        "rows": msgspec.json.encode([_row_as_json(row) for row in rows]).decode(),
        "actor": actor,
        "queue": stream.slug,
        "now": now,
    }
    return dict(sql.fetch_tuples(queries.INSERT_FEW, parameters, prepared=True))


def _insert_many(stream: Stream, rows: list[DecodedOutput], *, actor: str, now: datetime | None) -> dict[str, int]:
    with transaction.atomic():
        moment = clock.current_time(now)
        inserted = sql.fetch_tuples(
            queries.INSERT_MANY_IDS,
            {
                "stream": stream.pk,
                "now": moment,
                "ids": [row.posted.id for row in rows],
                "digests": [row.digest for row in rows],
            },
        )
        created: dict[str, int] = dict(inserted)
        new = [row for row in rows if row.posted.id in created]
        constant = (stream.pk, stream.schema_number, moment, "received", 0)
        sql.copy_rows(queries.COPY_OUTPUTS, ((created[row.posted.id], *constant, *_column_values(row)) for row in new))
        sql.copy_rows(queries.COPY_PAYLOADS, ((created[row.posted.id], row.body.decode()) for row in new))
        if created:
            log.record_event(
                actor=actor,
                verb=queries.RECEIVED_VERB,
                object_type="output",
                object_ids=sorted(created.values()),
                queue=stream.slug,
                at=now,
            )
    return created


def _row_as_json(row: DecodedOutput) -> dict[str, Any]:
    """One output in the form that `json_to_recordset` expects."""
    narrow = dict(zip(queries.COLUMN_NAMES, _column_values(row), strict=True))
    return {
        **narrow,
        "segment": row.segment,
        "label_decisions": row.labels,
        "field_confidences": row.fields,
        "hex": row.digest.hex(),
        "body": msgspec.Raw(row.body),
    }


def _column_values(row: DecodedOutput) -> tuple[Any, ...]:
    """The values of `queries.COLUMNS`."""
    posted = row.posted
    return (
        posted.id,
        posted.model,
        posted.model_version or "",
        row.predicted,
        row.confidence,
        posted.value,
        schema.encode_json(row.segment),
        posted.group or "",
        posted.due_at,
        posted.occurred_at,
        posted.shadow,
        len(row.body),
        schema.encode_json(row.labels),
        row.invalid_prediction,
        schema.encode_json(row.fields),
    )


def _find_existing(stream: Stream, external_ids: list[str]) -> dict[str, tuple[int, bytes]]:
    rows = sql.fetch_tuples(queries.SELECT_EXISTING, [stream.pk, external_ids])
    return {external_id: (output_id, bytes(digest)) for external_id, output_id, digest in rows}
