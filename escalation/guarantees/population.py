"""Lines: what of a stream one statement can be about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from escalation.models import Evaluation, Stream


@dataclass(frozen=True, slots=True)
class Population:
    """What a statement is about: one version of one model, judged by one set of answers."""

    model: str
    model_version: str
    schema_number: int


def evaluated_population(evaluation: Evaluation) -> Population:
    """The line that a look at the labels was about."""
    return Population(evaluation.model, evaluation.model_version, evaluation.schema_number)


_CURRENT_POPULATIONS = """
    SELECT s.id, o.model, o.model_version, o.schema_number
    FROM unnest(%(streams)s::bigint[]) AS s (id)
    CROSS JOIN LATERAL (
        SELECT model, model_version, schema_number
        FROM escalation_output h LEFT JOIN escalation_route r ON r.output_id = h.id
        WHERE h.stream_id = s.id AND NOT h.shadow AND r.reason IS DISTINCT FROM 'unknown_model_version'
        ORDER BY h.id DESC LIMIT 1
    ) o
"""


def current_population(stream: Stream) -> Population | None:
    """The model version that was heard last and that is acted on; None without traffic.

    One that the policy does not qualify goes to people and says nothing about what goes out.
    """
    return current_populations([stream.pk]).get(stream.pk)


def current_populations(stream_ids: Sequence[int]) -> dict[int, Population]:
    """The same of several streams; those without traffic are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_CURRENT_POPULATIONS, {"streams": list(stream_ids)})
        return {stream_id: Population(*line) for stream_id, *line in cursor.fetchall()}
