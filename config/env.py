"""Typed access to environment variables, loud when one is missing or malformed."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit


class InvalidSetting(Exception):
    """A variable that the product cannot start without is not set, or makes no sense."""


def read_text(name: str, default: str | None = None) -> str:
    """The value of `name`; without a default it has to be set."""
    value = os.environ.get(name, default)
    if value is None or (value == "" and default is None):
        raise InvalidSetting(f"{name} is not set. {_EXPLANATIONS.get(name, '')}".strip())
    return value


def read_int(name: str, default: int) -> int:
    return _parse_value(name, str(default), int, "a whole number")


def read_list(name: str, default: str | None = "") -> list[str]:
    """A comma-separated list without empty words; with None for a default it has to be set."""
    return [word.strip() for word in read_text(name, default).split(",") if word.strip()]


def read_choice(name: str, default: str, *, among: tuple[str, ...]) -> str:
    value = read_text(name, default)
    if value not in among:
        raise InvalidSetting(f"{name} is {value!r}; it is one of {', '.join(among)}.")
    return value


def read_database(name: str) -> dict[str, str]:
    """Django's connection fields from `postgresql://user:password@host:port/name?host=/socket/folder`."""
    url = urlsplit(read_text(name))
    if url.scheme not in {"postgres", "postgresql"}:
        raise InvalidSetting(f"{name} has to begin with postgresql://: this product runs on PostgreSQL alone.")
    query = parse_qs(url.query)
    return {
        "NAME": unquote(url.path.lstrip("/")) or "postgres",
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query["host"][0] if "host" in query else (url.hostname or ""),
        "PORT": str(url.port or query.get("port", [""])[0]),
    }


def read_broker_url(name: str) -> str:
    """A Redis URL as Celery spells it: `unix:///path` becomes `redis+socket:///path?virtual_host=0`."""
    url = read_text(name)
    if url.startswith("unix://"):
        return f"redis+socket://{url.removeprefix('unix://')}?virtual_host=0"
    return url


def _parse_value[T](name: str, default: str, parse: Callable[[str], T], kind: str) -> T:
    value = read_text(name, default)
    try:
        return parse(value)
    except ValueError:
        raise InvalidSetting(f"{name} is {value!r}; it has to be {kind}.") from None


_EXPLANATIONS = {
    "SECRET_KEY": "It signs sessions: 50 or more random characters, kept secret, the same in every process.",
    "DATABASE_URL": "It names the PostgreSQL: postgresql://user:password@host:5432/name. "
    "`make up` brings one of its own instead.",
    "REDIS_URL": "It names the message broker: redis://host:6379/0. `make up` brings one of its own instead.",
    "ALLOWED_HOSTS": "It lists the host names that this installation answers to, separated by commas.",
}
