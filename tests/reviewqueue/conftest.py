"""Fixtures for the tests of reviewqueue."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from reviewqueue.models import User
from reviewqueue.reports import invariants
from tests.helpers.desk_client import DeskClient


@pytest.fixture
def balanced(db: None) -> Iterator[None]:
    """After the test, all invariant checks pass."""
    yield
    broken = {}
    for check in invariants.list_checks():
        with connection.cursor() as cursor:
            cursor.execute(check.sql)
            broken[check.sentence] = cursor.fetchall()
    assert {sentence: rows for sentence, rows in broken.items() if rows} == {}


@pytest.fixture
def desk(rob: User) -> DeskClient:
    return DeskClient(rob)
