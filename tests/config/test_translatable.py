"""All user-facing text is translatable: written as literals in gettext calls, so that `makemessages` collects it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import templatize

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("config", "escalation", "reviewqueue")
MODULES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts
)
TEMPLATES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("templates/**/*.html"))
# Which arguments of each function are messages, or what tells them apart.
FUNCTIONS = {"gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "pgettext": 2, "ngettext": 2, "ngettext_lazy": 2,
             "pgettext_lazy": 2, "npgettext": 3, "npgettext_lazy": 3}  # fmt: skip
# What puts a message together at run time.
BUILT = (ast.JoinedStr, ast.BinOp, ast.Call)
# Two words or more that end as a sentence does.
SENTENCE = re.compile(r".*[^\W\d_]{2}.*\s.*[.?!]", re.DOTALL)
# Whose sentences are not for readers of a page.
NOT_FOR_READERS = (
    *("config/", "escalation/management/", "reviewqueue/management/"),  # for the people who run the product
    *("escalation/monitoring/", "reviewqueue/reports/invariants.py"),
    *("escalation/api/", "escalation/ingest/", "escalation/decisions/feed.py"),  # programs
    *("reviewqueue/api/", "reviewqueue/http/bodies.py", "reviewqueue/http/authentication.py"),
    *("reviewqueue/kernel/strict_json.py", "reviewqueue/kernel/typed_input.py"),
    *("escalation/policies/spec.py", "escalation/streams/definition.py"),  # for authors of stream files
    *("escalation/models/", "escalation/statistics/", "reviewqueue/models/", "reviewqueue/content/message_parts.py"),
    "escalation/guarantees/guarantees.py",  # kept for good as the reason of an activation, as a person's reason is
)
# A snapshot's sentence is chosen elsewhere, and marked there.
CHOSEN_ELSEWHERE = {"reviewqueue/verdicts/wording.py"}


def test_translated_messages_are_string_literals() -> None:
    built, unmarked = [], []
    for path in MODULES:
        other = [argument for call, count in _calls(_parse(path)) for argument in call.args[:count]]
        other = [argument for argument in other if not _is_written_out(argument)]
        built += [(_name(path), ast.unparse(argument)) for argument in other if isinstance(argument, BUILT)]
        if other and _name(path) not in CHOSEN_ELSEWHERE and "gettext_noop" not in path.read_text():
            unmarked.append(_name(path))
    assert built == []
    assert unmarked == [], "one of several messages, which have to be marked where they stand"


def test_user_facing_modules_have_no_untranslated_sentences() -> None:
    for_readers = [path for path in MODULES if not _name(path).startswith(NOT_FOR_READERS)]
    assert [(_name(path), said) for path in for_readers for said in _sentences(_parse(path))] == []


def test_an_untranslated_sentence_would_be_found() -> None:
    raised = 'raise NotFound(f"There is no stream {slug!r} for you.")\nraise NotFound(leases.NOT_RESERVED)'
    assert sorted(_sentences(ast.parse(raised))) == ["There is no stream … for you.", "leases.NOT_RESERVED"]


def test_makemessages_can_collect_the_messages_of_templates() -> None:
    for path in TEMPLATES:
        text = path.read_text()
        assert templatize(text, origin=str(path)) or not text


def test_a_message_that_is_not_a_literal_would_be_found() -> None:
    tree = ast.parse('from django.utils.translation import gettext as _\n_(f"{count} left")\n_("left" % 1)')
    assert all(isinstance(call.args[0], BUILT) for call, _ in _calls(tree))


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _sentences(tree: ast.Module) -> Iterator[str]:
    """Sentences that no translating function is asked for, and marked ones that are raised as they are."""
    translated = {argument for call, _count in _calls(tree) for argument in ast.walk(call)}
    documentation = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if node in translated | documentation | parts:
            continue
        said = _said(node)
        if said.endswith((".", "?", "!")) and SENTENCE.fullmatch(said):  # most strings end otherwise, which is quick
            yield said
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from (ast.unparse(argument) for argument in node.exc.args if _is_constant(argument))


def _said(node: ast.AST) -> str:
    """What a literal says, with a mark for what is put in at run time; "" of anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_said(part) or "…" for part in values)
        case _:
            return ""


def _is_constant(node: ast.expr) -> bool:
    return ast.unparse(node).rpartition(".")[2].isupper() and isinstance(node, ast.Name | ast.Attribute)


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, int]]:
    """Calls of translating functions, by whatever name the module imports them."""
    names: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names |= {name.asname or name.name: FUNCTIONS[name.name] for name in node.names if name.name in FUNCTIONS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node, names[node.func.id]


def _is_written_out(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Constant) and isinstance(argument.value, str)
