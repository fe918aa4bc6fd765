"""Language tags that are valid in a `lang` attribute."""

from __future__ import annotations

import re
from typing import Any

# RFC 5646, section 2.1, without the grandfathered tags.
_TAG = re.compile(
    r"""[a-z]{2,3}(-[a-z]{3}){0,3}   # language, extended
        (-[a-z]{4})?                 # script
        (-([a-z]{2}|[0-9]{3}))?      # region
        (-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*           # variants
        (-[a-wyz0-9](-[a-z0-9]{2,8})+)*                # extensions
        (-x(-[a-z0-9]{1,8})+)?                         # private use
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_NOT_A_LANGUAGE = frozenset({"und", "mul", "mis", "zxx"})  # well-formed, but not one language


def parse_language_tag(value: Any) -> str:
    """The value if it is a well-formed tag of one language, else ""."""
    if not isinstance(value, str) or not _TAG.fullmatch(value):
        return ""
    return "" if value[:3].lower() in _NOT_A_LANGUAGE and value[3:4] in {"", "-"} else value
