"""What linters don't see: names in templates, SQL and strings, and variables that nobody wrote down."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {".py", ".html", ".txt", ".js", ".css", ".sql"}
PEOPLES_SIDE = sorted(path for path in (ROOT / "reviewqueue").rglob("*") if path.suffix in SOURCES)


def _machines_names() -> set[str]:
    """The package's name, which every table of it begins with, and its models'."""
    return {"escalation"} | {model.__name__ for model in apps.get_app_config("escalation").get_models()}


def _other_names() -> set[str]:
    return {model.__name__ for model in apps.get_app_config("reviewqueue").get_models()}


@pytest.mark.parametrize("path", PEOPLES_SIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_peoples_side_names_nothing_of_the_machines_side(path: Path) -> None:
    """Not in code, templates, SQL, strings or comments: a foreign key by name or a url by name is an arrow too."""
    text = path.read_text()

    assert "escalation" not in text.lower()


@pytest.mark.parametrize("path", [path for path in PEOPLES_SIDE if path.suffix == ".py"], ids=lambda path: path.name)
def test_peoples_side_reads_no_model_of_the_machines_side_by_name(path: Path) -> None:
    """`apps.get_model("...", "Policy")` and the like: no string constant is the name of one of its models."""
    strings = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}

    assert not strings & (_machines_names() - _other_names())


def test_every_variable_of_the_settings_stands_in_the_example() -> None:
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert example == set(_variables_read())


def test_no_module_imports_inside_a_function() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("config", "escalation", "reviewqueue")
        for path in sorted((ROOT / package).rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]

    assert hidden == []


def _variables_read() -> Iterator[str]:
    """The first argument of every `env.<kind>("NAME", ...)` in the settings file."""
    for node in ast.walk(ast.parse((ROOT / "config" / "settings.py").read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=str() as name), *_]):
                yield name
