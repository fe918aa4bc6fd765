"""Typed access to environment variables; raises InvalidSetting when one is missing or malformed."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

MIN_SECRET_LENGTH = 50
MIN_DISTINCT_TRIPLES = 40


class InvalidSetting(Exception):
    """An environment variable is missing or has an invalid value. The message says how to fix it."""


def read_text(name: str, default: str | None = None) -> str:
    """The value of `name`; it must be set and not empty if there is no default."""
    value = os.environ.get(name, default)
    if value is None or (value == "" and default is None):
        raise InvalidSetting(f"{name} is not set. {_EXPLANATIONS.get(name, '')}".strip())
    return value


def read_int(name: str, default: int | None) -> int:
    """A whole number, not negative; with `default=None` it must be set."""
    value = _parse_value(name, None if default is None else str(default), int, "a whole number")
    if value < 0:
        raise InvalidSetting(f"{name} is {value}, but must not be negative.")
    return value


def read_secret(name: str) -> str:
    """A secret that must be set and cannot be guessed. Raises InvalidSetting without showing it."""
    return _check_secret(name, read_text(name))


def read_secrets(name: str) -> list[str]:
    """A comma-separated list of such secrets, perhaps empty."""
    return [_check_secret(name, secret) for secret in read_list(name)]


def read_list(name: str, default: str | None = "") -> list[str]:
    """A comma-separated list without empty entries; with `default=None` it must be set."""
    return [word.strip() for word in read_text(name, default).split(",") if word.strip()]


def read_choice(name: str, default: str, *, among: tuple[str, ...]) -> str:
    value = read_text(name, default)
    if value not in among:
        raise InvalidSetting(f"{name} is {value!r}, but must be one of: {', '.join(among)}.")
    return value


def read_database(name: str) -> dict[str, str]:
    """Django's connection fields from `postgresql://user:password@host:port/name?host=/socket/folder`."""
    url = urlsplit(read_text(name))
    if url.scheme not in {"postgres", "postgresql"}:
        raise InvalidSetting(f"{name} must start with postgresql://: reviewqueue needs PostgreSQL.")
    query = parse_qs(url.query)
    return {
        "NAME": unquote(url.path.lstrip("/")) or "postgres",
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query["host"][0] if "host" in query else (url.hostname or ""),
        "PORT": str(url.port or query.get("port", [""])[0]),
    }


def read_broker_url(name: str) -> str:
    """A Redis URL in Celery's format: `unix:///path` becomes `redis+socket:///path?virtual_host=0`."""
    url = read_text(name)
    if url.startswith("unix://"):
        return f"redis+socket://{url.removeprefix('unix://')}?virtual_host=0"
    return url


def _check_secret(name: str, secret: str) -> str:
    """Refuse secrets that are short or repeat themselves: among random characters, hardly any three occur twice."""
    triples = {secret[at : at + 3] for at in range(len(secret) - 2)}
    if len(secret) < MIN_SECRET_LENGTH or len(triples) < MIN_DISTINCT_TRIPLES:
        raise InvalidSetting(f"{name} is too easy to guess. {_EXPLANATIONS['SECRET_KEY']}")
    return secret


def _parse_value[T](name: str, default: str | None, parse: Callable[[str], T], kind: str) -> T:
    value = read_text(name, default)
    try:
        return parse(value)
    except ValueError:
        raise InvalidSetting(f"{name} is {value!r}, but must be {kind}.") from None


_EXPLANATIONS = {
    "SECRET_KEY": "Set it to 50 or more random characters, for example from "
    "`python3 -c 'import secrets; print(secrets.token_urlsafe(50))'`. It signs sessions: keep it secret, and use the "
    "same value in every process.",
    "DATABASE_URL": "Set it to your PostgreSQL database (postgresql://user:password@host:5432/name), or use `make up`, "
    "which brings its own.",
    "REDIS_URL": "Set it to your message broker (redis://host:6379/0), or use `make up`, which brings its own.",
    "PROXIES": "Set it to the number of your own reverse proxies: 1 behind a single one, 0 only if clients connect to "
    "the web process directly.",
    "ALLOWED_HOSTS": "Set it to the host names that this installation serves, separated by commas.",
}
