"""Renders guidelines: Markdown without raw HTML or images, and with inert links."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict


class _InertLinkRenderer(RendererHTML):
    """Renders a link as text with its address in the title."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<span class="inert-link" title="{escape(str(tokens[idx].attrGet("href")))}">'

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</span>"


_markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_InertLinkRenderer).enable("table").disable("image")


def render_guidelines(text: str) -> SafeString:
    """The guidelines as HTML; any markup in the source is escaped."""
    return SafeString(_markdown.render(text))
