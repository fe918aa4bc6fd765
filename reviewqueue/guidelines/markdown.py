"""Guidelines as people read them: Markdown without raw HTML or pictures, with links that lead nowhere."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict


class _InertLinkRenderer(RendererHTML):
    """A link is text, with its address to read."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<span class="inert-link" title="{escape(str(tokens[idx].attrGet("href")))}">'

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</span>"


_markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_InertLinkRenderer).enable("table").disable("image")


def render_guidelines(text: str) -> SafeString:
    """The rendered guidelines; every character of the source that could be markup of its own is escaped."""
    return SafeString(_markdown.render(text))
