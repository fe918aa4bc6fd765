"""The status of outputs, as producers see it: nothing in it says whether an output is an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation.models import ExternalId, Output, Stream
from escalation.outputs import queries
from escalation.routing import reasons
from reviewqueue.kernel import sent_json, sql
from reviewqueue.kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class OutputStatus:
    """An output's state, its route (None until it is routed) and its latest decision (None until there is one).

    `reason` is for producers. `pi` is None until the output is decided: of an output in review, it would tell an audit.
    """

    external_id: str
    status: str
    route: str | None
    reason: str | None
    pi: float | None
    policy: int | None
    decision: dict[str, Any] | None


def statuses_of(output_ids: Sequence[int]) -> dict[int, OutputStatus]:
    """The statuses of these outputs, by id, in one query."""
    if not output_ids:
        return {}
    return {
        row[0]: _status_from_row(row[1:])
        for row in sql.fetch_tuples(queries.STATUSES, [list(output_ids)], prepared=True)
    }


def find_output(*, stream: Stream, external_id: str) -> Output:
    """The output posted under this id; raises NotFound. Uses the table of external ids: outputs have no index on it."""
    known = ExternalId.objects.filter(stream=stream, external_id=external_id).values("output_id")
    # A URL path may contain NUL. No id does, and PostgreSQL rejects queries with it.
    output = None if "\0" in external_id else Output.objects.filter(pk__in=known).first()
    if output is None:
        raise NotFound(_("There is no output %(external_id)r in this stream.") % {"external_id": external_id})
    return output


def _status_from_row(row: tuple[Any, ...]) -> OutputStatus:
    external_id, status, kind, reason, released, pi, policy, answer, outcome, by, revision, decided_at, shadow = row
    decision = None
    if outcome is not None:
        decision = decision_as_json(
            answer=answer, outcome=outcome, by=by, revision=revision, decided_at=decided_at, shadow=shadow
        )
    return OutputStatus(
        external_id=external_id,
        status=status,
        route=kind,
        reason=None if reason is None else reasons.reason_for_producers(reason, released=released),
        pi=pi if status == Output.State.DECIDED else None,
        policy=policy,
        decision=decision,
    )


def decision_as_json(
    *, answer: str | None, outcome: str, by: str, revision: int, decided_at: datetime, shadow: bool
) -> dict[str, Any]:
    """A decision in the form that every API uses. `answer` is JSON text. `shadow` marks one not to be acted on."""
    return {
        "answer": None if answer is None else sent_json.parse_sent(answer),
        "outcome": outcome,
        "by": by,
        "revision": revision,
        "decided_at": decided_at,
        **({"shadow": True} if shadow else {}),
    }
