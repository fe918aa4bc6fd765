"""Where the benches write: a database of their own, thrown away at the end. The one in DATABASE_URL is not touched."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
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
TEMPLATE = f"{NAME}_template"


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
def migrated_template(servers: ServerUrls) -> Iterator[str]:
    """The name of a migrated database to copy: migrating takes longer than some benches."""
    with _database(servers.database_url, TEMPLATE) as database:
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=os.environ | _variables(database, servers), check=True)
        yield TEMPLATE


@contextmanager
def empty_product(servers: ServerUrls, template: str) -> Iterator[dict[str, str]]:
    """The variables of a product whose database is empty, for as long as the block runs."""
    with _database(servers.database_url, NAME, template) as database:
        yield _variables(database, servers)


def _variables(database: str, servers: ServerUrls) -> dict[str, str]:
    return {
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
def _database(url: str, name: str, template: str = "template1") -> Iterator[str]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            # Without FORCE, which would need the right to end an autovacuum; the plain form has it ended.
            connection.execute(f"DROP DATABASE IF EXISTS {name}")
