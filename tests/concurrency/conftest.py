"""Concurrency tests really commit, so they use no broker and clean up their rows."""

from __future__ import annotations

import pytest

from escalation.ingest import wakeup


@pytest.fixture(autouse=True)
def unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is woken: these tests route, or don't, by themselves."""
    monkeypatch.setattr(wakeup, "_send_wakeup", lambda: None)
