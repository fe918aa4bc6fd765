"""A pytest plugin that starts PostgreSQL and a broker before the settings are loaded.

It is loaded with `-p` because a conftest is too late: pytest-django loads the settings before any of them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings

from config.embedded import run_servers

VAR_DIRECTORY = Path(__file__).resolve().parents[2] / "var" / "test"
EMBEDDED_VARIABLE = "TESTS_ON_EMBEDDED_POSTGRES"  # the workers of xdist find it set

_running = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))
    os.environ.setdefault("REVIEWQUEUE_PROFILE", "local")
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps a loop in the main thread
    if not ("DATABASE_URL" in os.environ and "REDIS_URL" in os.environ):
        embedded = _running.enter_context(run_servers(VAR_DIRECTORY, disposable=True))
        os.environ.setdefault("DATABASE_URL", embedded.database_url)
        os.environ.setdefault("REDIS_URL", embedded.redis_url)
        if os.environ["DATABASE_URL"] == embedded.database_url:
            os.environ[EMBEDDED_VARIABLE] = "yes"
    yield
    # A slow hash is for strangers who steal the table, not for a cast that signs in in every other test.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_unconfigure() -> None:
    _running.close()
