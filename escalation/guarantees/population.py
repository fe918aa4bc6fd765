"""Populations: the part of a stream's outputs that one guarantee covers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalation.guarantees import queries
from escalation.models import Evaluation, Stream
from reviewqueue.kernel import clock, sql

# What counts as a stream's present traffic. One mistyped model version is no release, and a release is seen soon.
RECENT_OUTPUTS = 200
# From as many of them on, other model versions are a release: what is automated is no longer what a guarantee covers.
MIN_RELEASE_OUTPUTS = 20
LISTED_PERIOD = timedelta(days=30)
MAX_LISTED_POPULATIONS = 20


@dataclass(frozen=True, slots=True)
class Population:
    """The outputs that a guarantee covers: those of one model version, reviewed under one answer schema."""

    model: str
    model_version: str
    schema_number: int

    @property
    def key(self) -> str:
        """A short name for URLs."""
        parts = json.dumps([self.model, self.model_version, self.schema_number])
        return hashlib.sha256(parts.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class PopulationCount:
    """A population, and how many outputs of some traffic belong to it."""

    population: Population
    outputs: int

    @property
    def is_rare(self) -> bool:
        """Whether it may be a mistyped version: fewer outputs than a release would bring."""
        return self.outputs < MIN_RELEASE_OUTPUTS


@dataclass(frozen=True, slots=True)
class RecentTraffic:
    """The populations of a stream's latest live outputs, the largest under the latest answers first; never empty."""

    counts: tuple[PopulationCount, ...]

    @property
    def main(self) -> Population:
        return self.counts[0].population

    def count_others(self, covered: Population) -> int:
        """How many of these outputs come from other model versions under the same answers."""
        return sum(
            one.outputs
            for one in self.counts
            if one.population != covered and one.population.schema_number == covered.schema_number
        )

    def has_moved_on(self, covered: Population) -> bool:
        """Whether so much comes from other model versions that a guarantee for this one is over."""
        known = any(one.population == covered for one in self.counts)
        return self.count_others(covered) >= MIN_RELEASE_OUTPUTS or (not known and self.main != covered)


def evaluated_population(evaluation: Evaluation) -> Population:
    """The population that an evaluation was about."""
    return Population(evaluation.model, evaluation.model_version, evaluation.schema_number)


def current_population(stream: Stream) -> Population | None:
    """The main population of a stream's recent traffic; None without traffic.

    Shadow outputs do not count, nor do untrusted model versions: all their outputs go to review, so no guarantee is
    about them.
    """
    recent = find_recent_traffic([stream.pk]).get(stream.pk)
    return recent.main if recent else None


def find_recent_traffic(stream_ids: Sequence[int]) -> dict[int, RecentTraffic]:
    """The recent traffic of several streams, by stream id; streams without traffic are left out."""
    found: dict[int, list[PopulationCount]] = {}
    limits = {"streams": list(stream_ids), "most": RECENT_OUTPUTS}
    for stream_id, model, version, schema_number, outputs in sql.fetch_tuples(queries.RECENT_POPULATIONS, limits):
        found.setdefault(stream_id, []).append(PopulationCount(Population(model, version, schema_number), outputs))
    return {stream_id: RecentTraffic(tuple(counts)) for stream_id, counts in found.items()}


def list_populations(stream: Stream, *, now: datetime | None = None) -> list[PopulationCount]:
    """The populations of the last 30 days under the latest answers: the main one first, then by their outputs."""
    recent = find_recent_traffic([stream.pk]).get(stream.pk)
    if recent is None:
        return []
    outputs = {one.population: one.outputs for one in recent.counts}
    since = clock.team_date(clock.current_time(now) - LISTED_PERIOD)
    for model, version, schema_number, counted in sql.fetch_tuples(
        queries.COUNTED_POPULATIONS, {"stream": stream.pk, "since": since}
    ):
        # The counts are made once a minute, and the latest outputs may not be among them.
        counted_one = Population(model, version, schema_number)
        outputs[counted_one] = max(counted, outputs.get(counted_one, 0))
    same_answers = [one for one in outputs if one.schema_number == recent.main.schema_number]
    ordered = sorted(same_answers, key=lambda one: (one != recent.main, -outputs[one], one.model, one.model_version))
    return [PopulationCount(one, outputs[one]) for one in ordered[:MAX_LISTED_POPULATIONS]]
