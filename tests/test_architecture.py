"""What linters don't see: names in templates, SQL and strings, and variables that nobody wrote down."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Manager, Model, QuerySet

from escalation import urls as escalation_urls
from escalation.api import urls as escalation_api_urls
from reviewqueue.facade import facts, labels, queue

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {".py", ".html", ".txt", ".js", ".css", ".sql"}
REVIEW_SIDE_DOORS = ("accounts", "activity", "answers", "facade")  # `http` hands on the request, `kernel` has no rows
PURE_CONTRACT = "Answers, content and the desk's layout reach neither database nor network"
MODEL_SIDE = sorted(path for path in (ROOT / "escalation").rglob("*") if path.suffix in SOURCES)
REVIEW_SIDE = sorted(path for path in (ROOT / "reviewqueue").rglob("*") if path.suffix in SOURCES)


def _pure_modules() -> set[Path]:
    """The files of the modules and packages that the contract in `pyproject.toml` calls pure."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = [one for one in settings["tool"]["importlinter"]["contracts"] if one["name"] == PURE_CONTRACT]
    places = [ROOT.joinpath(*module.split(".")) for module in contract["source_modules"]]
    return {file for place in places for file in (*place.rglob("*.py"), place.with_suffix(".py")) if file.is_file()}


def _model_side_names() -> set[str]:
    """The name of the escalation package, which is also its table prefix, and the names of its models."""
    return {"escalation"} | {model.__name__ for model in apps.get_app_config("escalation").get_models()}


def _review_side_models() -> set[str]:
    return {model.__name__ for model in apps.get_app_config("reviewqueue").get_models()}


def _string_constants(path: Path) -> set[str]:
    constants = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def test_reviewqueue_names_nothing_of_escalation() -> None:
    """Not in code, templates, SQL, strings or comments: a foreign key by name or a url by name is an arrow too."""
    assert [str(path) for path in REVIEW_SIDE if "escalation" in path.read_text().lower()] == []


def test_reviewqueue_reads_no_escalation_model_by_name() -> None:
    """`apps.get_model("...", "Policy")` and the like: no string constant is the name of one of its models."""
    foreign = _model_side_names() - _review_side_models()
    named = {str(path): foreign & _string_constants(path) for path in REVIEW_SIDE if path.suffix == ".py"}
    assert {path: names for path, names in named.items() if names} == {}


def test_reviewqueue_links_to_no_page_of_escalation() -> None:
    pages = {pattern.name for pattern in (*escalation_urls.urlpatterns, *escalation_api_urls.urlpatterns)}
    link = re.compile(r"""(?:\{% url|reverse\(|redirect\()\s*["']([\w-]+)["']""")
    linked = {str(path): pages & set(link.findall(path.read_text())) for path in REVIEW_SIDE}
    assert {path: names for path, names in linked.items() if names} == {}


def test_escalation_names_no_table_of_reviewqueue() -> None:
    """Not in SQL, templates, strings or comments. A person is passed on and never looked into."""
    foreign = re.compile(r"reviewqueue_\w+|get_user_model|AUTH_USER_MODEL|request\.user\.")
    named = {str(path): foreign.findall(path.read_text()) for path in MODEL_SIDE}
    assert {path: names for path, names in named.items() if names} == {}


def test_escalation_reads_no_reviewqueue_model_by_name() -> None:
    foreign = {name for model in _review_side_models() for name in (model, f"reviewqueue.{model}")}
    named = {str(path): foreign & _string_constants(path) for path in MODEL_SIDE if path.suffix == ".py"}
    assert {path: names for path, names in named.items() if names} == {}


@pytest.mark.parametrize("door", [queue, labels, facts], ids=lambda door: door.__name__)
def test_the_facade_hands_out_frozen_rows_and_no_models(door: Any) -> None:
    crossing = {name: getattr(door, name) for name in door.__all__}

    assert {name: found for name, value in crossing.items() if (found := _find_live_types(value))} == {}


def test_what_the_model_side_uses_of_the_review_side_hands_out_no_models() -> None:
    used = sorted(_find_used_names())
    live = {(module, name): _find_live_types(_load(module, name)) for module, name in used}

    assert {place: found for place, found in live.items() if found} == {}
    assert {module for module, _ in used} >= {"reviewqueue.accounts.roles", "reviewqueue.facade.queue"}


