"""The environment variables for the settings: for `up`, which brings its own servers, and for commands that join it."""

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

GENERATED_VARIABLES = ("SECRET_KEY",)  # generated on the first start, then kept
SHARED_VARIABLES = ("DATABASE_URL", "REDIS_URL", "REVIEWQUEUE_PROFILE", *GENERATED_VARIABLES)


def fill_for_help(variables: MutableMapping[str, str]) -> None:
    """Set unset variables to values that let the settings load and lead nowhere: for commands that only explain."""
    nowhere = {
        "DATABASE_URL": "postgresql:///none?host=/nonexistent",
        "REDIS_URL": "unix:///nonexistent",
        "ALLOWED_HOSTS": "localhost",
        "PROXIES": "0",
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    for name, value in nowhere.items():
        if not variables.get(name):
            variables[name] = value


def fill_for_embedded(layout: FolderLayout, variables: MutableMapping[str, str]) -> None:
    """Set unset variables to the embedded servers that `up` starts. Raises StartRefused when this machine can't run
    them."""
    layout.make_folders()
    if not variables.get("DATABASE_URL"):
        variables["DATABASE_URL"] = PostgresServer(layout).url
    if not variables.get("REDIS_URL"):
        variables["REDIS_URL"] = ValkeyServer(layout).url
    variables.setdefault("REVIEWQUEUE_PROFILE", "local")
    for name, value in _read_secrets(layout).items():
        variables.setdefault(name, value)


def fill_from_running(layout: FolderLayout, variables: MutableMapping[str, str]) -> None:
    """Set unset variables to the servers of the running `up`. Raises StartRefused when none is running."""
    if not lock.is_held(layout.lock):
        raise StartRefused(
            "No database available. Start the embedded one with `make up` in another terminal, "
            "or set DATABASE_URL and REDIS_URL to your own servers."
        )
    try:
        running = read_variables(layout.environment)
    except FileNotFoundError:
        raise StartRefused("`make up` is starting or stopping. Try again in a moment.") from None
    for name, value in running.items():
        variables.setdefault(name, value)


def publish_variables(layout: FolderLayout, variables: Mapping[str, str]) -> None:
    """Publish the variables for `fill_from_running`."""
    write_variables(layout.environment, {name: variables[name] for name in SHARED_VARIABLES})


def withdraw_variables(layout: FolderLayout) -> None:
    layout.environment.unlink(missing_ok=True)


def read_variables(file: Path) -> dict[str, str]:
    """The variables in `file`, which a shell can also source."""
    pairs = (word.partition("=") for word in shlex.split(file.read_text(), comments=True))
    return {name: value for name, _, value in pairs}


def write_variables(file: Path, variables: Mapping[str, str]) -> None:
    """Replace `file` atomically, readable only by its owner."""
    unfinished = _write_beside(file, variables)
    unfinished.replace(file)


def _read_secrets(layout: FolderLayout) -> dict[str, str]:
    """The generated secrets; two concurrent starts get the same ones."""
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
