"""Answers as people and models may send them: big numbers, long decimals, blanks, Unicode forms, nested objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from reviewqueue.desk.structured.fields import AnswerField, FieldLines
from reviewqueue.kernel import sent_json

# What was once rounded, trimmed or normalised on its way to a decision.
NEAR_MISSES: list[tuple[Any, Any]] = [
    ("ACME Corp ", "ACME Corp"),
    ("\n\nACME Corp", "ACME Corp"),
    ("ACME\u00a0", "ACME"),
    ("Cafe\u0301 Nord", "Caf\u00e9 Nord"),
    ("one\ntwo", "one two"),
    *[
        (sent_json.parse_sent(one), sent_json.parse_sent(other))
        for one, other in [
            ("9007199254740993", "9007199254740992"),
            ("9007199254740993", "9007199254740993.0"),
            ("1000000000000000128", "1000000000000000130"),
            ("0.3", "0.30000000000000004"),
            ("0.3", "0.300000000000000044"),
            ("12345678901234567.89", "12345678901234567.88"),
            ("1.1", "1.10"),
            ("100", "1e2"),
        ]
    ],
]

_literals = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.builds(
        "{}{}.{}{}".format,
        st.sampled_from(["", "-"]),
        st.integers(0, 10**20),
        st.text("0123456789", min_size=1, max_size=25),
        st.sampled_from(["", "e5", "E-7"]),
    ),
)
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    [text for pair in NEAR_MISSES for text in pair if isinstance(text, str)]
)
_scalars = st.none() | st.booleans() | _literals.map(sent_json.parse_sent) | _texts
values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.sampled_from(["total", "supplier", "b", "a"]) | _texts, values, max_size=4)
_near_objects = st.sampled_from(NEAR_MISSES).map(lambda pair: ({"supplier": pair[0]}, {"supplier": pair[1]}))
# The model's answer and the person's.
object_pairs = st.tuples(objects, objects) | objects.map(lambda one: (one, one)) | _near_objects


def list_form_entries(parts: Any) -> Iterator[tuple[str, str]]:
    """What a browser would send of a form: every line end as the two characters that forms have for it."""
    for part in parts:
        if isinstance(part, AnswerField):
            yield _as_posted(part.name), _as_posted(part.value)
        else:
            yield _as_posted(part.name), ""
            for line in part.lines if isinstance(part, FieldLines) else [part.parts]:
                yield from list_form_entries(line)


def _as_posted(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
