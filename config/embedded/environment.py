"""The variables that the settings read: for a start that brings its own servers, and for those that join."""

import os
import secrets
import shlex
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

from config.embedded import lock
from config.embedded.layout import FolderLayout
from config.embedded.postgres import PostgresServer
from config.embedded.refusal import StartRefused
from config.embedded.valkey import ValkeyServer

GENERATED_VARIABLES = ("SECRET_KEY",)  # made at the first start, then kept
SHARED_VARIABLES = ("DATABASE_URL", "REDIS_URL", "REVIEWQUEUE_PROFILE", *GENERATED_VARIABLES)


def fill_for_embedded(layout: FolderLayout, variables: MutableMapping[str, str]) -> None:
    """Fill in what is unset so that `up` can bring it. Raises Refused when this machine can't."""
    layout.make_folders()
    if not variables.get("DATABASE_URL"):
        variables["DATABASE_URL"] = PostgresServer(layout).url
    if not variables.get("REDIS_URL"):
        variables["REDIS_URL"] = ValkeyServer(layout).url
    variables.setdefault("REVIEWQUEUE_PROFILE", "local")
    for name, value in _read_secrets(layout).items():
        variables.setdefault(name, value)


def fill_from_running(layout: FolderLayout, variables: MutableMapping[str, str]) -> None:
    """Fill in what is unset so that it means the running `up`. Raises Refused when none runs."""
    if not lock.is_held(layout.lock):
        raise StartRefused(
            "There is no database to work with: start the embedded one with `make up` in another terminal, "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    try:
        running = read_variables(layout.environment)
    except FileNotFoundError:
        raise StartRefused("`make up` is just starting (or stopping): try again in a moment.") from None
    for name, value in running.items():
        variables.setdefault(name, value)


def publish_variables(layout: FolderLayout, variables: Mapping[str, str]) -> None:
    """Let `join` find these servers."""
    write_variables(layout.environment, {name: variables[name] for name in SHARED_VARIABLES})


def withdraw_variables(layout: FolderLayout) -> None:
    layout.environment.unlink(missing_ok=True)


def read_variables(file: Path) -> dict[str, str]:
    """The variables in `file`, which a shell can source as well."""
    pairs = (word.partition("=") for word in shlex.split(file.read_text(), comments=True))
    return {name: value for name, _, value in pairs}


def write_variables(file: Path, variables: Mapping[str, str]) -> None:
    """Replace `file` at once, for its owner's eyes only."""
    unfinished = _write_beside(file, variables)
    unfinished.replace(file)


def _read_secrets(layout: FolderLayout) -> dict[str, str]:
    """The generated secrets; of two starts that make them at once both get the same ones."""
    if not layout.secrets.exists():
        unfinished = _write_beside(layout.secrets, {name: secrets.token_urlsafe(48) for name in GENERATED_VARIABLES})
        with suppress(FileExistsError):
            layout.secrets.hardlink_to(unfinished)
        unfinished.unlink()
    return read_variables(layout.secrets)


def _write_beside(file: Path, variables: Mapping[str, str]) -> Path:
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    return unfinished
