"""What is to be translated can be found: written out where it is asked for, so that `makemessages` collects it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
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
# A snapshot's sentence, and the one for what is not theirs, are chosen elsewhere, and marked there.
CHOSEN_ELSEWHERE = {"reviewqueue/wording.py", "reviewqueue/desk.py", "reviewqueue/verdicts.py"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_writes_its_messages_out(path: Path) -> None:
    text = path.read_text()
    other = [argument for call, count in _calls(ast.parse(text)) for argument in call.args[:count]]
    other = [argument for argument in other if not _is_written_out(argument)]
    assert [ast.unparse(argument) for argument in other if isinstance(argument, BUILT)] == []
    if other and str(path.relative_to(ROOT)) not in CHOSEN_ELSEWHERE:
        assert "gettext_noop" in text, "one of several messages, which have to be marked where they stand"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_the_messages_of_a_template_can_be_collected(path: Path) -> None:
    text = path.read_text()
    assert templatize(text, origin=str(path)) or not text


def test_a_built_message_would_be_found() -> None:
    tree = ast.parse('from django.utils.translation import gettext as _\n_(f"{count} left")\n_("left" % 1)')
    assert all(isinstance(call.args[0], BUILT) for call, _ in _calls(tree))


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
