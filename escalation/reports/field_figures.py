"""The figures of single fields, for streams whose answers have fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from escalation.models import Stream
from escalation.models.output_id import DayBasis
from escalation.reports import aggregates, error_rate
from escalation.reports.error_rate import ErrorRate
from escalation.reports.tally import FieldTally
from reviewqueue.facade import queue


@dataclass(frozen=True, slots=True)
class FieldFigures:
    """The figures of one field, by its JSON Pointer.

    `received`: routed outputs, without shadow outputs. `automated`: of these, where the model's value stood before any
    review. `error_rate`: of the values at or above the threshold, from the audits of this field.
    """

    field: str
    received: int
    automated: int
    error_rate: ErrorRate


def build_field_figures(*, stream: Stream, since: date, until: date, by: DayBasis) -> list[FieldFigures]:
    """The figures of every field that an output of these days has: in the order of the schema, then those of earlier
    answers. Empty unless the stream's answers have fields.
    """
    order = [field.pointer for field in queue.get_answer_spec(slug=stream.slug, number=stream.schema_number).fields]
    if not order:
        return []
    tallies: dict[str, list[FieldTally]] = {}
    for tally in aggregates.load_field_tallies(stream_id=stream.pk, since=since, until=until, by=by):
        tallies.setdefault(tally.field, []).append(tally)
    names = [*(field for field in order if field in tallies), *sorted(tallies.keys() - set(order))]
    return [_summarize_field(name, tallies[name]) for name in names]


def _summarize_field(field: str, tallies: Sequence[FieldTally]) -> FieldFigures:
    return FieldFigures(
        field,
        received=sum(tally.received for tally in tallies),
        automated=sum(tally.automated for tally in tallies),
        error_rate=error_rate.estimate_error_rate_from_counts(
            [tally.audits for tally in tallies], drawn=sum(tally.drawn for tally in tallies)
        ),
    )
