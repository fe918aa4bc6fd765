"""The escalation side's invariants, as queries that return violating rows, and the checks of both sides.

In tables that grow for ever they check only the latest 100,000 rows, as the review side's do; the rounds that the
worker runs every minute replace these by fewer rows, of which some are old (`windows`).
"""

# ruff: noqa: S608 - the queries are built from constants of this module, never from input

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from escalation.monitoring import queries
from reviewqueue.facade import facts
from reviewqueue.facade.facts import EVENTS_SQL, ITEMS_SQL, LABELS_SQL, UNTAKEN_LABELS_SQL, InvariantCheck
from reviewqueue.kernel import sql

MAX_SHOWN_ROWS = 20


@dataclass(frozen=True, slots=True)
class InvariantViolation:
    """A failed check, with the first rows that violate it."""

    check: InvariantCheck
    rows: list[tuple[object, ...]]


def find_violations() -> list[InvariantViolation]:
    """The violations of all checks of both sides; empty if every invariant holds."""
    results = [InvariantViolation(check, find_offending_rows(check)) for check in list_all_invariants()]
    return [result for result in results if result.rows]


def list_all_invariants() -> list[InvariantCheck]:
    """The checks of both sides."""
    return [*facts.list_checks(), *list_invariants()]


def find_offending_rows(check: InvariantCheck, *, text: str = "", seconds: float = 0) -> list[tuple[object, ...]]:
    """The first rows that violate a check, or this form of its query. Raises OperationalError after so many seconds."""
    with transaction.atomic():
        sql.fetch_tuple(queries.PREPARE_CHECK, [f"{seconds * 1000:.0f}"])
        return sql.fetch_tuples(f"SELECT * FROM ({text or check.sql}) AS offending LIMIT {MAX_SHOWN_ROWS}")


# The latest rows of each table, as the ORDER BY of an index reads them.
_RECENT_OUTPUTS = "(SELECT * FROM escalation_output ORDER BY id DESC LIMIT 100000)"
_RECENT_ROUTES = "(SELECT * FROM escalation_route ORDER BY output_id DESC LIMIT 100000)"
_RECENT_DECISIONS = "(SELECT * FROM escalation_decision ORDER BY id DESC LIMIT 100000)"
RECENT_EVENT_ROWS = 20_000
_RECENT_EVENTS = f"(SELECT * FROM {EVENTS_SQL} AS events ORDER BY id DESC LIMIT {RECENT_EVENT_ROWS})"


def list_invariants() -> list[InvariantCheck]:
    """The checks of the escalation side: each sentence must hold, and its query returns the rows that violate it."""
    return [
        *_output_checks(),
        *_state_checks(),
        *_release_checks(),
        *_system_checks(),
        *_decision_checks(),
        *_feed_checks(),
        *_event_checks(),
    ]


def _output_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "one_output_per_external_id",
            "Every acknowledged external id has exactly one output, with its payload.",
            f"""
            SELECT o.stream_id, o.external_id, o.id FROM {_RECENT_OUTPUTS} o
            LEFT JOIN escalation_externalid e ON e.stream_id = o.stream_id AND e.external_id = o.external_id
            LEFT JOIN escalation_payload p ON p.output_id = o.id
            WHERE e.output_id IS DISTINCT FROM o.id OR (p.output_id IS NULL AND o.state <> 'erased')
            UNION ALL
            SELECT NULL, NULL, told.id FROM (
                SELECT unnest(object_ids) AS id FROM {_RECENT_EVENTS} e WHERE e.verb = 'outputs.received') told
            LEFT JOIN escalation_output o ON o.id = told.id WHERE o.id IS NULL
            """,
        ),
        InvariantCheck(
            "routed_unless_received",
            "Every output past `received` has a route, unless it was withdrawn before routing; no other has one.",
            f"""
            SELECT o.id, o.state, r.kind FROM {_RECENT_OUTPUTS} o LEFT JOIN escalation_route r ON r.output_id = o.id
            WHERE (o.state = 'received' AND r.output_id IS NOT NULL)
               OR (o.state IN ('in_review', 'decided') AND r.output_id IS NULL)
            """,
        ),
    ]


def _state_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "state_as_decided",
            "A decided output has a decision, a withdrawn one has `withdrawn` as its last; one in review has none.",
            f"""
            SELECT o.id, o.state, d.revision, d.outcome FROM {_RECENT_OUTPUTS} o
            LEFT JOIN LATERAL (
                SELECT revision, outcome FROM escalation_decision
                WHERE output_id = o.id ORDER BY revision DESC LIMIT 1
            ) d ON true
            WHERE (o.state = 'decided' AND COALESCE(d.outcome, 'withdrawn') = 'withdrawn')
               OR (o.state = 'withdrawn' AND d.outcome IS DISTINCT FROM 'withdrawn')
               OR (o.state IN ('received', 'in_review') AND d.revision IS NOT NULL)
            """,
        ),
        InvariantCheck(
            "in_review_waits_for_somebody",
            "An output in review has an open item, or a label that is about to be processed.",
            f"""
            SELECT o.id, i.state FROM {_RECENT_OUTPUTS} o LEFT JOIN {ITEMS_SQL} i ON i.id = o.id
            WHERE o.state = 'in_review' AND i.state IS DISTINCT FROM 'open' AND NOT EXISTS (
                SELECT FROM {LABELS_SQL} l JOIN {UNTAKEN_LABELS_SQL} b ON b.label_id = l.id
                WHERE l.item_id = o.id)
            """,
        ),
        InvariantCheck(
            "reviewed_has_item",
            "Every output sent to review or audited has an item in its queue.",
            f"""
            SELECT r.output_id, r.reason FROM {_RECENT_ROUTES} r LEFT JOIN {ITEMS_SQL} i ON i.id = r.output_id
            WHERE (r.kind = 'review' OR r.audit <> '') AND i.id IS NULL
            """,
        ),
    ]


