"""What a browser sends for a form that nobody touched."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django import forms


def post_untouched(form: forms.Form) -> dict[str, str]:
    """The fields of a rendered form as a browser posts them: line breaks as CRLF, without what is not ticked.

    What a browser only keeps in a template, or shows without JavaScript, is left out.
    """
    reader = _FieldReader()
    reader.feed("".join(str(field) for field in form))
    reader.close()
    return {name: _as_posted(text) for name, text in reader.values.items()}


def _as_posted(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


class _FieldReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._name = ""
        self._unused = 0  # how many templates and parts without JavaScript are open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found: dict[str, Any] = dict(attrs)
        if tag in {"template", "noscript"}:
            self._unused += 1
        if self._unused:
            return
        if tag == "input" and (found.get("type") not in {"checkbox", "radio"} or "checked" in found):
            self.values[found["name"]] = found.get("value") or ("on" if found.get("type") == "checkbox" else "")
        elif tag == "textarea":
            self._name = found["name"]
            self.values[self._name] = ""
        elif tag == "select":
            self._name = found["name"]
        elif tag == "option" and ("selected" in found or self._name not in self.values):
            self.values[self._name] = found.get("value") or ""  # the first one if none is selected

    def handle_data(self, data: str) -> None:
        if self._name in self.values and self.lasttag == "textarea":
            self.values[self._name] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in {"template", "noscript"}:
            self._unused -= 1
        if tag == "textarea":
            # A browser leaves out the line break that begins a text area, as HTML does.
            self.values[self._name] = self.values[self._name].removeprefix("\r\n").removeprefix("\n")
            self._name = ""
