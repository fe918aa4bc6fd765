"""Limits on free text that accompanies an answer, and a check that PostgreSQL can store it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from reviewqueue.answers import schema
from reviewqueue.kernel.errors import Invalid

MAX_NOTE_CHARACTERS = 10_000
MAX_REASON_CHARACTERS = 40
MAX_ERROR_TYPE_CHARACTERS = 60


def check_text(pointer: str, text: str, *, max_characters: int) -> None:
    """Raise Invalid for a text that is too long, or that PostgreSQL cannot store."""
    if len(text) > max_characters:
        raise build_invalid(
            pointer, _("This text is too long: use at most %(most)s characters.") % {"most": max_characters}
        )
    if not schema.is_storable(text):
        raise build_invalid(pointer, _("This text contains invalid characters. Remove them and try again."))


def build_invalid(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])
