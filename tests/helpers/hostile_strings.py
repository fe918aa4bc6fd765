"""A hundred strings that attack whoever shows them as more than text."""

# ruff: noqa: RUF001 - letters that look alike are among them

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from itertools import batched
from typing import Any

_BREAK = "window.broken=1"  # what runs leaves this behind

_MARKUP = [
    f"<script>{_BREAK}</script>",
    f"<SCRIPT SRC=//evil.example/x.js></SCRIPT><script>{_BREAK}//",
    f"</div></section></main><script>{_BREAK}</script>",
    f"<img src=x onerror={_BREAK}>",
    f"<img/src='x'/onerror='{_BREAK}'>",
    f"<<img src=x onerror={_BREAK}//>",
    f'"><img src=x onerror="{_BREAK}">',
    f"' autofocus onfocus='{_BREAK}' x='",
    f'" onmouseover="{_BREAK}" x="',
    f"` onmouseover=`{_BREAK}`",
    f"<body onload={_BREAK}>",
    f"<input autofocus onfocus={_BREAK}>",
    f"<details open ontoggle={_BREAK}>",
    f"<video><source onerror={_BREAK}></video>",
    f"<audio src=x onerror={_BREAK}>",
    f"<marquee onstart={_BREAK}>x</marquee>",
    f"<select autofocus onfocus={_BREAK}><option>x",
    f"<dialog open onclose={_BREAK}>x</dialog>",
    f"<a href=x onclick={_BREAK} id=item>click</a>",
    f"<p onanimationstart={_BREAK} style='animation:x'>",
    f"<div onpointerenter={_BREAK} style='position:fixed;inset:0'>",
    "<iframe src='https://evil.example/'></iframe>",
    f"<iframe srcdoc='<script>parent.{_BREAK}</script>'></iframe>",
    "<object data='https://evil.example/x.swf'></object>",
    "<embed src='https://evil.example/x.swf'>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<link rel=prefetch href='https://evil.example/leak'>",
    "<form action='https://evil.example/'><input name=verdict value=agree><button data-key=a>",
    "<button form=judgement name=verdict value=agree data-key=1 autofocus>Agree</button>",
    "<textarea></textarea><img src=https://evil.example/a>",
    f"</textarea><script>{_BREAK}</script>",
    f"</title><script>{_BREAK}</script>",
    f"</option></select><script>{_BREAK}</script>",
    f"</pre></details></summary><script>{_BREAK}</script>",
]
_FOREIGN = [
    f"<svg onload={_BREAK}>",
    f"<svg><script>{_BREAK}</script></svg>",
    "<svg><use href='https://evil.example/x.svg#x'></use></svg>",
    f"<svg><a xlink:href='javascript:{_BREAK}'><text>x</text></a></svg>",
    f"<svg><animate onbegin={_BREAK} attributeName=x dur=1s>",
    "<svg><image href='https://evil.example/x.png'/></svg>",
    f"<svg><foreignObject><img src=x onerror={_BREAK}></foreignObject></svg>",
    f"<svg><style>{{}}</style><img src=x onerror={_BREAK}>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={_BREAK}>",
    f"<math><mi//xlink:href='data:x,<script>{_BREAK}</script>'>",
    f"<noscript><p title='</noscript><img src=x onerror={_BREAK}>'>",
    f"<svg></p><style><a id='</style><img src=1 onerror={_BREAK}>'>",
    f"<table><td><template><script>{_BREAK}</script></template>",
    f"<template shadowrootmode=open><script>{_BREAK}</script></template>",
    f"<!--><img src=x onerror={_BREAK}>-->",
    f"<![CDATA[><img src=x onerror={_BREAK}>]]>",
    f"<?xml version='1.0'?><x onclick='{_BREAK}'/>",
    f"<!DOCTYPE x [<!ENTITY e '<script>{_BREAK}</script>'>]>&e;",
    f"<x-y is=z onfocus={_BREAK} tabindex=0 autofocus>",
]
_ADDRESSES = [
    f"javascript:{_BREAK}",
    f"JaVaScRiPt:{_BREAK}",
    f"java\tscript:{_BREAK}",
    f"\x01javascript:{_BREAK}",
    f"[click](javascript:{_BREAK})",
    "![p](https://evil.example/p.png)",
    "<https://evil.example/>",
    f"data:text/html,<script>{_BREAK}</script>",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.broken=1'/>",
    f'data:image/png;base64,AAAA" onerror="{_BREAK}',
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
    f"<div hx-on:click='{_BREAK}' hx-on::load='{_BREAK}'></div>",
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

PAYLOADS = [*_MARKUP, *_FOREIGN, *_ADDRESSES, *_TEMPLATES, *_HTMX, *_STYLES, *_CHARACTERS, *_ENTITIES]

# As long as the attacks, because what is long is drawn in another way.
HARMLESS = [
    f"{number} plain words ".ljust(len(one) - 1, "x")[: len(one) - 1] + "." for number, one in enumerate(PAYLOADS)
]

# As much of a text as makes any value a long one, of words that no attack has.
MORE = "Lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod tempor invidunt. " * 8
# A picture of one pixel, its bytes a multiple of three: whatever follows begins with a letter of its own in base64.
_PIXEL = base64.b64decode("R0lGODlhAQABAAAAACwAAAAAAQABAAA=") + b";"
_MOST_DRAWN = 60  # pictures of one block; the others stand as data
_MOST_LISTED = 2  # hundreds of places that cannot be marked; the others stand as data
_SERIES = 100  # blocks of a kind
# What a stream has to say so that the shape alone does not choose: any number of blocks of a kind in one input.
DISPLAY = {
    f"{kind} {number}": kind
    for kind in ("text", "url", "table", "candidates", "image", "diff")
    for number in range(1, _SERIES + 1)
}


def _series(kind: str, values: Iterable[Any]) -> dict[str, Any]:
    """Each of them as a block of its own."""
    return {f"{kind} {number}": value for number, value in enumerate(values, 1)}


def _marked(strings: list[str]) -> dict[str, Any]:
    """Each of them as a label, as a note, as the text that is marked, and in places that cannot be marked."""
    starts = [sum(len(one) + 2 for one in strings[:at]) for at in range(len(strings))]
    places = [
        {"start": start, "end": start + len(one), "label": one, "note": one, one: one}
        for start, one in zip(starts, strings, strict=True)
    ]
    lost = [{"start": -1, "end": 0, one: one} for one in strings]
    return {"text": "\n\n".join(strings), "spans": [*places, *lost * _MOST_LISTED, *lost]}


def _said(string: str) -> list[dict[str, Any]]:
    """Messages with a stranger's string in every place that one has."""
    call = {"id": string, "function": {"name": string, "arguments": string}, "more": string}
    result = {"type": "tool_result", "tool_use_id": string, "content": string, "more": string}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{string}", "detail": string}}
    said = {"type": "text", "text": string, "more": string}
    content = [said, {"type": "thinking", "thinking": string}, result, picture]
    open_to_read = {"role": string, "name": string, "at": string, "content": content, "tool_calls": [call]}
    return [{"role": "system", "content": string, "tool_call_id": string}, open_to_read | {string: string}]


def _row(string: str) -> dict[str, Any]:
    return {"caption": string, "columns": [string, "next"], "rows": [[string, string + MORE]], "x": string}


def _broken(string: str) -> str:
    return f"data:image/png;base64,{string}"


def _drawn(string: str) -> str:
    """A picture that a browser draws, with the string after its end."""
    return f"data:image/gif;base64,{encoded(_PIXEL)}{encoded(string.encode())}"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _edited(string: str) -> dict[str, Any]:
    """Taken out at the beginning, put in at the end, and left alone between these."""
    return {"before": f"{string}\n{MORE}\n{string}", "after": f"{MORE}\n{string}\n{string}"}


def rewritings(strings: list[str]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Inputs, and answers that rewrite their text: few strings in each, because only so many changes are shown."""
    for some in batched(strings, 4, strict=False):
        told = "\n".join(some)
        kept = "so " * len(told)  # more words than are moved, so that these are what moves
        yield {"text": f"{told}\n{kept}"}, {told: f"{kept}\n{told}"}


# An input of each kind of content, made of these strings wherever a producer can put one.
SHAPES: dict[str, Callable[[list[str]], Any]] = {
    "text": lambda strings: _series("text", strings),
    "spans": _marked,
    "messages": lambda strings: {"messages": [message for one in strings for message in _said(one)]},
    "fields": lambda strings: {
        "fields": {one: {one: one, "in": [one, [one]], "all": one + MORE} for one in strings},
    },
    "table": lambda strings: {
        **_series("table", map(_row, strings)),
        "table": {"columns": strings, "rows": [strings]},
    },
    "candidates": lambda strings: {
        "prompt": "\n\n".join(strings),
        "candidates": [*({"name": one, "text": one} for one in strings), *strings],
        **_series("candidates", ([f"{MORE}\n{one}", MORE] for one in strings)),
    },
    "url": lambda strings: _series("url", strings),
    "image": lambda strings: {
        **_series("image", ([_drawn(one), _broken(one)] for one in strings)),
        "image": [*map(_broken, ["AAAA"] * _MOST_DRAWN), *map(_broken, strings)],
        "captions": strings,
    },
    "diff": lambda strings: _series("diff", map(_edited, strings)),
    "json": lambda strings: {"data": [{one: one} for one in strings], **{one: [one] for one in strings}},
}
