"""Text with marked spans, each with a label and perhaps a note.

Offsets count code points. A span inside another is nested; one that overlaps another, reaches past the text or is
invalid is listed as data below the text, so that neither text nor data is ever lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reviewqueue.content import limits
from reviewqueue.content.plain import format_compact_json, format_plain

COLOUR_COUNT = 6
MAX_MARKS = 2000  # spans that are marked; nobody reads a page with more
MAX_LISTED_MARKS = 200  # unmarked spans that are listed one by one
MAX_MARK_LEVELS = 3


@dataclass(frozen=True)
class SpanLabel:
    """A label with its number, from 1 in order of appearance, and how often it occurs."""

    number: int
    name: str
    count: int

    @property
    def colour(self) -> int:
        return (self.number - 1) % COLOUR_COUNT + 1


@dataclass(frozen=True)
class SpanToken:
    """A piece of text, the start of a mark (`opens` and `title`) or its end (`closes`)."""

    text: str = ""
    opens: SpanLabel | None = None
    title: str = ""
    closes: SpanLabel | None = None


@dataclass(frozen=True)
class MarkedText:
    tokens: Sequence[SpanToken]
    labels: Sequence[SpanLabel]
    notes: Sequence[tuple[str, str]]  # the beginning of the marked text, and its note
    rest: Sequence[str] = ()  # spans that could not be marked, as JSON
    unlisted_count: int = 0  # further unmarked spans, which are in `as_lines` as lines of JSON
    as_lines: str = ""
    text: str = ""


@dataclass
class _TextSpan:
    start: int
    end: int
    name: str
    note: str
    inside: list[_TextSpan] = field(default_factory=list)


def parse_spans(value: Any) -> MarkedText | None:
    """`{"text": ..., "spans": [{"start", "end", "label"?, "note"?, ...}]}`, if at least one span can be marked."""
    if not isinstance(value, Mapping) or set(value) != {"text", "spans"}:
        return None
    text, given = value["text"], value["spans"]
    if not isinstance(text, str) or not text or not isinstance(given, list):
        return None
    roots, placed, rest = _nest_spans(text, given)
    if given and not placed:
        return None
    labels = _count_labels(placed)
    return MarkedText(
        tokens=list(_build_tokens(text, roots, {label.name: label for label in labels})),
        labels=labels,
        notes=[(_quote(text, span), span.note) for span in placed if span.note],
        rest=[format_compact_json(entry) for entry in rest[:MAX_LISTED_MARKS]],
        unlisted_count=len(rest[MAX_LISTED_MARKS:]),
        as_lines="\n".join(format_compact_json(entry) for entry in rest[MAX_LISTED_MARKS:]),
        text=text,
    )


def _nest_spans(text: str, given: list[Any]) -> tuple[list[_TextSpan], list[_TextSpan], list[Any]]:
    """The outermost spans, all spans that can be marked in text order, and the entries that cannot."""
    found = [(_parse_span(entry, len(text)), entry) for entry in given]
    rest = [entry for span, entry in found if span is None]
    roots: list[_TextSpan] = []
    placed: list[_TextSpan] = []
    around: list[_TextSpan] = []
    room = limits.take_pieces(min(len(found) - len(rest), MAX_MARKS))
    drawable = ((span, entry) for span, entry in found if span is not None)
    for span, entry in sorted(drawable, key=lambda pair: (pair[0].start, -pair[0].end)):
        while around and around[-1].end <= span.start:
            around.pop()
        if len(placed) == room or len(around) == MAX_MARK_LEVELS or (around and span.end > around[-1].end):
            rest.append(entry)
            continue
        (around[-1].inside if around else roots).append(span)
        around.append(span)
        placed.append(span)
    return roots, placed, rest


def _parse_span(entry: Any, length: int) -> _TextSpan | None:
    if not isinstance(entry, Mapping):
        return None
    start, end, label, note = (entry.get(key) for key in ("start", "end", "label", "note"))
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= length:
        return None
    if not isinstance(label, str | None) or not isinstance(note, str | None):
        return None
    more = [
        f"{key}: {format_plain(more)}" for key, more in entry.items() if key not in {"start", "end", "label", "note"}
    ]
    return _TextSpan(start, end, label or "", " · ".join([*([note] if note else []), *more]))


def _count_labels(placed: list[_TextSpan]) -> list[SpanLabel]:
    counts: dict[str, int] = {}
    for span in placed:
        counts[span.name] = counts.get(span.name, 0) + 1
    return [SpanLabel(number, name, count) for number, (name, count) in enumerate(counts.items(), 1)]


def _build_tokens(
    text: str, spans: list[_TextSpan], labels: dict[str, SpanLabel], start: int = 0, end: int = -1
) -> Iterator[SpanToken]:
    end = len(text) if end < 0 else end
    for span in spans:
        if span.start > start:
            yield SpanToken(text[start : span.start])
        label = labels[span.name]
        yield SpanToken(opens=label, title=span.note)
        yield from _build_tokens(text, span.inside, labels, span.start, span.end)
        yield SpanToken(closes=label)
        start = span.end
    if start < end:
        yield SpanToken(text[start:end])


def _quote(text: str, span: _TextSpan) -> str:
    marked = text[span.start : span.end]
    return marked if len(marked) <= 40 else marked[:39] + "…"
