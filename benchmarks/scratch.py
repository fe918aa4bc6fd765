"""Where the benches write: a database of their own, thrown away at the end. The one in DATABASE_URL is not touched."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config.embedded import ServerUrls
from config.embedded import run_servers as embedded_servers

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench"
NAME = "reviewqueue_bench"


@contextmanager
def run_servers() -> Iterator[ServerUrls]:
    """Your servers, or embedded ones below `var/bench`, which are as durable as in production: the disk is measured."""
    database, redis = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    with ExitStack() as running:
        if not (database and redis):
            embedded = running.enter_context(embedded_servers(VAR))
            database, redis = database or embedded.database_url, redis or embedded.redis_url
        yield ServerUrls(database_url=database, redis_url=redis)


@contextmanager
def empty_product(servers: ServerUrls) -> Iterator[dict[str, str]]:
    """The variables of a product whose database is empty, for as long as the block runs."""
    with _database(servers.database_url) as database:
        yield {
            "DATABASE_URL": database,
            "REDIS_URL": servers.redis_url,
            "SECRET_KEY": os.environ.get("SECRET_KEY") or secrets.token_hex(32),
            "REVIEWQUEUE_PROFILE": "local",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }


def run(command: list[str], variables: Mapping[str, str]) -> int:
    """Run a program below the checkout; its exit status."""
    return subprocess.run(command, cwd=ROOT, env=dict(variables), check=False).returncode


@contextmanager
def _database(url: str) -> Iterator[str]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME}")
        connection.execute(f"CREATE DATABASE {NAME}")
        try:
            yield urlsplit(url)._replace(path=f"/{NAME}").geturl()
        finally:
            # Without FORCE, which would need the right to end an autovacuum; the plain form has it ended.
            connection.execute(f"DROP DATABASE IF EXISTS {NAME}")
