"""A running product for clients that are not ours: a real web server on the test database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reviewqueue.accounts import api_keys
from tests.helpers import stream_setup
from tests.helpers.web_server import WebServer

SCOPES = ("outputs:write", "decisions:read", "labels:read", "reports:read", "review")


@dataclass(frozen=True)
class RunningProduct:
    """Where it listens, and a key for everything."""

    url: str
    key: str


@pytest.fixture
def product(transactional_db: None, tmp_path: Path) -> Iterator[RunningProduct]:
    """Two streams: verdicts of `intents` are final at once; in `careful` people answer first and may undo."""
    stream_setup.create_stream("intents")
    stream_setup.create_stream("careful", policy={"threshold": 0.8, "answer_first": True, "undo_seconds": 600})
    for slug, name in (("intents", "rob"), ("careful", "rita")):
        stream_setup.create_person(name, "reviewer", slug=slug)
    _, key = api_keys.create_key(name="client", scopes=SCOPES, by=None)
    server = WebServer(tmp_path)
    server.start()
    try:
        yield RunningProduct(server.url, key)
    finally:
        server.kill()