def _release_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "released_by_policy",
            "Nothing was automated without a confidence, against its schema, below its threshold, with a field that "
            "reviewers have to give, without a policy, or while stopped.",
            f"""
            SELECT o.id, r.reason FROM {_RECENT_ROUTES} r JOIN escalation_output o ON o.id = r.output_id
            LEFT JOIN escalation_stop s
              ON (s.stream_id IS NULL OR s.stream_id = o.stream_id)
             AND r.routed_at > s.stopped_at AND (s.resumed_at IS NULL OR r.routed_at < s.resumed_at)
            WHERE r.released AND (o.confidence IS NULL OR o.invalid_prediction
                                  OR r.parts IS NULL AND (r.threshold IS NULL OR o.confidence < r.threshold)
                                  OR jsonb_array_length(r.parts -> 'asked') > 0
                                  OR r.parts IS NOT NULL
                                     AND jsonb_path_exists(o.field_confidences, '$.* ? (@ == null)')
                                  OR NOT r.eligible OR r.audit = 'hold' OR r.policy_id IS NULL
                                  OR r.stop_id IS NOT NULL OR s.id IS NOT NULL)
            """,
        ),
        InvariantCheck(
            "somebody_decided_the_route",
            "Every route names its policy unless there was none, and its stop if there was one.",
            f"""
            SELECT r.output_id, r.reason FROM {_RECENT_ROUTES} r
            LEFT JOIN escalation_policy p ON p.id = r.policy_id LEFT JOIN escalation_stop s ON s.id = r.stop_id
            WHERE (p.id IS NULL AND r.reason NOT IN ('no_policy', 'stopped', 'dispatch_failed'))
               OR (p.id IS NULL AND r.policy_id IS NOT NULL) OR (r.reason = 'stopped') <> (s.id IS NOT NULL)
            """,
        ),
    ]


def _system_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "model_decided_what_was_released",
            "Automated outputs have a first decision by the model, and no others do.",
            f"""
            SELECT r.output_id, d.by FROM {_RECENT_ROUTES} r
            LEFT JOIN escalation_decision d ON d.output_id = r.output_id AND d.revision = 1
            WHERE r.released <> (d.by IS NOT DISTINCT FROM 'model')
            UNION ALL
            SELECT d.output_id, d.by FROM {_RECENT_DECISIONS} d
            LEFT JOIN escalation_route r ON r.output_id = d.output_id
            WHERE d.by = 'model' AND (d.revision <> 1 OR r.released IS NOT TRUE)
            """,
        ),
        InvariantCheck(
            "deadline_answered_by_policy",
            "The system answered only as the policy says, and accepted only valid predictions with a confidence, while "
            "nothing was stopped.",
            f"""
            SELECT o.id, d.outcome FROM {_RECENT_DECISIONS} d
            JOIN escalation_output o ON o.id = d.output_id
            LEFT JOIN escalation_route r ON r.output_id = o.id
            LEFT JOIN escalation_policy p ON p.id = r.policy_id
            LEFT JOIN escalation_stop s
              ON (s.stream_id IS NULL OR s.stream_id = o.stream_id)
             AND d.decided_at > s.stopped_at AND (s.resumed_at IS NULL OR d.decided_at < s.resumed_at)
            WHERE d.by = 'system' AND (
                d.outcome = 'answered' AND (o.confidence IS NULL OR o.invalid_prediction
                                            OR s.id IS NOT NULL OR r.stop_id IS NOT NULL
                                            OR p.spec ->> 'on_deadline' IS DISTINCT FROM 'accept')
                OR d.outcome = 'rejected' AND p.spec ->> 'on_deadline' IS DISTINCT FROM 'reject'
                OR d.outcome = 'unjudgeable')
            """,
        ),
    ]


