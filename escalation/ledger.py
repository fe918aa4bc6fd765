"""The machines' half of the invariants, as queries that return what breaks them, and the watch over both halves."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from django.db import connection

from escalation import health
from reviewqueue import ledger as people
from reviewqueue.ledger import Check

log = structlog.get_logger(__name__)

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Imbalance:
    """A check that does not balance, with the first rows that break it."""

    check: Check
    rows: list[tuple[object, ...]]


def imbalances() -> list[Imbalance]:
    """Every check of both sides that finds something; empty when the ledger balances."""
    found = [Imbalance(check, _offending(check)) for check in (*people.checks(), *checks())]
    return [imbalance for imbalance in found if imbalance.rows]


def watch() -> None:
    """Run the checks and leave the result where people and probes see it."""
    broken = imbalances()
    for imbalance in broken:
        log.error("ledger.imbalance", check=imbalance.check.name, rows=[str(row) for row in imbalance.rows[:5]])
    health.beat("ledger", broken=[imbalance.check.name for imbalance in broken])


def checks() -> list[Check]:
    """Each sentence is what has to hold; the query returns the rows for which it doesn't."""
    return [
        Check(
            "one_output_per_external_id",
            "Every acknowledged external id is exactly one output, with its payload.",
            """
            SELECT e.stream_id, e.external_id, e.output_id FROM escalation_externalid e
            LEFT JOIN escalation_output o
              ON o.id = e.output_id AND o.stream_id = e.stream_id AND o.external_id = e.external_id
            LEFT JOIN escalation_payload p ON p.output_id = e.output_id
            WHERE o.id IS NULL OR p.output_id IS NULL
            UNION ALL
            SELECT o.stream_id, o.external_id, o.id FROM escalation_output o
            LEFT JOIN escalation_externalid e ON e.stream_id = o.stream_id AND e.external_id = o.external_id
            WHERE e.output_id IS DISTINCT FROM o.id
            """,
        ),
        Check(
            "routed_unless_received",
            "Every output that is past `received` has its route, unless it was withdrawn before; no other has one.",
            """
            SELECT o.id, o.state, r.kind FROM escalation_output o LEFT JOIN escalation_route r ON r.output_id = o.id
            WHERE (o.state = 'received' AND r.output_id IS NOT NULL)
               OR (o.state IN ('in_review', 'decided') AND r.output_id IS NULL)
            """,
        ),
        Check(
            "decided_has_decision",
            "A decided output has a decision; one in review has none and waits on an item.",
            """
            SELECT o.id, o.state, d.revision, i.state FROM escalation_output o
            LEFT JOIN LATERAL (
                SELECT revision FROM escalation_decision WHERE output_id = o.id ORDER BY revision DESC LIMIT 1
            ) d ON true
            LEFT JOIN reviewqueue_item i ON i.id = o.id
            WHERE (o.state = 'decided' AND d.revision IS NULL)
               OR (o.state = 'in_review' AND (d.revision IS NOT NULL OR i.id IS NULL))
            """,
        ),
        Check(
            "released_by_policy",
            "Nothing was released without a valid confidence, without a policy, or while stopped.",
            """
            SELECT o.id, r.reason FROM escalation_route r JOIN escalation_output o ON o.id = r.output_id
            LEFT JOIN escalation_stop s
              ON (s.stream_id IS NULL OR s.stream_id = o.stream_id)
             AND r.routed_at > s.stopped_at AND (s.resumed_at IS NULL OR r.routed_at < s.resumed_at)
            WHERE r.released AND (o.confidence IS NULL OR r.policy_id IS NULL OR r.stop_id IS NOT NULL
                                  OR o.confidence < r.threshold OR s.id IS NOT NULL)
            """,
        ),
        Check(
            "deadline_released_by_policy",
            "The system let a prediction stand only where the policy says so and the confidence was valid.",
            """
            SELECT o.id FROM escalation_decision d
            JOIN escalation_output o ON o.id = d.output_id
            LEFT JOIN escalation_route r ON r.output_id = o.id
            LEFT JOIN escalation_policy p ON p.id = r.policy_id
            WHERE d.by = 'system' AND d.outcome = 'answered'
              AND (o.confidence IS NULL OR p.spec ->> 'on_deadline' IS DISTINCT FROM 'accept')
            """,
        ),
        Check(
            "reviewed_has_item",
            "Every output that a person was to look at is an item of its queue.",
            """
            SELECT r.output_id, r.reason FROM escalation_route r LEFT JOIN reviewqueue_item i ON i.id = r.output_id
            WHERE (r.kind = 'review' OR r.audit <> '') AND i.id IS NULL
            """,
        ),
        Check(
            "people_decided_by_label",
            "What people decided leads back to a label of the same answer, and what the system answered to none.",
            """
            SELECT d.output_id, d.revision FROM escalation_decision d
            LEFT JOIN reviewqueue_label l ON l.id = d.label_id AND l.item_id = d.output_id
            WHERE (d.by = 'people') <> (l.id IS NOT NULL)
               OR (d.by = 'people' AND (l.outcome <> d.outcome OR l.answer IS DISTINCT FROM d.answer))
            """,
        ),
        Check(
            "revisions_count_up",
            "Revisions of a decision count from one without a gap.",
            """
            SELECT output_id, max(revision), count(*) FROM escalation_decision
            GROUP BY output_id HAVING max(revision) <> count(*)
            """,
        ),
        Check(
            "numbers_without_gap",
            "Decisions are numbered without gaps or repeats.",
            """
            SELECT count(seq), count(DISTINCT seq), max(seq) FROM escalation_decision
            HAVING count(seq) <> count(DISTINCT seq) OR COALESCE(max(seq), 0) <> count(seq)
            """,
        ),
        Check(
            "received_and_routed_are_told",
            "Every output's receiving and routing has its event.",
            """
            WITH told AS MATERIALIZED (
                SELECT unnest(object_ids) AS id, verb FROM reviewqueue_event
                WHERE verb IN ('outputs.received', 'outputs.routed')
            )
            SELECT o.id, o.state FROM escalation_output o
            LEFT JOIN escalation_route r ON r.output_id = o.id
            WHERE NOT EXISTS (
                SELECT 1 FROM told WHERE told.id = o.id AND told.verb = 'outputs.received'
            ) OR r.output_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM told WHERE told.id = o.id AND told.verb = 'outputs.routed'
            )
            """,
        ),
    ]


def _offending(check: Check) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({check.sql}) AS offending LIMIT {SHOWN}")  # noqa: S608 - our own text
        rows: list[tuple[object, ...]] = cursor.fetchall()
    return rows
