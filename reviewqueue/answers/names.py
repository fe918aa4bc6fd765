"""Names of answers that people can tell apart on buttons, and that fit a line. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.utils.translation import gettext as _

from reviewqueue.kernel.errors import Invalid
from reviewqueue.kernel.json_pointer import format_pointer

_BLANKS = re.compile(r"[\s_]+")
# Categories of characters that end a line or cannot be seen: controls, format characters, line separators.
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
# Persian, Hindi and emoji are written with these, so they are no mistake; they still do not tell two names apart.
_JOINERS = "\u200c\u200d"


def check_new_names(names: Iterable[str]) -> None:
    """Raise Invalid, naming each, for answers that could not be told apart or not be written in a list.

    Only for lists that are new or changed: streams with such answers go on working.
    """
    errors: list[dict[str, str]] = []
    seen: dict[str, str] = {}
    for place, name in enumerate(names):
        folded = fold_name(name)
        detail = _describe_bad_characters(name) or _describe_twin(name, seen.get(folded))
        seen.setdefault(folded, name)
        if detail:
            errors.append({"pointer": format_pointer(["answers", place]), "detail": detail})
    if errors:
        raise Invalid(" ".join(error["detail"] for error in errors[:3]), errors)


def fold_name(name: str) -> str:
    """The same text for names that look the same: case, Unicode form, blanks and underscores do not count."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return _BLANKS.sub(" ", "".join(one for one in plain if unicodedata.category(one) not in {"Cc", "Cf"})).strip()


def _describe_bad_characters(name: str) -> str:
    if name != name.strip():
        return _("The answer “%(name)s” begins or ends with a blank. Remove it.") % {"name": name}
    unseen = next((one for one in name if unicodedata.category(one) in _UNSEEN and one not in _JOINERS), None)
    if unseen is None:
        return ""
    return _("The answer “%(name)s” contains an invisible character (U+%(code)s). Remove it.") % {
        "name": "".join(one for one in name if unicodedata.category(one) not in _UNSEEN),
        "code": f"{ord(unseen):04X}",
    }


def _describe_twin(name: str, twin: str | None) -> str:
    if twin is None:
        return ""
    if twin == name:
        return _("The answer “%(name)s” is listed twice.") % {"name": name}
    return _("The answers “%(twin)s” and “%(name)s” look the same to reviewers. Rename or remove one of them.") % {
        "twin": twin,
        "name": name,
    }
