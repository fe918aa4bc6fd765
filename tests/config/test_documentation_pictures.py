"""The screenshots in the documentation exist, come from `make screenshots`, and are small enough to commit."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

DOCS = Path(settings.BASE_DIR) / "docs"


def test_every_desk_screenshot_exists_and_is_shown_in_the_docs() -> None:
    shown = re.findall(r"images/desk/([\w-]+\.jpg)", (DOCS / "desk.md").read_text())
    assert {path.name for path in (DOCS / "images" / "desk").iterdir()} == set(shown)
    assert sum(path.stat().st_size for path in (DOCS / "images" / "desk").iterdir()) < 4_000_000
