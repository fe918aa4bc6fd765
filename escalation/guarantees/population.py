"""Populations: the part of a stream's outputs that one guarantee covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from escalation.guarantees import queries
from escalation.models import Evaluation, Stream
from reviewqueue.kernel import sql


@dataclass(frozen=True, slots=True)
class Population:
    """The outputs that a guarantee covers: those of one model version, reviewed under one answer schema."""

    model: str
    model_version: str
    schema_number: int


def evaluated_population(evaluation: Evaluation) -> Population:
    """The population that an evaluation was about."""
    return Population(evaluation.model, evaluation.model_version, evaluation.schema_number)


def current_population(stream: Stream) -> Population | None:
    """The population of the latest output, leaving out shadow outputs; None without traffic.

    Untrusted model versions are left out too: all their outputs go to review, so no guarantee is about them.
    """
    return current_populations([stream.pk]).get(stream.pk)


def current_populations(stream_ids: Sequence[int]) -> dict[int, Population]:
    """`current_population` for several streams, by stream id; streams without traffic are left out."""
    return {
        stream_id: Population(*values)
        for stream_id, *values in sql.fetch_tuples(queries.CURRENT_POPULATIONS, {"streams": list(stream_ids)})
    }
