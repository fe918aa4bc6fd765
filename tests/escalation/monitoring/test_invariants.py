"""Invariant checks: they hold after a full day, and each one finds its violation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from escalation.decisions import deadlines, feed, settle, withdraw
from escalation.ingest import backlog
from escalation.models import Heartbeat
from escalation.monitoring import gauges, heartbeats, invariants, rounds, windows
from escalation.routing.stop import stop_stream
from reviewqueue.models import Item
from reviewqueue.queue import items
from reviewqueue.reports.invariants import InvariantCheck
from tests.helpers import stream_setup

# Every state that an output can be in, by its id.
DAY = [
    "auto",
    "waiting",
    "agreed",
    "corrected",
    "checked",
    "overturned",
    "late",
    "turned down",
    "withdrawn",
    "asked again",
    "unsure",
]

# Check -> statements that each violate its invariant and must be found on their own. `{id}` is an output's id.
BREAKAGES: dict[str, list[str]] = {
    "one_output_per_external_id": [
        "DELETE FROM escalation_externalid WHERE external_id = 'auto'",
        "UPDATE escalation_externalid SET output_id = 1 WHERE external_id = 'auto'",
        "UPDATE escalation_output SET external_id = 'other' WHERE external_id = 'auto'",
        "DELETE FROM escalation_payload WHERE output_id = {auto}",
        "DELETE FROM escalation_output WHERE id = {auto}",
        "UPDATE escalation_output SET stream_id = 0 WHERE external_id = 'waiting'",
    ],
    "routed_unless_received": [
        "DELETE FROM escalation_route WHERE output_id = {waiting}",
        "DELETE FROM escalation_route WHERE output_id = {auto}",
        "UPDATE escalation_output SET state = 'received' WHERE id = {waiting}",
    ],
    "state_as_decided": [
        "DELETE FROM escalation_decision WHERE output_id = {auto}",
        "UPDATE escalation_output SET state = 'in_review' WHERE id = {auto}",
        "UPDATE escalation_output SET state = 'decided' WHERE id = {withdrawn}",
        "UPDATE escalation_output SET state = 'withdrawn' WHERE id = {auto}",
        "UPDATE escalation_output SET state = 'decided' WHERE id = {waiting}",
    ],
    "in_review_waits_for_somebody": [
        "UPDATE reviewqueue_item SET state = 'expired' WHERE id = {waiting}",
        "UPDATE reviewqueue_item SET state = 'settled' WHERE id = {waiting}",
        "DELETE FROM reviewqueue_item WHERE id = {waiting}",
    ],
    "reviewed_has_item": [
        "DELETE FROM reviewqueue_item WHERE id = {agreed}",
        "DELETE FROM reviewqueue_item WHERE id = {checked}",
    ],
    "released_by_policy": [
        "UPDATE escalation_output SET confidence = NULL WHERE id = {auto}",
        "UPDATE escalation_output SET confidence = 0.1 WHERE id = {auto}",
        "UPDATE escalation_route SET threshold = NULL WHERE output_id = {auto}",
        "UPDATE escalation_route SET policy_id = NULL WHERE output_id = {auto}",
        "UPDATE escalation_route SET eligible = false WHERE output_id = {auto}",
        "UPDATE escalation_route SET audit = 'hold' WHERE output_id = {checked}",
        "UPDATE escalation_route SET stop_id = 1 WHERE output_id = {auto}",
        "UPDATE escalation_stop SET stopped_at = '2000-01-01'",
        "UPDATE escalation_stop SET stopped_at = '2000-01-01', stream_id = NULL",
        "UPDATE escalation_stop SET stopped_at = '2000-01-01', resumed_at = NULL",
        "UPDATE escalation_route SET released = true WHERE output_id = {waiting}",
        """UPDATE escalation_route SET parts = '{{"asked": ["/a"], "audited": []}}' WHERE output_id = {auto}""",
        """WITH unknown AS (UPDATE escalation_output SET field_confidences = '{{"/a": null}}' WHERE id = {auto})
           UPDATE escalation_route SET parts = '{{"asked": [], "audited": []}}' WHERE output_id = {auto}""",
    ],
    "somebody_decided_the_route": [
        "UPDATE escalation_route SET policy_id = NULL WHERE output_id = {unsure}",
        "UPDATE escalation_route SET policy_id = 0 WHERE output_id = {unsure}",
        "UPDATE escalation_route SET reason = 'stopped' WHERE output_id = {unsure}",
        "UPDATE escalation_route SET reason = 'below_threshold' WHERE output_id = {waiting}",
        "UPDATE escalation_route SET stop_id = 0, reason = 'stopped' WHERE output_id = {waiting}",
    ],
    "model_decided_what_was_released": [
        "DELETE FROM escalation_decision WHERE output_id = {auto}",
        "UPDATE escalation_decision SET by = 'system' WHERE output_id = {auto}",
        "UPDATE escalation_decision SET by = 'model' WHERE output_id = {agreed}",
        "UPDATE escalation_decision SET by = 'model' WHERE output_id = {overturned}",
        "UPDATE escalation_route SET released = false, kind = 'review' WHERE output_id = {auto}",
    ],
    "deadline_answered_by_policy": [
        "UPDATE escalation_output SET confidence = NULL WHERE id = {late}",
        "UPDATE escalation_policy SET spec = spec || jsonb_build_object('on_deadline', 'hold')",
        "UPDATE escalation_decision SET outcome = 'rejected', answer = NULL WHERE output_id = {late}",
        "UPDATE escalation_decision SET outcome = 'unjudgeable', answer = NULL WHERE output_id = {late}",
        "UPDATE escalation_route SET stop_id = 1 WHERE output_id = {late}",
        "UPDATE escalation_stop SET stopped_at = '2000-01-01', resumed_at = NULL",
    ],
    "people_decided_by_label": [
        """UPDATE escalation_decision SET answer = '"card_arrival"' WHERE output_id = {agreed}""",
        "UPDATE escalation_decision SET label_id = NULL WHERE output_id = {agreed}",
        "UPDATE escalation_decision SET outcome = 'rejected', answer = NULL WHERE output_id = {corrected}",
        "UPDATE escalation_decision SET by = 'system' WHERE output_id = {agreed}",
        "UPDATE escalation_decision SET label_id = (SELECT min(id) FROM reviewqueue_label) WHERE output_id = {auto}",
        "UPDATE reviewqueue_label SET item_id = {waiting} WHERE item_id = {agreed}",
    ],
    "label_leads_back_to_output": [
        "DELETE FROM escalation_outcome WHERE output_id = {checked}",
        "UPDATE escalation_outcome SET label_id = 0 WHERE output_id = {checked}",
        "UPDATE escalation_outcome SET round = 2 WHERE output_id = {checked}",
        "UPDATE escalation_outcome SET answer = NULL WHERE output_id = {checked}",
        "DELETE FROM escalation_route WHERE output_id = {checked}",
    ],
    "revisions_count_up": [
        "UPDATE escalation_decision SET revision = 3 WHERE output_id = {overturned} AND revision = 2",
        "UPDATE escalation_decision SET revision = 2 WHERE output_id = {agreed}",
        "UPDATE escalation_decision SET revision = 0 WHERE output_id = {agreed}",
        "UPDATE escalation_decision SET stream_id = 0 WHERE output_id = {agreed}",
        "UPDATE escalation_decision SET external_id = 'other' WHERE output_id = {agreed}",
    ],
    "numbers_without_gap": [
        "UPDATE escalation_decision SET seq = seq + 1 WHERE seq = (SELECT max(seq) FROM escalation_decision)",
        "UPDATE escalation_decision SET seq = 1 WHERE seq = 2",
        "UPDATE escalation_decision SET seq = NULL WHERE seq = 2",
        "DELETE FROM escalation_decision WHERE seq = (SELECT max(seq) FROM escalation_decision)",
        "UPDATE escalation_feedhead SET seq = seq + 1",
        "DELETE FROM escalation_feedhead",
    ],
    "received_and_routed_are_told": [
        "DELETE FROM reviewqueue_event WHERE verb = 'outputs.received'",
        "DELETE FROM reviewqueue_event WHERE verb = 'outputs.routed'",
        "UPDATE reviewqueue_event SET object_ids = array_remove(object_ids, {auto}) WHERE verb = 'outputs.routed'",
    ],
    "decisions_are_told": [
        "DELETE FROM reviewqueue_event WHERE verb = 'outputs.decided'",
        "DELETE FROM reviewqueue_event WHERE verb = 'outputs.timed_out'",
        "DELETE FROM reviewqueue_event WHERE verb = 'output.withdrawn'",
    ],
}  # fmt: skip


def _broken() -> set[str]:
    return {imbalance.check.name for imbalance in invariants.find_violations()}


@pytest.fixture(scope="module")
def lived(shared: Callable[[Callable[[], Any]], Any]) -> dict[str, int]:
    ids: dict[str, int] = shared(_live)
    return ids


@pytest.fixture
def day(lived: dict[str, int], db: None) -> dict[str, int]:
    """A stream with outputs in every possible state; output ids by external id."""
    return lived


def _live() -> dict[str, int]:
    stream = stream_setup.create_stream()
    ann, rob, rita = (
        stream_setup.create_person(name, role)
        for name, role in (("ann", "lead"), ("rob", "reviewer"), ("rita", "reviewer"))
    )
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="accept", audit={"rate": 0})
    stream_setup.route_outputs(stream, stream_setup.build_output("auto", confidence=0.9))
    stream_setup.route_outputs(stream, stream_setup.build_output("late", due_at="2026-03-01T12:00:00Z"))
    assert deadlines.answer_overdue_outputs() == 1
    for name, kind, answer in (
        ("agreed", "agree", None),
        ("corrected", "correct", "billing"),
        ("asked again", "none", None),
    ):
        stream_setup.route_outputs(stream, stream_setup.build_output(name))
        stream_setup.judge_next(rob, kind, answer)
        assert settle.settle_items() == 1
    items.reopen_item(item_id=Item.objects.get(reference="asked again").pk, by=ann)
    stream_setup.judge_next(rita, "escalate")
    settle.settle_items()
    stream_setup.judge_next(ann, "correct", "billing")
    assert settle.settle_items() == 1
    stream_setup.activate_policy(stream, threshold=0.8, audit={"rate": 1}, hours=2)
    for name, kind, answer in (("checked", "agree", None), ("overturned", "correct", "billing")):
        stream_setup.route_outputs(stream, stream_setup.build_output(name, confidence=0.9))
        stream_setup.judge_next(rita, kind, answer)
        assert settle.settle_items() == 1
    stream_setup.activate_policy(stream, threshold=0.8, on_deadline="reject", hours=3)
    stream_setup.route_outputs(stream, stream_setup.build_output("turned down", due_at="2026-03-01T12:00:00Z"))
    assert deadlines.answer_overdue_outputs() == 1
    stream_setup.route_outputs(stream, stream_setup.build_output("withdrawn"))
    withdraw.withdraw_output(stream=stream, external_id="withdrawn", actor="key:1")
    stop = stop_stream(stream=stream, by="user:mara")
    stream_setup.route_outputs(stream, stream_setup.build_output("waiting", confidence=1))
    stream_setup.resume_automation(stop)
    stream_setup.route_outputs(stream, stream_setup.build_output("unsure"))
    stream_setup.post_outputs(stream, stream_setup.build_output("received"))
    while feed.number_decisions():
        pass
    backlog.refresh_waiting_counts()
    return {name: stream_setup.find_output(stream, name).pk for name in DAY}


def test_every_invariant_holds_after_a_full_day(day: dict[str, int]) -> None:
    assert [(found.check.name, found.rows) for found in invariants.find_violations()] == []
    out = StringIO()
    call_command("check_ledger", stdout=out)
    assert out.getvalue() == "All invariants hold.\n"


def test_every_invariant_holds_in_an_empty_database(db: None) -> None:
    assert _broken() == set()


def test_every_check_has_statements_that_violate_it() -> None:
    assert {check.name for check in invariants.list_invariants()} == BREAKAGES.keys()


@pytest.mark.parametrize("name", BREAKAGES)
def test_each_check_finds_its_violation(day: dict[str, int], name: str) -> None:
    _tear_down_guards()
    missed = [statement for statement in BREAKAGES[name] if name not in _broken_by(statement, day)]
    assert missed == []
    assert _broken() == set(), "each breakage was taken back"


def test_violations_are_printed_row_by_row_and_stored(day: dict[str, int]) -> None:
    _tear_down_guards()
    stream_setup.run_sql("UPDATE escalation_output SET confidence = NULL WHERE id = %s", day["auto"])
    err = StringIO()
    with pytest.raises(CommandError, match="Invariant checks failed: 1"):
        call_command("check_ledger", stderr=err)
    assert "released_by_policy" in err.getvalue()
    assert str(day["auto"]) in err.getvalue()
    _watch_all()
    assert _results() == (["released_by_policy"], [])
    assert _gauge("ledger_broken_checks") == 1


def test_a_check_that_holds_again_is_no_longer_reported_as_broken(day: dict[str, int]) -> None:
    with transaction.atomic():
        _tear_down_guards()
        stream_setup.run_sql("UPDATE escalation_output SET confidence = NULL WHERE id = %s", day["auto"])
        _watch_all()
        broken = Heartbeat.objects.get(name="invariants").detail
        transaction.set_rollback(True)
    assert broken["broken"] == ["released_by_policy"]
    broken["broken"].append("that is no check")
    heartbeats.store_detail("invariants", broken)
    _watch_all()
    assert _results() == ([], [])


def test_a_check_that_takes_too_long_is_reported_as_that(day: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    endless = InvariantCheck("released_by_policy", "…", "SELECT pg_sleep(60)")
    with monkeypatch.context() as patch:
        patch.setattr(invariants, "_release_checks", lambda: [endless])
        patch.setattr(rounds, "CHECK_TIMEOUT_SECONDS", 0.1)
        _watch_all()
    assert _results() == ([], ["released_by_policy"])
    assert (_gauge("ledger_broken_checks"), _gauge("ledger_unfinished_checks")) == (0, 1)
    _watch_all()
    assert _results() == ([], [])


def test_a_round_goes_on_where_the_last_turn_ended(day: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "SLICE_SECONDS", -1)
    _watch_all()
    names = [check.name for check in invariants.list_all_invariants()]
    assert rounds.run_next_checks() is False
    assert rounds.read_round().next == names[0]
    monkeypatch.setattr(rounds, "SLICE_SECONDS", 60)
    assert rounds.run_next_checks() is True
    assert rounds.read_round().next == ""


def test_an_output_is_reported_only_if_its_events_must_be_recent(
    day: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of past days come late, as the demo writes them: the first of the recent ones says nothing about time."""
    _tear_down_guards()
    monkeypatch.setattr(invariants, "_event_checks", _with_recent_events(invariants._event_checks, 3))
    stream_setup.run_sql("UPDATE reviewqueue_event SET at = at - interval '90 days' WHERE id > %s", _event_id(-4))
    assert _broken() == set()
    latest = stream_setup.run_sql("SELECT max(at) FROM reviewqueue_event")[0][0] + timedelta(minutes=3)
    stream_setup.run_sql("UPDATE escalation_output SET received_at = %s WHERE id = %s", latest, day["auto"])
    assert _broken() == {"received_and_routed_are_told"}


