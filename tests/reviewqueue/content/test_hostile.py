"""A hundred attacks in every place of every kind of content: all of them stay text."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from typing import Any

import pytest

from reviewqueue import content
from reviewqueue.content import table
from reviewqueue.templatetags.untrusted import visible
from tests.helpers import hostile_strings
from tests.helpers.content_rendering import extract_visible_text, render_blocks
from tests.helpers.markup import list_elements
from tests.helpers.template_places import TemplatePlaces

# All that the templates of content may be made of: one that needs more says so here.
_ELEMENTS = (
    "article bdi br button caption code col colgroup dd del details div dl dt em fieldset figcaption figure h3 h4"
    " img input ins kbd label legend li mark ol option output p pre samp section select small span strong summary"
    " table tbody td tfoot th thead time tr ul"
)
_ATTRIBUTES = (
    "alt autocomplete checked class colspan datetime decoding dir disabled draggable for height hidden id lang max min"
    " name open placeholder role rowspan scope src start step tabindex title type value width"
)
ELEMENTS, ATTRIBUTES = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())
# A text becomes a block of another kind when the AI's answer rewrites it.
REWRITING = "rewriting"
KINDS = [*sorted(content.BLOCK_KINDS), REWRITING]


def _drawn(kind: str, strings: list[str]) -> str:
    if kind == REWRITING:
        return "".join(
            render_blocks(told, proposal=proposal) for told, proposal in hostile_strings.build_rewritings(strings)
        )
    return render_blocks(hostile_strings.INPUT_BUILDERS[kind](strings), display=hostile_strings.DISPLAY_KINDS)


@cache
def _attacked(kind: str) -> str:
    """The kind with every attack in it, which takes a while to draw."""
    return _drawn(kind, hostile_strings.HOSTILE_STRINGS)


@cache
def _as_read(payload: str) -> set[str]:
    """How a payload looks where it is shown as it is, and where it is shown as JSON."""
    return {extract_visible_text(visible(form)) for form in (payload, json.dumps(payload, ensure_ascii=False)[1:-1])}


def test_there_are_a_hundred_different_attacks() -> None:
    assert len(set(hostile_strings.HOSTILE_STRINGS)) == len(hostile_strings.HOSTILE_STRINGS) == 100


def test_every_kind_of_content_is_attacked() -> None:
    """A new kind takes its place in `hostile.SHAPES`: an input of it, with a stranger's string wherever one can be."""
    assert set(hostile_strings.INPUT_BUILDERS) == content.BLOCK_KINDS
    for kind, shape in hostile_strings.INPUT_BUILDERS.items():
        assert f"/{kind}.html" in _templates(shape(hostile_strings.HARMLESS_STRINGS))


def _templates(value: Any) -> str:
    """The templates of an input's blocks, also of those that stand in another."""
    blocks = content.build_blocks(value, hostile_strings.DISPLAY_KINDS)
    return " ".join(inner.template for block in blocks for inner in (block, *_inner(block)))


def _inner(block: content.Block) -> list[content.Block]:
    return block.data if block.kind == "prompt" else []


def test_every_attack_reaches_every_place_in_the_templates_of_content(monkeypatch: pytest.MonkeyPatch) -> None:
    places = TemplatePlaces(monkeypatch, hostile_strings.HOSTILE_STRINGS, "content/*.html")
    for kind in KINDS:
        _drawn(kind, hostile_strings.HOSTILE_STRINGS)
    assert places.list_missed(room={"table.html: cell.value.text|visible (1)": table.MAX_CELL_CHARACTERS}) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_every_attack_is_text_in_every_kind(kind: str) -> None:
    said = extract_visible_text(_attacked(kind))
    assert [
        payload for payload in hostile_strings.HOSTILE_STRINGS if not any(form in said for form in _as_read(payload))
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_attack_becomes_an_element_or_an_attribute(kind: str) -> None:
    found = list(list_elements(_attacked(kind)))
    assert {tag for tag, _ in found} <= ELEMENTS
    names = {name for _, attributes in found for name in attributes}
    assert {name for name in names if not re.fullmatch(r"(aria|data)-[a-z-]+", name)} <= ATTRIBUTES
    assert not {name for name in names if name.startswith("data-hx")}
    assert all(attributes.get("src", "data:image/").startswith("data:image/") for _, attributes in found)
    assert {attributes["dir"] for _, attributes in found if "dir" in attributes} <= {"auto", "ltr"}


@pytest.mark.parametrize("kind", KINDS)
def test_attacks_produce_as_many_elements_as_harmless_text(kind: str) -> None:
    attacked, usual = (
        # Data with words in it is open at first, so that attribute depends on the text.
        Counter((tag, *sorted(attributes.keys() - {"open"})) for tag, attributes in list_elements(html))
        for html in (_attacked(kind), _drawn(kind, hostile_strings.HARMLESS_STRINGS))
    )
    assert attacked == usual


@pytest.mark.parametrize("payload", hostile_strings.HOSTILE_STRINGS)
def test_a_single_attack_stays_text_in_every_kind(payload: str) -> None:
    """Also where a kind refuses the value, and in the places that only one string has."""
    inputs = [payload, [payload], {payload: payload}, *({kind: payload} for kind in content.BLOCK_KINDS)]
    for value in inputs:
        html = render_blocks(value, language=payload if len(payload) < 3 else "")
        assert {tag for tag, _ in list_elements(html)} <= ELEMENTS
        assert any(form in extract_visible_text(html) for form in _as_read(payload))
