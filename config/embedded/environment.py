"""The variables that the settings read: for a start that brings its own servers, and for those that join."""

import os
import secrets
import shlex
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

from config.embedded import lock
from config.embedded.layout import Layout
from config.embedded.postgres import Postgres
from config.embedded.refusal import Refused
from config.embedded.valkey import Valkey

GENERATED = ("SECRET_KEY",)  # made at the first start, then kept
SHARED = ("DATABASE_URL", "REDIS_URL", "REVIEWQUEUE_PROFILE", *GENERATED)


def embed(layout: Layout, variables: MutableMapping[str, str]) -> None:
    """Fill in what is unset so that `up` can bring it. Raises Refused when this machine can't."""
    layout.make()
    if not variables.get("DATABASE_URL"):
        variables["DATABASE_URL"] = Postgres(layout).url
    if not variables.get("REDIS_URL"):
        variables["REDIS_URL"] = Valkey(layout).url
    variables.setdefault("REVIEWQUEUE_PROFILE", "local")
    for name, value in _read_secrets(layout).items():
        variables.setdefault(name, value)


def join(layout: Layout, variables: MutableMapping[str, str]) -> None:
    """Fill in what is unset so that it means the running `up`. Raises Refused when none runs."""
    if not lock.is_held(layout.lock):
        raise Refused(
            "There is no database to work with: start the embedded one with `make up` in another terminal, "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    try:
        running = read(layout.environment)
    except FileNotFoundError:
        raise Refused("`make up` is just starting (or stopping): try again in a moment.") from None
    for name, value in running.items():
        variables.setdefault(name, value)


def publish(layout: Layout, variables: Mapping[str, str]) -> None:
    """Let `join` find these servers."""
    write(layout.environment, {name: variables[name] for name in SHARED})


def withdraw(layout: Layout) -> None:
    layout.environment.unlink(missing_ok=True)


def read(file: Path) -> dict[str, str]:
    """The variables in `file`, which a shell can source as well."""
    pairs = (word.partition("=") for word in shlex.split(file.read_text(), comments=True))
    return {name: value for name, _, value in pairs}


def write(file: Path, variables: Mapping[str, str]) -> None:
    """Replace `file` at once, for its owner's eyes only."""
    unfinished = _write_beside(file, variables)
    unfinished.replace(file)


def _read_secrets(layout: Layout) -> dict[str, str]:
    """The generated secrets; of two starts that make them at once both get the same ones."""
    if not layout.secrets.exists():
        unfinished = _write_beside(layout.secrets, {name: secrets.token_urlsafe(48) for name in GENERATED})
        with suppress(FileExistsError):
            layout.secrets.hardlink_to(unfinished)
        unfinished.unlink()
    return read(layout.secrets)


def _write_beside(file: Path, variables: Mapping[str, str]) -> Path:
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    return unfinished
