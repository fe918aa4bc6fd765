"""Concurrency tests really commit, so they use no broker and clean up their rows."""

from __future__ import annotations

import pytest

from escalation.ingest import wakeup


@pytest.fixture(autouse=True)
def unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Don't wake workers: these tests decide themselves when to route."""
    monkeypatch.setattr(wakeup, "send_wakeup", lambda: None)
