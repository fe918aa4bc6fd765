"""Helpers for tests that run the product's own processes on the test database."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import quote

from django.db import connection


def wait_until(holds: Callable[[], object], *, seconds: float = 60) -> float:
    """Wait until the condition holds; returns the seconds it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


def build_database_url(name: str = "") -> str:
    """The URL of the test database, or another one of its server, for other processes."""
    of = connection.settings_dict
    user = quote(of["USER"]) + (f":{quote(of['PASSWORD'])}" if of["PASSWORD"] else "")
    return (
        f"postgresql://{user}@/{quote(name or of['NAME'])}?host={quote(of['HOST'], safe='')}&port={of['PORT'] or 5432}"
    )
