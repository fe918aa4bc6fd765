"""The migrated database that the embedded cluster keeps between runs: each process of the tests copies it.

Migrating takes seconds, in each process of each run; copying takes a tenth of one.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from tests.helpers.processes import build_database_url

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "migrated_"
LOCK_ID = 20260101  # of PostgreSQL's advisory locks; the cluster is the tests' own


def use_template() -> None:
    """Have the test database of this process made from the template, which is built where it is missing."""
    name = f"{PREFIX}{_hash_schema()}"
    with psycopg.connect(build_database_url(), autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK_ID])
        kept = {row[0] for row in server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'migrated%'")}
        if name not in kept:
            for old in kept:
                server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(old)))
            _build(server, name)
    connection.settings_dict["TEST"]["TEMPLATE"] = name


def _build(server: psycopg.Connection, name: str) -> None:
    """Under another name until it is whole."""
    unfinished = f"{PREFIX}unfinished"
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
    environment = os.environ | {"DATABASE_URL": build_database_url(unfinished), "LOG_LEVEL": "ERROR"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=True)
    server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(name)))


def _hash_schema() -> str:
    """Of all that a migrated database depends on: our migrations, the apps, and the libraries' versions."""
    files = sorted(path for app in ("escalation", "reviewqueue") for path in (ROOT / app / "migrations").rglob("*.py"))
    found = hashlib.sha256(repr(settings.INSTALLED_APPS).encode())
    for path in (ROOT / "requirements.lock", *files):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]
