"""A hundred attacks in every kind of content and all over the desk: all of them are text, and nothing else."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from reviewqueue import content
from reviewqueue.models import AnswerSchema, Guideline, Queue, User
from reviewqueue.templatetags.untrusted import visible
from tests.reviewqueue import hostile, items
from tests.reviewqueue.content.drawing import drawn, read

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
# As long as the attacks, because what is long is drawn in another way.
HARMLESS = [
    f"{number} plain words ".ljust(len(one) - 1, "x")[: len(one) - 1] + "."
    for number, one in enumerate(hostile.PAYLOADS)
]
Start = tuple[str, dict[str, str]]


class _Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Start] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def _elements(html: str) -> Iterator[Start]:
    """All elements but those that make hidden and look-alike characters visible."""
    for tag, attributes in _Elements(html).found:
        if tag != "span" or attributes.get("class") not in {"hidden-char", "confusable", "visually-hidden"}:
            yield tag, attributes


def _as_read(payload: str) -> set[str]:
    """How a payload looks where it is shown as it is, and where it is shown as JSON."""
    return {read(visible(form)) for form in (payload, json.dumps(payload, ensure_ascii=False)[1:-1])}


def test_there_are_a_hundred_different_attacks() -> None:
    assert len(set(hostile.PAYLOADS)) == len(hostile.PAYLOADS) == 100


def test_every_kind_of_content_is_attacked() -> None:
    """A new kind takes its place in `hostile.SHAPES`: an input of it, with a stranger's string wherever one can be."""
    assert set(hostile.SHAPES) == content.KINDS
    for kind, shape in hostile.SHAPES.items():
        assert f"/{kind}.html" in _templates(shape(HARMLESS))


def _templates(value: Any) -> str:
    """The templates of an input's blocks, also of those that stand in another."""
    blocks = content.blocks(value, hostile.DISPLAY)
    return " ".join(inner.template for block in blocks for inner in (block, *_inner(block)))


def _inner(block: content.Block) -> list[content.Block]:
    return block.data if block.kind == "prompt" else []


@pytest.mark.parametrize("kind", sorted(content.KINDS))
def test_every_attack_is_text_in_every_kind(kind: str) -> None:
    html = drawn(hostile.SHAPES[kind](hostile.PAYLOADS), display=hostile.DISPLAY)
    said = read(html)
    assert [payload for payload in hostile.PAYLOADS if not any(form in said for form in _as_read(payload))] == []


@pytest.mark.parametrize("kind", sorted(content.KINDS))
def test_no_attack_becomes_an_element_or_an_attribute(kind: str) -> None:
    elements = list(_elements(drawn(hostile.SHAPES[kind](hostile.PAYLOADS), display=hostile.DISPLAY)))
    assert {tag for tag, _ in elements} <= ELEMENTS
    names = {name for _, attributes in elements for name in attributes}
    assert {name for name in names if not re.fullmatch(r"(aria|data)-[a-z-]+", name)} <= ATTRIBUTES
    assert not {name for name in names if name.startswith("data-hx")}
    assert all(attributes.get("src", "data:image/").startswith("data:image/") for _, attributes in elements)
    assert {attributes["dir"] for _, attributes in elements if "dir" in attributes} <= {"auto", "ltr"}


@pytest.mark.parametrize("kind", sorted(content.KINDS))
def test_attacks_are_drawn_by_as_many_elements_as_harmless_words(kind: str) -> None:
    attacked, usual = (
        Counter((tag, *sorted(attributes)) for tag, attributes in _elements(drawn(value, display=hostile.DISPLAY)))
        for value in (hostile.SHAPES[kind](hostile.PAYLOADS), hostile.SHAPES[kind](HARMLESS))
    )
    assert attacked == usual


@pytest.mark.parametrize("payload", hostile.PAYLOADS)
def test_an_attack_alone_stays_text_whatever_the_kind_makes_of_it(payload: str) -> None:
    """Also where a kind refuses the value, and in the places that only one string has."""
    inputs = [payload, [payload], {payload: payload}, *({kind: payload} for kind in content.KINDS)]
    for value in inputs:
        html = drawn(value, language=payload if len(payload) < 3 else "")
        assert {tag for tag, _ in _elements(html)} <= ELEMENTS
        assert any(form in read(html) for form in _as_read(payload))


@pytest.mark.django_db
@pytest.mark.parametrize("first", [False, True], ids=["open", "answer first"])
@pytest.mark.parametrize("form", ["label", "labels", "structured"])
def test_no_attack_acts_anywhere_on_the_desk(queue: Queue, rob: User, form: str, first: bool) -> None:
    attacks = hostile.PAYLOADS
    fields = {payload: {"type": "string", "title": payload, "description": payload} for payload in attacks}
    structured = form == "structured"
    AnswerSchema.objects.create(
        queue=queue,
        number=2,
        kind=form,
        answers=[] if structured else attacks,
        schema={"type": "object", "properties": fields} if structured else None,
    )
    queue.error_types = attacks
    queue.title = queue.question = attacks[0]
    queue.save()
    Guideline.objects.create(queue=queue, number=2, text="\n\n".join(attacks))
    proposal = {"label": attacks[1], "labels": attacks, "structured": {payload: payload for payload in attacks}}[form]
    items.enqueue(
        1,
        schema_number=2,
        input={"data": attacks},
        proposal=proposal,
        alternatives=[{"answer": payload, "confidence": 0.1} for payload in attacks],
        field_hints={f"/{payload}": 0.1 for payload in attacks},
        why={"message": "%(rule)s " + attacks[2], "params": {"rule": attacks[3]}},
        context={payload: payload for payload in attacks},
        reference=attacks[4][:200],
        model=attacks[5],
        language='en" onclick="x',
        answer_first=first,
    )
    client = Client()
    client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")
    html = client.get("/queues/intents/").content.decode()
    _assert_ours(html)
    assert 'lang="en&' not in html


def _assert_ours(html: str) -> None:
    """Scripts, styles, addresses and handlers are those of the product."""
    for tag, attributes in _elements(html):
        assert tag not in {"iframe", "object", "embed", "base", "style", "math", "video", "audio", "foreignobject"}
        assert not any(name.startswith("on") or name in {"style", "srcdoc", "hx-on", "hx-vals"} for name in attributes)
        for name in ("src", "href", "action", "formaction", "hx-get", "hx-post"):
            assert re.match(r"/|#|data:image/|$", attributes.get(name, "")), (tag, name)
            assert not attributes.get(name, "").startswith("//")
        assert tag != "script" or attributes.get("src", "").startswith("/static/")
        assert tag != "meta" or "http-equiv" not in attributes
