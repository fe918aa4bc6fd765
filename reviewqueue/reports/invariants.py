"""The review side's invariant checks: queries that return the rows which violate them.

They run every minute in production, so tables that grow for ever are checked only in their latest hundred thousand
rows. Open items and slots are checked completely.
"""

# ruff: noqa: S608 - the queries are built from constants of this module, never from input

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InvariantCheck:
    """`sentence` states what must hold; `sql` returns the rows that violate it."""

    name: str
    sentence: str
    sql: str


# The latest rows of each table, read backwards by primary key.
_LATEST_VERDICTS = "(SELECT * FROM reviewqueue_verdict ORDER BY id DESC LIMIT 100000)"
_LATEST_LABELS = "(SELECT * FROM reviewqueue_label ORDER BY id DESC LIMIT 100000)"
_LATEST_ITEMS = "(SELECT * FROM reviewqueue_item ORDER BY id DESC LIMIT 100000)"
_LATEST_PASSES = "(SELECT * FROM reviewqueue_pass ORDER BY id DESC LIMIT 100000)"
_LATEST_EVENTS = "(SELECT * FROM reviewqueue_event ORDER BY id DESC LIMIT 100000)"


def _matching_events(object_type: str, object_id: str, verb: str) -> str:
    """The FROM clause for an object's events `e` with this verb.

    `object_id <> ''` looks redundant, but without it the planner cannot use the partial index `event_of_object`.
    """
    return f"""
        FROM reviewqueue_event e WHERE e.object_type = '{object_type}' AND e.object_id = {object_id}::text
          AND e.object_id <> '' AND e.verb = {verb}"""


def list_checks() -> list[InvariantCheck]:
    """All checks: one vote per person, no verdict lost, every label backed by verdicts, everything in the log."""
    return [*_person_checks(), *_verdict_checks(), *_label_checks(), *_item_checks()]


def _person_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "one_verdict_per_person",
            "At most one verdict of a person counts per item and round.",
            f"""
            SELECT v.item_id, v.round, v.user_id, v.id FROM {_LATEST_VERDICTS} v
            JOIN reviewqueue_verdict o
              ON o.item_id = v.item_id AND o.round = v.round AND o.user_id = v.user_id AND o.id <> v.id
            WHERE v.undone_at IS NULL AND o.undone_at IS NULL
            """,
        ),
        InvariantCheck(
            "one_verdict_per_slot",
            "A slot has at most one counting verdict, by its last holder; an expired reservation has none.",
            f"""
            SELECT v.slot_id, v.claim, v.user_id, v.id FROM {_LATEST_VERDICTS} v
            JOIN reviewqueue_slot s ON s.id = v.slot_id
            WHERE v.undone_at IS NULL
              AND (s.state <> 'judged' OR s.claim <> v.claim OR s.holder_id IS DISTINCT FROM v.user_id
                   OR EXISTS (SELECT FROM reviewqueue_verdict o
                              WHERE o.slot_id = v.slot_id AND o.id <> v.id AND o.undone_at IS NULL))
            """,
        ),
        InvariantCheck(
            "final_say_of_another",
            "Nobody has the final say on an item they have already judged.",
            f"""
            SELECT v.item_id, v.user_id, v.id FROM {_LATEST_VERDICTS} v
            WHERE v.final_say AND v.undone_at IS NULL AND EXISTS (
                SELECT FROM reviewqueue_verdict o
                WHERE o.item_id = v.item_id AND o.user_id = v.user_id AND o.id < v.id AND o.undone_at IS NULL)
            """,
        ),
        InvariantCheck(
            "one_reservation_per_person",
            "Nobody holds two slots of one item in the same round.",
            """
            SELECT s.item_id, s.round, s.holder_id FROM reviewqueue_slot s
            WHERE s.state = 'open' AND s.holder_id IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1
            """,
        ),
    ]