def test_rounds_know_the_latest_time_of_earlier_events_without_reading_them(
    day: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invariants, "RECENT_EVENT_ROWS", 3)
    _watch_all()
    first = rounds.read_round()
    assert (first.events_id, first.events_at[:4]) == (_event_id(-1), str(date.today().year))  # noqa: DTZ011
    stream_setup.run_sql(
        "INSERT INTO reviewqueue_event (at, actor, verb, queue, object_type, object_id) "
        "SELECT '2100-01-01'::timestamptz - number * interval '1 day', 'user:x', 'x', '', 'x', 'x' "
        "FROM generate_series(1, 5) AS number"
    )
    _watch_all()
    assert (rounds.read_round().events_id, rounds.read_round().events_at[:10]) == (_event_id(-4), "2099-12-31")


def test_every_row_is_checked_in_some_round(day: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW_ROWS", 2)
    source = "(SELECT * FROM escalation_output ORDER BY id DESC LIMIT 100000)"
    ids = [row[0] for row in stream_setup.run_sql("SELECT id FROM escalation_output ORDER BY id")]
    ranges: dict[str, windows.IdRange] = {}
    seen = []
    for _ in range(6):
        ranges = windows.move_on([source], ranges)
        seen.append([row[0] for row in stream_setup.run_sql(f"SELECT id FROM {windows.limit_rows(source, ranges)} x")])
    assert [sorted(found) for found in seen] == [sorted({*ids[-2:], *part}) for part in (*_pairs(ids[:-2]), ids[:2])]


def _pairs(ids: list[int]) -> list[list[int]]:
    return [ids[first : first + 2] for first in range(0, len(ids), 2)]


def _event_id(place: int) -> int:
    return int(sorted(row[0] for row in stream_setup.run_sql("SELECT id FROM reviewqueue_event"))[place])


def _with_recent_events(checks: Callable[[], list[InvariantCheck]], count: int) -> Callable[[], list[InvariantCheck]]:
    shorter = [
        replace(check, sql=check.sql.replace(f"LIMIT {invariants.RECENT_EVENT_ROWS}", f"LIMIT {count}"))
        for check in checks()
    ]
    return lambda: shorter


def _watch_all() -> None:
    for _ in range(100):
        if rounds.run_next_checks():
            return
        if rounds.SLICE_SECONDS < 0:
            return


def _results() -> tuple[list[str], list[str]]:
    state = rounds.read_round()
    return state.broken, state.timed_out


def _gauge(name: str) -> float:
    (gauge,) = [one for one in gauges.collect_gauges() if one.name == name]
    return gauge.values[0][1]


def _broken_by(statement: str, day: dict[str, int]) -> set[str]:
    with transaction.atomic():
        stream_setup.run_sql(statement.format(**{name.replace(" ", "_"): output_id for name, output_id in day.items()}))
        found = _broken()
        transaction.set_rollback(True)
    return found


def _tear_down_guards() -> None:
    """Disable triggers, foreign keys and constraints: the database itself would reject most of these violations."""
    stream_setup.run_sql("SET CONSTRAINTS ALL IMMEDIATE")
    for (table,) in stream_setup.run_sql("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only'"):
        stream_setup.run_sql(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
    guards = stream_setup.run_sql(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'u', 'f') "
        "AND (conrelid::regclass::text LIKE 'escalation%' OR conrelid::regclass::text LIKE 'reviewqueue%')"
    )
    for table, name in guards:
        stream_setup.run_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
