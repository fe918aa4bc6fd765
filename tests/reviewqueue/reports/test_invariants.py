"""Every invariant check finds its violation."""

from __future__ import annotations

import pytest
from django.db import connection

from reviewqueue.models import Queue, User
from reviewqueue.reports import invariants
from tests.helpers import queue_items

BREAKAGES = {
    "one_verdict_per_person": """
        DROP INDEX one_counting_verdict_per_person;
        INSERT INTO reviewqueue_verdict (slot_id, item_id, round, user_id, claim, kind, answer, first_at,
            proposal_visible, final_say, reason, note, schema_number, submitted_at, final_at)
        SELECT slot_id, item_id, round, user_id, claim + 1, 'none', NULL, first_at, proposal_visible, final_say,
            reason, note, schema_number, submitted_at, final_at FROM reviewqueue_verdict WHERE item_id = 1""",
    "one_verdict_per_slot": "UPDATE reviewqueue_slot SET claim = claim + 1 WHERE item_id = 1",
    "final_say_of_another": """
        UPDATE reviewqueue_verdict SET item_id = 1, round = 9, final_say = true WHERE item_id = 2""",
    "one_reservation_per_person": """
        DROP INDEX one_slot_per_person;
        UPDATE reviewqueue_slot SET holder_id = (SELECT min(id) FROM reviewqueue_user) WHERE item_id = 3""",
    "verdict_kept": "UPDATE reviewqueue_verdict SET kind = 'escalate', answer = NULL WHERE item_id = 1",
    "verdict_has_event": "UPDATE reviewqueue_verdict SET undone_at = now() WHERE item_id = 1",
    "pass_has_event": """
        INSERT INTO reviewqueue_pass (item_id, round, user_id, reason, at)
        SELECT 1, 1, min(id), '', now() FROM reviewqueue_user""",
    "settled_by_verdicts": "UPDATE reviewqueue_label SET verdicts = '{}'",
    "label_leads_back": "UPDATE reviewqueue_label SET schema_number = 7",
    "label_has_event": "UPDATE reviewqueue_label SET round = 5",
    "open_item_goes_on": "UPDATE reviewqueue_slot SET state = 'closed' WHERE item_id = 3",
    "nobody_asked_in_vain": "UPDATE reviewqueue_item SET state = 'settled' WHERE id = 3",
    "closed_item_has_event": "UPDATE reviewqueue_item SET state = 'expired' WHERE id = 3",
}


def found() -> set[str]:
    names = set()
    for check in invariants.list_checks():
        with connection.cursor() as cursor:
            cursor.execute(check.sql)
            if cursor.fetchall():
                names.add(check.name)
    return names


@pytest.fixture
def busy(queue: Queue, rob: User) -> None:
    """One item settled, one judged, one waiting for two people."""
    queue_items.enqueue_items(1, undo_seconds=0)
    queue_items.enqueue_items(2)
    queue_items.judge_next(rob)
    queue_items.settle_verdicts()
    queue_items.judge_next(rob)
    queue_items.enqueue_items(3, reviews_wanted=2)


def test_every_check_has_a_violation_here() -> None:
    assert {check.name for check in invariants.list_checks()} == BREAKAGES.keys()


@pytest.mark.usefixtures("busy")
def test_a_healthy_database_passes_every_check() -> None:
    assert found() == set()


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("name", BREAKAGES)
def test_each_check_finds_its_violation(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # so that what waits for the end is not in the way
        cursor.execute(BREAKAGES[name])
    assert name in found()