def _decision_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "people_decided_by_label",
            "Every decision by people has a label with the same answer, and no other decision has a label.",
            f"""
            SELECT d.output_id, d.revision FROM {_RECENT_DECISIONS} d
            LEFT JOIN {LABELS_SQL} l ON l.id = d.label_id AND l.item_id = d.output_id
            WHERE (d.by = 'people') <> (l.id IS NOT NULL) OR (d.by <> 'people' AND d.label_id IS NOT NULL)
               OR (d.by = 'people' AND (l.outcome <> d.outcome OR l.answer IS DISTINCT FROM d.answer))
            """,
        ),
        InvariantCheck(
            "label_leads_back_to_output",
            "Every processed label is the outcome of a routed output, in its latest round.",
            f"""
            SELECT c.output_id, c.label_id FROM
                (SELECT * FROM escalation_outcome ORDER BY output_id DESC LIMIT 100000) c
            LEFT JOIN {LABELS_SQL} l ON l.id = c.label_id AND l.item_id = c.output_id AND l.round = c.round
            LEFT JOIN escalation_route r ON r.output_id = c.output_id
            WHERE l.id IS NULL OR r.output_id IS NULL OR l.outcome <> c.outcome OR l.answer IS DISTINCT FROM c.answer
            UNION ALL
            SELECT l.item_id, l.id FROM (SELECT * FROM {LABELS_SQL} AS labels ORDER BY id DESC LIMIT 100000) l
            JOIN {ITEMS_SQL} i ON i.id = l.item_id AND i.source = 'output'
            LEFT JOIN escalation_outcome c ON c.output_id = l.item_id
            LEFT JOIN {UNTAKEN_LABELS_SQL} b ON b.label_id = l.id
            WHERE b.label_id IS NULL AND (c.output_id IS NULL OR c.round < l.round)
            """,
        ),
    ]


def _feed_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "revisions_count_up",
            "Revisions of a decision are numbered from 1 without gaps, and match their output.",
            f"""
            SELECT d.output_id, d.revision FROM {_RECENT_DECISIONS} d
            LEFT JOIN escalation_output o
              ON o.id = d.output_id AND o.stream_id = d.stream_id AND o.external_id = d.external_id
            LEFT JOIN escalation_decision before ON before.output_id = d.output_id AND before.revision = d.revision - 1
            WHERE o.id IS NULL OR d.revision < 1 OR (d.revision > 1 AND before.id IS NULL)
            """,
        ),
        InvariantCheck(
            "numbers_without_gap",
            "Decisions are numbered without gaps or repeats, up to the head of the feed.",
            """
            SELECT h.seq, count(d.seq), count(DISTINCT d.seq), max(d.seq) FROM escalation_feedhead h
            LEFT JOIN LATERAL (  -- by the index of each stream's feed
                SELECT numbered.seq FROM escalation_stream s
                JOIN escalation_decision numbered ON numbered.stream_id = s.id AND numbered.seq > h.seq - 20000
            ) d ON true
            GROUP BY h.seq
            HAVING count(d.seq) <> count(DISTINCT d.seq) OR count(d.seq) <> LEAST(h.seq, 20000)
                OR COALESCE(max(d.seq), 0) <> h.seq
            UNION ALL
            SELECT NULL, count(*), NULL, max(seq) FROM escalation_decision
            WHERE seq IS NOT NULL AND NOT EXISTS (SELECT FROM escalation_feedhead) HAVING count(*) > 0
            """,
        ),
    ]


# An event covers many outputs, so only the latest events are expanded, and an output is reported only if its events
# must be among them: if it is later than every earlier event. Events are not always in the order of their times: the
# demo and imports write those of past days.
EVENTS_BEFORE = f"(SELECT max(at) FROM {EVENTS_SQL} AS earlier WHERE id < (SELECT min(id) FROM recent))"
_LOGGED_OUTPUTS = f"""
    recent AS MATERIALIZED {_RECENT_EVENTS},
    since AS (SELECT COALESCE({EVENTS_BEFORE} + interval '2 minutes', '-infinity') AS at),
    told AS MATERIALIZED (
        SELECT verb, unnest(object_ids) AS id FROM recent WHERE object_type = 'output' AND object_ids IS NOT NULL
        UNION ALL
        SELECT verb, object_id::bigint FROM recent WHERE verb = 'output.withdrawn')
"""


def _event_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "received_and_routed_are_told",
            "Every output has events for its receipt and its routing.",
            f"""
            WITH {_LOGGED_OUTPUTS}
            SELECT o.id, o.state FROM {_RECENT_OUTPUTS} o
            LEFT JOIN escalation_route r ON r.output_id = o.id
            WHERE o.received_at > (SELECT at FROM since) AND (
                (o.id, 'outputs.received') NOT IN (SELECT id, verb FROM told)
                OR r.output_id IS NOT NULL AND (o.id, 'outputs.routed') NOT IN (SELECT id, verb FROM told))
            """,
        ),
        InvariantCheck(
            "decisions_are_told",
            "Every decision by people or the system has its event.",
            f"""
            WITH {_LOGGED_OUTPUTS}
            SELECT d.output_id, d.revision, d.by FROM {_RECENT_DECISIONS} d
            WHERE d.by <> 'model' AND d.decided_at > (SELECT at FROM since) AND (
                d.output_id, CASE
                    WHEN d.by = 'people' THEN 'outputs.decided'
                    WHEN d.outcome = 'withdrawn' THEN 'output.withdrawn' ELSE 'outputs.timed_out' END
            ) NOT IN (SELECT id, verb FROM told)
            """,
        ),
    ]
