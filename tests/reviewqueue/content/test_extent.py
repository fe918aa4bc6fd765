"""The length of an input."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.content import extent


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("short", ""),
        ({"text": "word " * 400}, ""),
        ({"text": "word " * 1234}, "1,234 words"),
        ({"a": [{"b": "word " * 300}], "c": ["word " * 300]}, "600 words"),
        ("語" * 3000, "3,000 characters"),
        ({"image": "data:image/png;base64," + "A" * 9000}, ""),
        (7, ""),
        (None, ""),
    ],
)
def test_the_length_of_a_long_input_is_shown(value: Any, told: str) -> None:
    assert extent.describe_length(value) == told


def test_however_deep() -> None:
    value: Any = "word " * 500
    for _ in range(10_000):
        value = [value]
    assert extent.describe_length(value) == "500 words"
