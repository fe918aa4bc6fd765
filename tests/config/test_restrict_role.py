"""The application's database role may change everything except append-only evidence."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from tests.helpers import stream_setup

pytestmark = pytest.mark.django_db

# A role that every PostgreSQL has and that owns nothing: making one takes a right that not everybody has.
ROLE = "pg_monitor"
_MAY = f"SELECT has_table_privilege('{ROLE}', %s, %s)"


def test_the_role_may_only_read_and_insert_evidence_but_change_other_tables() -> None:
    call_command("restrict_role", ROLE)
    evidence = {
        name
        for (name,) in stream_setup.run_sql(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only'"
        )
    }
    assert {"reviewqueue_event", "escalation_route", "escalation_errortarget", "escalation_evaluation"} <= evidence
    for table in evidence:
        assert stream_setup.run_sql(_MAY, table, "INSERT") == [(True,)], table
        assert stream_setup.run_sql(_MAY, table, "UPDATE, DELETE, TRUNCATE") == [(False,)], table
    assert stream_setup.run_sql(_MAY, "reviewqueue_slot", "UPDATE") == [(True,)]


def test_a_missing_role_is_refused_with_the_command_that_creates_it() -> None:
    with pytest.raises(CommandError, match="CREATE ROLE nobody_here"):
        call_command("restrict_role", "nobody_here")
