"""A form as its names and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .plain import facts


def read(value: Any) -> list[tuple[str, str]] | None:
    return facts(value) if isinstance(value, Mapping) and value else None
