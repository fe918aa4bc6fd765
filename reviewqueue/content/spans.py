"""Text with places in it that are pointed out: each has a label, perhaps a note.

Places count code points. One within another is drawn within it; one that crosses another, reaches past the text or
makes no sense is listed as data below, so that neither text nor data is ever lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reviewqueue.content import limits
from reviewqueue.content.plain import compact, plain

COLOURS = 6
MOST = 2000  # places drawn; a page of more is no longer read
MOST_LISTED = 200  # of those that could not be marked
DEEPEST = 3


@dataclass(frozen=True)
class Label:
    """A label with its number, from 1 in order of appearance, and how often it occurs."""

    number: int
    name: str
    count: int

    @property
    def colour(self) -> int:
        return (self.number - 1) % COLOURS + 1


@dataclass(frozen=True)
class Token:
    """A stretch of text, or where a mark begins (`label` and `title`) or ends."""

    text: str = ""
    opens: Label | None = None
    title: str = ""
    closes: Label | None = None


@dataclass(frozen=True)
class Spans:
    tokens: Sequence[Token]
    labels: Sequence[Label]
    notes: Sequence[tuple[str, str]]  # the beginning of what is marked, and what is said about it
    rest: Sequence[str] = ()  # what could not be marked, as JSON
    more: int = 0  # places past the most that are listed, and those as lines of JSON
    as_lines: str = ""
    text: str = ""


@dataclass
class _Span:
    start: int
    end: int
    name: str
    note: str
    inside: list[_Span] = field(default_factory=list)


def read(value: Any) -> Spans | None:
    """`{"text": ..., "spans": [{"start", "end", "label"?, "note"?, ...}]}`, where at least one place can be marked."""
    if not isinstance(value, Mapping) or set(value) != {"text", "spans"}:
        return None
    text, given = value["text"], value["spans"]
    if not isinstance(text, str) or not text or not isinstance(given, list):
        return None
    roots, placed, rest = _place(text, given)
    if given and not placed:
        return None
    labels = _labels(placed)
    return Spans(
        tokens=list(_tokens(text, roots, {label.name: label for label in labels})),
        labels=labels,
        notes=[(_quote(text, span), span.note) for span in placed if span.note],
        rest=[compact(entry) for entry in rest[:MOST_LISTED]],
        more=len(rest[MOST_LISTED:]),
        as_lines="\n".join(compact(entry) for entry in rest[MOST_LISTED:]),
        text=text,
    )


def _place(text: str, given: list[Any]) -> tuple[list[_Span], list[_Span], list[Any]]:
    """The outermost spans, all that can be drawn in the order of the text, and what cannot."""
    found = [(_span(entry, len(text)), entry) for entry in given]
    rest = [entry for span, entry in found if span is None]
    roots: list[_Span] = []
    placed: list[_Span] = []
    around: list[_Span] = []
    room = limits.some(min(len(found) - len(rest), MOST))
    drawable = ((span, entry) for span, entry in found if span is not None)
    for span, entry in sorted(drawable, key=lambda pair: (pair[0].start, -pair[0].end)):
        while around and around[-1].end <= span.start:
            around.pop()
        if len(placed) == room or len(around) == DEEPEST or (around and span.end > around[-1].end):
            rest.append(entry)
            continue
        (around[-1].inside if around else roots).append(span)
        around.append(span)
        placed.append(span)
    return roots, placed, rest


def _span(entry: Any, length: int) -> _Span | None:
    if not isinstance(entry, Mapping):
        return None
    start, end, label, note = (entry.get(key) for key in ("start", "end", "label", "note"))
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= length:
        return None
    if not isinstance(label, str | None) or not isinstance(note, str | None):
        return None
    more = [f"{key}: {plain(more)}" for key, more in entry.items() if key not in {"start", "end", "label", "note"}]
    return _Span(start, end, label or "", " · ".join([*([note] if note else []), *more]))


def _labels(placed: list[_Span]) -> list[Label]:
    counts: dict[str, int] = {}
    for span in placed:
        counts[span.name] = counts.get(span.name, 0) + 1
    return [Label(number, name, count) for number, (name, count) in enumerate(counts.items(), 1)]


def _tokens(text: str, spans: list[_Span], labels: dict[str, Label], start: int = 0, end: int = -1) -> Iterator[Token]:
    end = len(text) if end < 0 else end
    for span in spans:
        if span.start > start:
            yield Token(text[start : span.start])
        label = labels[span.name]
        yield Token(opens=label, title=span.note)
        yield from _tokens(text, span.inside, labels, span.start, span.end)
        yield Token(closes=label)
        start = span.end
    if start < end:
        yield Token(text[start:end])


def _quote(text: str, span: _Span) -> str:
    marked = text[span.start : span.end]
    return marked if len(marked) <= 40 else marked[:39] + "…"
