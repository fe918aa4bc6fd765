"""A pseudo language that marks every translated string, and a search for words outside the marks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.utils import translation
from playwright.sync_api import Page

OPEN_MARK, CLOSE_MARK = "\u27e6", "\u27e7"
# What separates one text from the next on a line, and is no word itself.
_SEPARATORS = re.compile(rf"[{OPEN_MARK}{CLOSE_MARK}·:;,.()|/→←\u00d7•\u2013\u2014\n\x00+…“”\"{{}}\[\]]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
# Names of the product, of keys as they are printed on keyboards, of zones and money, and words of formats.
_NAMES = {"reviewqueue", "esc", "enter", "utc", "ctrl", "cmd", "shift", "eur", "null", "true", "false"}
# A stream's own words, in the examples that forms give.
_EXAMPLES = {"rows", "language = de", "large amounts", "value", "table", "billing -> refund"}
# Where people's and machines' words are kept.
_DATA_FIELDS = {
    "username", "slug", "title", "question", "error_types", "answers", "schema", "text", "input", "context", "proposal",
    "alternatives", "model", "model_version", "reference", "note", "answer", "name", "external_id", "segment", "prefix",
    "prediction", "actor", "scopes", "body", "reason",
}  # fmt: skip
_ATTRIBUTES = ["title", "placeholder", "aria-label", "alt", "aria-description", "aria-roledescription"]
_COLLECT_TEXTS_JS = """(attributes) => {
  const told = [];
  const apart = "script, style, noscript, datalist";
  function walk(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.currentNode; node; node = walker.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) {
        if (!node.parentElement?.closest(apart)) told.push([node.parentElement?.outerHTML.slice(0, 120), node.data]);
      } else if (node.nodeType === Node.ELEMENT_NODE) {
        for (const name of attributes) if (node.hasAttribute(name)) told.push([name, node.getAttribute(name)]);
        if (node.matches("template")) walk(node.content);
      }
    }
  }
  walk(document.body);
  told.push(["title", document.title]);
  return told;
}"""


def mark_translations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mark every translated string from now on."""
    spoken: Any = translation._trans  # type: ignore[attr-defined]  # where Django looks each function up
    monkeypatch.setattr(spoken, "gettext", _mark_message)
    monkeypatch.setattr(spoken, "pgettext", lambda context, message: _mark_message(message))
    monkeypatch.setattr(spoken, "ngettext", lambda one, many, number: _mark_message(one if number == 1 else many))
    monkeypatch.setattr(
        spoken, "npgettext", lambda context, one, many, number: _mark_message(one if number == 1 else many)
    )


def list_unmarked_words(page: Page) -> list[str]:
    """The words on the page that are neither marked nor data, each with the element that contains them."""
    known = _stored_text()
    found, depth = [], 0
    for where, text in page.evaluate(_COLLECT_TEXTS_JS, _ATTRIBUTES):
        outside, after = _unmarked_text(text, 0 if where in _ATTRIBUTES else depth)
        depth = depth if where in _ATTRIBUTES else after
        found += [f"{left!r} in {where}" for left in _split_words(outside) if not _is_allowed(left, known)]
    return found


def _mark_message(message: str) -> str:
    return f"{OPEN_MARK}{message}{CLOSE_MARK}" if message.strip() else message


def _unmarked_text(text: str, depth: int) -> tuple[str, int]:
    """What of a text stands outside of all marks, and how many are open after it: markup may split a message."""
    outside = []
    for character in text:
        depth += (character == OPEN_MARK) - (character == CLOSE_MARK)
        outside.append("\x00" if depth or character == CLOSE_MARK else character)
    return "".join(outside), depth


def _split_words(text: str) -> Iterator[str]:
    for part in _SEPARATORS.split(text):
        if _WORD.search(part):
            yield " ".join(part.split())


def _is_allowed(left: str, known: str) -> bool:
    said = left.lower().replace("_", " ").strip(" 0123456789%=<>-")
    return said in _NAMES | _EXAMPLES or said in known or _names_a_character(said)


def _names_a_character(said: str) -> bool:
    """Unicode has one name for each, in every language."""
    try:
        unicodedata.lookup(said)
    except KeyError:
        return False
    return True


def _stored_text() -> str:
    """All text that people and producers have stored in the database, concatenated."""
    told: list[str] = []
    for label in ("reviewqueue", "escalation"):
        for model in apps.get_app_config(label).get_models():
            names = [field.name for field in model._meta.fields if field.name in _DATA_FIELDS and not field.is_relation]
            if names:
                told.extend(_strings(model._default_manager.values_list(*names)))
    return "\n".join(told).lower().replace("_", " ")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield " ".join(value.split())
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(key)
            yield from _strings(inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _strings(inner)
