"""The length of an input, and whether it is long enough to need a search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import ngettext

from reviewqueue.content import image
from reviewqueue.kernel import locale_format

LONG_INPUT_CHARACTERS = 2000
_MAX_CHARACTERS_PER_WORD = 20  # with more, the script has no spaces between words, and characters are counted


def is_long(value: Any) -> bool:
    return sum(map(len, _strings(value))) > LONG_INPUT_CHARACTERS


def describe_length(value: Any) -> str:
    """The length of a long input as text, "" for a short one."""
    if not is_long(value):
        return ""
    characters = words = 0
    for text in _strings(value):
        characters += len(text)
        words += len(text.split())
    count, sentence = (
        (words, ngettext("%(count)s word", "%(count)s words", words))
        if characters < words * _MAX_CHARACTERS_PER_WORD
        else (characters, ngettext("%(count)s character", "%(count)s characters", characters))
    )
    return sentence % {"count": locale_format.format_number(count, grouped=True)}


def _strings(value: Any) -> Iterator[str]:
    """All strings in a value at any depth, except images."""
    stack = [value]
    while stack:
        match stack.pop():
            case str() as text if not image.looks_like_image(text):
                yield text
            case Mapping() as mapping:
                stack.extend(mapping.values())
            case list() as entries:
                stack.extend(entries)