def _verdict_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "verdict_kept",
            "Every acknowledged verdict is stored, unchanged.",
            f"""
            SELECT e.object_id, e.actor, e.after FROM {_LATEST_EVENTS} e
            LEFT JOIN reviewqueue_verdict v
              ON v.id = CASE WHEN e.object_type = 'verdict' THEN e.object_id::bigint END
            WHERE e.object_type = 'verdict' AND e.verb = 'submitted'
              AND (v.id IS NULL OR v.kind <> e.after->>'kind' OR v.item_id::text <> e.after->>'item'
                   OR v.round::text <> e.after->>'round')
            """,
        ),
        InvariantCheck(
            "verdict_has_event",
            "Every verdict and every undo is in the log.",
            f"""
            SELECT v.id, v.undone_at FROM {_LATEST_VERDICTS} v
            WHERE NOT EXISTS (SELECT {_matching_events("verdict", "v.id", "'submitted'")})
            UNION ALL
            SELECT v.id, v.undone_at FROM {_LATEST_VERDICTS} v
            WHERE v.undone_at IS NOT NULL AND NOT EXISTS (SELECT {_matching_events("verdict", "v.id", "'undone'")})
            """,
        ),
        InvariantCheck(
            "pass_has_event",
            "Every pass is in the log.",
            f"""
            SELECT p.item_id, p.round, p.user_id FROM {_LATEST_PASSES} p
            WHERE p.reason <> 'judged_original'
              AND NOT EXISTS (SELECT {_matching_events("item", "p.item_id", "'passed'")})
            """,
        ),
    ]


def _label_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "settled_by_verdicts",
            "Every settled item has a label for its round, and every label is based on final verdicts of that round.",
            f"""
            SELECT i.id, i.round, NULL::bigint AS verdict FROM {_LATEST_ITEMS} i
            WHERE i.state = 'settled' AND NOT EXISTS (
                SELECT FROM reviewqueue_label l
                WHERE l.item_id = i.id AND l.round = i.round AND cardinality(l.verdicts) > 0)
            UNION ALL
            SELECT l.item_id, l.round, n.verdict FROM {_LATEST_LABELS} l
            CROSS JOIN LATERAL unnest(l.verdicts) AS n(verdict)
            LEFT JOIN reviewqueue_verdict v ON v.id = n.verdict
            WHERE v.id IS NULL OR v.item_id <> l.item_id OR v.round <> l.round OR v.undone_at IS NOT NULL
               OR v.final_at > l.settled_at
            """,
        ),
        InvariantCheck(
            "label_leads_back",
            "The answer schema of every label and the guidelines of every verdict exist under their numbers.",
            f"""
            SELECT l.item_id, l.round, 'answers' AS missing FROM {_LATEST_LABELS} l
            JOIN reviewqueue_item i ON i.id = l.item_id
            WHERE NOT EXISTS (SELECT FROM reviewqueue_answerschema a
                              WHERE a.queue_id = i.queue_id AND a.number = l.schema_number)
            UNION ALL
            SELECT v.item_id, v.round, 'guidelines' FROM {_LATEST_VERDICTS} v
            JOIN reviewqueue_item i ON i.id = v.item_id
            WHERE v.guideline_number IS NOT NULL AND NOT EXISTS (
                SELECT FROM reviewqueue_guideline g WHERE g.queue_id = i.queue_id AND g.number = v.guideline_number)
            """,
        ),
        InvariantCheck(
            "label_has_event",
            "Every label is in the log.",
            f"""
            SELECT l.item_id, l.round FROM {_LATEST_LABELS} l
            WHERE l.round > (SELECT count(*) {_matching_events("item", "l.item_id", "'settled'")})
            """,
        ),
    ]


def _item_checks() -> list[InvariantCheck]:
    return [
        InvariantCheck(
            "open_item_goes_on",
            "Every open item waits for a reviewer or for a verdict to become final.",
            """
            SELECT i.id, i.round FROM reviewqueue_item i
            WHERE i.state = 'open' AND i.settle_at IS NULL AND NOT EXISTS (
                SELECT FROM reviewqueue_slot s WHERE s.item_id = i.id AND s.round = i.round AND s.state = 'open')
            """,
        ),
        InvariantCheck(
            "nobody_asked_in_vain",
            "No slot is open on a closed item or in an earlier round.",
            """
            SELECT s.item_id, s.id FROM reviewqueue_slot s JOIN reviewqueue_item i ON i.id = s.item_id
            WHERE s.state = 'open' AND (i.state <> 'open' OR s.round <> i.round)
            """,
        ),
        InvariantCheck(
            "closed_item_has_event",
            "Every withdrawal, expiry and reopening of an item is in the log.",
            f"""
            SELECT i.id, i.state, i.round FROM {_LATEST_ITEMS} i
            WHERE i.state IN ('withdrawn', 'expired')
              AND NOT EXISTS (SELECT {_matching_events("item", "i.id", "i.state")})
            UNION ALL
            SELECT i.id, i.state, i.round FROM {_LATEST_ITEMS} i
            WHERE i.round > 1 AND i.round - 1 > (SELECT count(*) {_matching_events("item", "i.id", "'reopened'")})
            """,
        ),
    ]
