"""The source of templates: short lines without trailing spaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("config", "escalation", "reviewqueue")
TEMPLATES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("templates/**/*.html"))
MAX_LINE_LENGTH = 120


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_has_short_lines_without_trailing_spaces(path: Path) -> None:
    lines = path.read_text().split("\n")
    long = [number for number, line in enumerate(lines, start=1) if len(line) > MAX_LINE_LENGTH]
    trailing = [number for number, line in enumerate(lines, start=1) if line != line.rstrip()]
    assert (long, trailing) == ([], []), "lines that are too long, and lines with trailing spaces"


def test_the_check_finds_the_templates_of_every_package() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in TEMPLATES} == set(PACKAGES)