def test_the_walk_over_types_finds_models_and_querysets() -> None:
    def leak(row: dict[str, list[Model]]) -> tuple[QuerySet[Model], int]:
        raise NotImplementedError

    @dataclasses.dataclass
    class Loose:
        rows: list[int]

    assert _find_live_types(leak) == {Model, QuerySet}
    assert _find_live_types(Loose) == {Loose}


@pytest.mark.parametrize("path", sorted(_pure_modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_modules_import_nothing_of_django_but_its_utils(path: Path) -> None:
    imported = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}

    django = {name for name in imported if name.split(".")[0] == "django"}
    assert {name for name in django if not name.startswith("django.utils")} == set()


def test_every_variable_of_the_settings_stands_in_the_example() -> None:
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert example == set(_variables_read())


def test_no_function_contains_an_import() -> None:
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


def test_no_module_imports_a_private_name_of_another() -> None:
    private = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("config", "escalation", "reviewqueue")
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and any(alias.name.startswith("_") for alias in node.names)
    ]
    assert private == []


def _find_used_names() -> set[tuple[str, str]]:
    """(module, name) of all that the model side uses of the review side's doors."""
    doors = tuple(f"reviewqueue.{door}" for door in REVIEW_SIDE_DOORS)
    used = set[tuple[str, str]]()
    for path in (path for path in MODEL_SIDE if path.suffix == ".py"):
        tree = ast.parse(path.read_text())
        imported = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(doors)
            for alias in node.names
        }
        modules = {name: f"{place}.{one}" for name, (place, one) in imported.items() if place in doors}
        used |= {found for name, found in imported.items() if name not in modules}
        used |= {
            (modules[node.value.id], node.attr)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
        }
    return used


def _load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _find_live_types(value: Any) -> set[type]:
    """The models, QuerySets and dataclasses that are not frozen in what a value is, takes, returns or holds."""
    hints: list[Any] = [value] if isinstance(value, type) else [type(value)]
    if callable(value) and not isinstance(value, type):
        hints += typing.get_type_hints(value).values()
    return {found for hint in hints for found in _list_types(hint, set()) if _is_live(found)}


def _is_live(found: type) -> bool:
    if dataclasses.is_dataclass(found):
        return not typing.cast("Any", found).__dataclass_params__.frozen
    return issubclass(found, (Model, QuerySet, Manager)) or found.__module__.startswith("reviewqueue.models")


def _list_types(hint: Any, seen: set[type]) -> Iterator[type]:
    """The classes in a type hint, however deep, and in the fields of the dataclasses among them."""
    for part in hint if isinstance(hint, list) else typing.get_args(hint):
        yield from _list_types(part, seen)
    found = typing.get_origin(hint) or hint
    if isinstance(found, type) and found not in seen:
        seen.add(found)
        yield found
        if dataclasses.is_dataclass(found):
            for field in typing.get_type_hints(found).values():
                yield from _list_types(field, seen)


def _variables_read() -> Iterator[str]:
    """The first argument of every `env.<function>("NAME", ...)` call in the settings file."""
    for node in ast.walk(ast.parse((ROOT / "config" / "settings.py").read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=str() as name), *_]):
                yield name


_SQL_STATEMENT = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
_SQL_HOMES = {"queries.py", "claim_queries.py", "invariants.py"}


def _holds_sql(path: Path) -> bool:
    """Whether raw SQL may stand in the module: `queries`, the lists of invariant checks, the runner, and models."""
    parts = path.relative_to(ROOT).parts
    return path.name in _SQL_HOMES or parts[1] in {"models", "migrations"} or parts[1:] == ("kernel", "sql.py")


@pytest.mark.parametrize("package", ["escalation", "reviewqueue"])
def test_sql_stands_in_queries_modules_and_runs_through_one_runner(package: str) -> None:
    elsewhere = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / package).rglob("*.py"))
        if not _holds_sql(path)
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL_STATEMENT.match(node.value))
        or (isinstance(node, ast.Attribute) and node.attr in {"cursor", "chunked_cursor"})
    ]

    assert elsewhere == []
