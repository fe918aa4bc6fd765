"""What of a line of evidence is counted already, so that each new audit is read once.

Kept are the counts of a line's beginning: up to an output before which everything is routed and every audit is
answered, overdue or taken back. Only a late answer can change these. Then the line is counted anew, and so it is when
anything else that decides what counts has changed. Counting on gives exactly what counting anew gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from escalation.guarantees import queries
from escalation.guarantees.counts import EvidenceCounts, SampledUnit
from escalation.models import CountedEvidence, EvidenceLine, Outcome, output_id
from reviewqueue.kernel import sql

# Outputs received so recently may follow ones that are not committed yet.
COMMIT_GRACE = timedelta(hours=1)
# Every evaluation looks whether one of the unanswered audits has an answer by now. Beyond this, nothing is kept.
MAX_UNANSWERED = 5_000
_IDS_OF_AN_HOUR = 3_600_000 << output_id.SEQUENCE_BITS


@dataclass(frozen=True, slots=True)
class SampleWindow:
    """Outputs with first <= id < last; `rate` is the lowest audit rate among them."""

    first: int
    last: int
    rate: float

    def extend(self, more: Iterable[tuple[int, float]]) -> SampleWindow:
        """The window with more outputs: pairs of a last id and a lowest rate."""
        lasts, rates = [self.last], [self.rate]
        for last, rate in more:
            lasts.append(last + 1)
            rates.append(rate)
        return SampleWindow(self.first, max(lasts), min(rates))


@dataclass(slots=True)
class Progress:
    """The part of a line that is counted.

    conditions: identifies what decides which audits count. routed: up to this id, every output is routed, and those of
    the line are in `window`. counted: up to this id, audits are in `counts`. unanswered: those of them without an
    answer. kept: how far it was when it was loaded.
    """

    conditions: str
    routed: int
    window: SampleWindow
    counted: int
    counts: EvidenceCounts
    unanswered: list[int] = field(default_factory=list)
    kept: tuple[int, ...] = ()

    @property
    def reach(self) -> tuple[int, ...]:
        """How far it is, to the hour: it is kept again when that has changed."""
        return self.counted, self.window.last, self.routed // _IDS_OF_AN_HOUR

    def add(self, rows: Sequence[SampledUnit]) -> None:
        """Count more audits, in the order of their outputs."""
        if not rows:
            return
        self.counts.add(rows)
        self.counted = rows[-1].id
        self.unanswered += dict.fromkeys(row.id for row in rows if row.blind is None)


def find_first_unsettled(now: datetime) -> int:
    """The first id from which on outputs may be missing: they are not routed, or maybe not committed.

    It has to be known before audits are read.
    """
    unrouted: int | None = sql.fetch_value(queries.FIRST_UNROUTED)
    recent = output_id.first_id_at(now - COMMIT_GRACE)
    return recent if unrouted is None else min(unrouted, recent)


def begin_progress(window: SampleWindow, counts: EvidenceCounts, *, conditions: str, unsettled: int) -> Progress:
    """A line of which nothing is counted yet."""
    settled = SampleWindow(window.first, min(window.last, unsettled), window.rate)
    return Progress(conditions, unsettled - 1, settled, window.first - 1, counts)


def load_progress(line: EvidenceLine, *, conditions: str, unsettled: int) -> Progress | None:
    """What is counted of a line; None if nothing is kept, or if an output has yet to be routed that precedes others.

    If an answer came late, the audits are counted anew.
    """
    kept = CountedEvidence.objects.filter(line=line, conditions=conditions).first()
    if kept is None or unsettled <= kept.routed_id:
        return None
    window = SampleWindow(line.first_id, kept.last_id, kept.rate)
    counts, unanswered = EvidenceCounts.from_json(kept.counts), list(kept.unanswered)
    if unanswered and Outcome.objects.filter(pk__in=unanswered).exists():
        empty = EvidenceCounts(counts.first, counts.labels)
        return Progress(conditions, kept.routed_id, window, window.first - 1, empty)
    found = Progress(conditions, kept.routed_id, window, kept.counted_id, counts, unanswered)
    found.kept = found.reach
    return found


def save_progress(line: EvidenceLine, progress: Progress, *, now: datetime) -> None:
    """Keep what is counted of a stored line. Whoever writes last wins: what two evaluations counted is both right."""
    if len(progress.unanswered) > MAX_UNANSWERED or progress.reach == progress.kept:
        return
    row = CountedEvidence(
        line=line,
        conditions=progress.conditions,
        routed_id=progress.routed,
        last_id=progress.window.last,
        rate=progress.window.rate,
        counted_id=progress.counted,
        counts=progress.counts.to_json(),
        unanswered=progress.unanswered,
        counted_at=now,
    )
    CountedEvidence.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["line"],
        update_fields=[
            "conditions", "routed_id", "last_id", "rate", "counted_id", "counts", "unanswered", "counted_at",
        ],
    )  # fmt: skip
