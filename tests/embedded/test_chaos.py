"""Producers post while processes are killed: every acknowledged output is stored and routed exactly once."""

import http.client
import itertools
import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest
import redis

from config.embedded import environment
from config.embedded.layout import FolderLayout
from tests.helpers.checkout import Checkout, UpProcess, wait_until

pytestmark = pytest.mark.fault

STREAM = """
streams:
  - slug: intents
    title: Support intents
    answers: [billing, refund]
    review: {undo_seconds: 0}
    policy: {threshold: 0.8, audit: {rate: 0.1}}
"""
BATCHES, SIZE = 120, 25


def test_acknowledged_outputs_survive_kills_and_are_routed_once(checkout: Checkout) -> None:
    up = checkout.start()
    up.wait_until_ready()
    key = _prepare(checkout)
    acknowledged: list[str] = []
    with ThreadPoolExecutor(1) as poster:
        posting = poster.submit(_post_all, up, key, acknowledged)
        for kill, at in zip(itertools.cycle(_kills(checkout, up)), range(200, BATCHES * SIZE, 300), strict=False):
            wait_until(lambda at=at: len(acknowledged) >= at or posting.done())  # type: ignore[misc]
            kill()
        posting.result(timeout=120)
    assert len(acknowledged) == BATCHES * SIZE
    assert up.process.poll() is None, up.output_text
    wait_until(lambda: _waiting(checkout) == 0)
    assert _outputs(checkout) == set(acknowledged)
    balance = checkout.manage("check_ledger")
    assert balance.returncode == 0, balance.stderr


def _kills(checkout: Checkout, up: UpProcess) -> list[Callable[[], object]]:
    """Kill in turn a web process, a worker and the parent of all workers, and empty the broker."""
    return [
        lambda: _kill(up, "gunicorn", max),
        lambda: _kill(up, "config.workers", max),
        lambda: _kill(up, "config.workers", min),
        lambda: _broker(checkout).flushall(),
    ]


def _kill(up: UpProcess, part: str, which: Callable[[list[int]], int]) -> None:
    """Kill the youngest or the oldest of these processes, once there is one again."""
    found: list[int] = []

    def are_there() -> bool:
        found[:] = [pid for pid, command in up.process_tree().items() if part in command]
        return bool(found)

    wait_until(are_there)
    with suppress(ProcessLookupError):
        os.kill(which(found), signal.SIGKILL)


def _post_all(up: UpProcess, key: str, acknowledged: list[str]) -> None:
    for number in range(BATCHES):
        _post(up, key, number, acknowledged)


def _post(up: UpProcess, key: str, number: int, acknowledged: list[str]) -> None:
    """Post the same content until it is answered, as a producer does."""
    ids = [f"ticket-{number}-{index}" for index in range(SIZE)]
    body = json.dumps(
        [
            {"id": name, "model": "m", "prediction": "refund", "confidence": index / SIZE, "input": {"text": name}}
            for index, name in enumerate(ids)
        ]
    )
    wait_until(lambda: _answered(up, key, body))
    acknowledged += ids


def _answered(up: UpProcess, key: str, body: str) -> bool:
    client = http.client.HTTPConnection(up.url.removeprefix("http://"), timeout=20)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        client.request("POST", "/api/v1/streams/intents/outputs", body, headers)
        answer = client.getresponse()
        results = json.loads(answer.read())["results"]
        return answer.status == http.HTTPStatus.ACCEPTED and all(one["code"] in {200, 202} for one in results)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def _prepare(checkout: Checkout) -> str:
    (checkout.root / "streams.yaml").write_text(STREAM)
    applied = checkout.manage("apply", "streams.yaml")
    assert applied.returncode == 0, applied.stderr
    return checkout.manage("create_key", "chaos", "--scopes", "outputs:write").stdout.strip()


def _addresses(checkout: Checkout) -> dict[str, str]:
    addresses: dict[str, str] = {}
    environment.fill_from_running(FolderLayout(checkout.root / "var"), addresses)
    return addresses


def _broker(checkout: Checkout) -> redis.Redis:
    return redis.Redis.from_url(_addresses(checkout)["REDIS_URL"])


def _waiting(checkout: Checkout) -> int:
    with psycopg.connect(_addresses(checkout)["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT count(*) FROM escalation_output WHERE state = 'received'").fetchall()
    return int(rows[0][0])


def _outputs(checkout: Checkout) -> set[str]:
    """The external ids of all outputs; each is one row and has one route."""
    with psycopg.connect(_addresses(checkout)["DATABASE_URL"]) as connection:
        rows = connection.execute(
            "SELECT external_id FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id"
        ).fetchall()
    assert len(rows) == len(set(rows))
    return {external_id for (external_id,) in rows}
