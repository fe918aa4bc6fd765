"""The bytes of a definition file as plain data: encodings, YAML, and what a file must not contain. Pure."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Hashable
from typing import Any

import yaml
from django.utils.translation import gettext as _
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reviewqueue.kernel.errors import Invalid

MAX_NODES = 1_000_000  # with every alias written out
_NUMBER_TAGS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})
# In base 60 (1:30 is 90) or 8 (010 is 8).
_MISLEADING_NUMBER = re.compile(r"[-+]?(?:[0-9_]+:|0[0-9_]+\Z)")
_MERGE_TAG = "tag:yaml.org,2002:merge"
# The longer marks first: the one of UTF-32 begins like the one of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def parse_file(raw: bytes) -> Any:
    """The plain data of a YAML file in UTF-8, or in UTF-16 with its mark. Raises Invalid with the line of the error."""
    text = _decode(raw)
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a safe loader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _invalid_line(mark.line + 1 if mark else 1, str(error.problem or error.context)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _invalid_line(line, _describe_character(chr(int(error.character)))) from error
    except yaml.YAMLError as error:
        raise Invalid(str(error)) from error
    except RecursionError as error:
        raise Invalid(_("The file is nested too deeply.")) from error


def _decode(raw: bytes) -> str:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise Invalid(
                _("The file begins like %(name)s but is not. Save it as UTF-8.") % {"name": encoding}
            ) from error
        if raw.count(0) > len(raw) // 4:
            raise Invalid(_("The file is not UTF-8 text; it looks like UTF-16. Save it as UTF-8.")) from error
        raise _invalid_line(
            raw.count(b"\n", 0, error.start) + 1,
            _("byte 0x%(byte)02X is not UTF-8 (“%(shown)s” in Windows-1252?). Save the file as UTF-8.")
            % {"byte": raw[error.start], "shown": raw[error.start : error.start + 1].decode("cp1252", "replace")},
        ) from error


class _StrictLoader(yaml.SafeLoader):
    """Refuses what YAML would resolve in silence: keys given twice, control characters, endless references."""

    def get_single_data(self) -> Any:
        node = self.get_single_node()
        if node is None:
            return None
        _check_size(node, {}, set())
        return self.construct_document(node)

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        if isinstance(node, ScalarNode) and node.tag in _NUMBER_TAGS and _MISLEADING_NUMBER.match(node.value):
            raise _invalid_line(
                node.start_mark.line + 1,
                _("YAML reads %(text)s as another number. Write it in decimals, or put a text in quotes.")
                % {"text": node.value},
            )
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, OverflowError) as error:  # a number of thousands of digits, the 30th of February
            raise yaml.constructor.ConstructorError(
                problem=_("this value cannot be read: %(error)s") % {"error": error}, problem_mark=node.start_mark
            ) from error

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        _check_keys(self, node)
        return super().construct_mapping(node, deep=deep)


def _check_keys(loader: _StrictLoader, node: MappingNode) -> None:
    seen: dict[Hashable, int] = {}
    for key_node, _value in node.value:
        if key_node.tag == _MERGE_TAG or not isinstance(key_node, ScalarNode):
            continue
        key, line = loader.construct_object(key_node), key_node.start_mark.line + 1
        if key in seen:
            raise _invalid_line(
                line,
                _("the key “%(key)s” is already in line %(line)s. Remove one of them.")
                % {"key": key, "line": seen[key]},
            )
        seen[key] = line


def _check_size(node: Node, sizes: dict[Node, int], path: set[Node]) -> int:
    """How many nodes there are with every alias written out. Raises Invalid for too many, and for endless ones."""
    if node in sizes:
        return sizes[node]
    line = node.start_mark.line + 1
    if node in path:
        raise _invalid_line(line, _("a value contains itself."))
    if isinstance(node, ScalarNode):
        _check_text(node.value, line)
        return 1
    path.add(node)
    below: list[Node] = (
        list(node.value) if isinstance(node, SequenceNode) else [one for pair in node.value for one in pair]
    )
    size = 1 + sum(_check_size(one, sizes, path) for one in below)
    path.remove(node)
    if size > MAX_NODES:
        raise _invalid_line(line, _("the file is too large once its aliases are written out."))
    sizes[node] = size
    return size


def _check_text(text: str, line: int) -> None:
    for character in text:
        if character not in "\t\n\r" and unicodedata.category(character) in {"Cc", "Cs"}:
            raise _invalid_line(line, _describe_character(character))


def _describe_character(character: str) -> str:
    return _("the character U+%(code)s is not allowed. Remove it.") % {"code": f"{ord(character):04X}"}


def _invalid_line(line: int, detail: str) -> Invalid:
    return Invalid(_("Line %(line)s: %(detail)s") % {"line": line, "detail": detail})
