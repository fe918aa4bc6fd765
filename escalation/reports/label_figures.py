"""The figures of single labels, for streams whose answers are sets of labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from escalation.models import Stream
from escalation.models.output_id import DayBasis
from escalation.reports import aggregates, error_rate
from escalation.reports.error_rate import ErrorRate
from escalation.reports.tally import AuditCounts, AuditedSets, LabelTally
from reviewqueue.answers import schema
from reviewqueue.facade import queue


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """How often the model is wrong about one label, in all automated outputs.

    `error_rate` is that of `missed` and `invented` together; the three rest on the same audits and have the same
    denominator, so the first is the sum of the others. `right`: the answered audits in which the label is right;
    `predicted`: those in which the model gave it.
    """

    label: str
    error_rate: ErrorRate
    missed: ErrorRate
    invented: ErrorRate
    right: int
    predicted: int


@dataclass(frozen=True, slots=True)
class LabelErrorTotals:
    """How many labels of an automated output are wrong on average, and of these how many missed and invented.

    None without an answered audit; `audits` is the number of those.
    """

    per_output: float | None
    missed: float | None
    invented: float | None
    audits: int


def build_label_figures(*, stream: Stream, since: date, until: date, by: DayBasis) -> list[LabelFigures]:
    """The figures of every label that the stream has now, in the order of its answers, then of earlier ones that an
    audit of these days was about. Empty unless the stream's answers are sets of labels.

    Audits judged in releases that did not record it say nothing of single labels and are left out.
    """
    form = queue.get_answer_spec(slug=stream.slug, number=stream.schema_number)
    if form.kind != schema.LABELS:
        return []
    audited, tallies = aggregates.load_label_tallies(stream_id=stream.pk, since=since, until=until, by=by)
    labels = {
        number: frozenset(queue.get_answer_spec(slug=stream.slug, number=number).answers)
        for number in {one.schema_number for one in audited}
    }
    earlier = {tally.label for tally in tallies} - set(form.answers)
    return [_summarize_label(label, audited, tallies, labels) for label in [*form.answers, *sorted(earlier)]]


def sum_label_errors(figures: Sequence[LabelFigures], *, labels: Collection[str]) -> LabelErrorTotals:
    """The mean number of these labels, the stream's present ones, about which the model is wrong per automated output.

    The sum of the labels' rates. It rests on as many audits as the label with the fewest.
    """
    present = [one for one in figures if one.label in labels]
    audits = min((one.error_rate.audits for one in present), default=0)
    if not audits:
        return LabelErrorTotals(None, None, None, audits=0)
    missed = sum(one.missed.rate or 0.0 for one in present)
    invented = sum(one.invented.rate or 0.0 for one in present)
    return LabelErrorTotals(missed + invented, missed, invented, audits=audits)


def _summarize_label(
    label: str,
    audited: Sequence[AuditedSets],
    tallies: Sequence[LabelTally],
    labels: Mapping[int, frozenset[str]],
) -> LabelFigures:
    sets = [one for one in audited if label in labels[one.schema_number]]
    own = [tally for tally in tallies if tally.label == label]
    drawn = sum(one.drawn for one in sets)

    def estimate(wrong: Sequence[int]) -> ErrorRate:
        samples = [AuditCounts(tally.pi, tally.judged, count) for tally, count in zip(own, wrong, strict=True)]
        samples += [AuditCounts(one.pi, 0, 0, one.unknown) for one in sets if one.unknown]
        return error_rate.estimate_error_rate_from_counts(samples, drawn=drawn)

    right = sum(tally.right for tally in own)
    return LabelFigures(
        label,
        error_rate=estimate([tally.missed + tally.invented for tally in own]),
        missed=estimate([tally.missed for tally in own]),
        invented=estimate([tally.invented for tally in own]),
        right=right,
        predicted=right + sum(tally.invented - tally.missed for tally in own),
    )
