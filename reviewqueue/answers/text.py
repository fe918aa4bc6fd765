"""Limits on what people type beside an answer, and the check that PostgreSQL can store it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from reviewqueue.answers import schema
from reviewqueue.kernel.errors import Invalid

MAX_NOTE_CHARACTERS = 10_000
MAX_REASON_CHARACTERS = 40
MAX_ERROR_TYPE_CHARACTERS = 60


def check_text(pointer: str, text: str, *, most: int) -> None:
    """Raise Invalid for a text that is too long, or that PostgreSQL cannot store."""
    if len(text) > most:
        raise _invalid(pointer, _("This text is too long."))
    if not schema.is_storable(text):
        raise _invalid(pointer, _("This text has characters that are none."))


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])
