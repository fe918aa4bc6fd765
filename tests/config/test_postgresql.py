"""Reused connections are checked without a round trip, and a connection that the server closed is replaced."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import close_old_connections, connection, connections

from config.postgresql import base

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh_connection() -> Iterator[None]:
    connections.close_all()
    yield
    connections.close_all()


def _serve_request() -> int:
    """A request with one statement; returns the server process that executed it."""
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process: int = cursor.fetchone()[0]
    close_old_connections()
    return process


def _asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Collects the answers to `SELECT 1`."""
    answers: list[bool] = []
    is_usable = base.DatabaseWrapper.is_usable

    def ask(wrapper: base.DatabaseWrapper) -> bool:
        answers.append(is_usable(wrapper))
        return answers[-1]

    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", ask)
    return answers


def test_a_connection_in_use_is_not_asked_again_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _asked(monkeypatch)
    assert len({_serve_request() for _ in range(5)}) == 1
    assert len(asked) <= 1  # the first time nothing is known of it yet


def test_an_idle_connection_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    _serve_request()
    _serve_request()
    asked = _asked(monkeypatch)
    monkeypatch.setattr(base, "ASK_AFTER_IDLE_SECONDS", 0.0)
    _serve_request()
    assert asked == [True]


def test_a_connection_that_the_server_closed_is_replaced_before_its_first_statement() -> None:
    _serve_request()
    process = _serve_request()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
    finally:
        other.close()
    assert _serve_request() != process
