"""After every journey, all invariant checks pass."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from escalation.monitoring import invariants


@pytest.fixture(autouse=True)
def balanced(db: None) -> Iterator[None]:
    yield
    assert [(found.check.name, found.rows) for found in invariants.find_violations()] == []
