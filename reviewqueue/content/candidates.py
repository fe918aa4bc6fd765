"""Answers to choose between, side by side."""

from __future__ import annotations

from typing import Any

from .plain import plain


def read(value: Any) -> list[str] | None:
    return [plain(entry) for entry in value] if isinstance(value, list) and value else None
