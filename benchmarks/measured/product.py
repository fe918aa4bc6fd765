"""The product under test: tables, a stream, a key, the web server and the worker, as `make up` starts them."""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import msgspec

from benchmarks import scratch
from benchmarks.client import Target
from config.embedded import programs
from config.embedded.layout import FolderLayout
from config.embedded.supervisor import Supervisor
from config.management.commands.up import open_listener, wait_for_web
from escalation.models import Stream
from escalation.streams import definition
from reviewqueue.accounts import api_keys

SLUG = "intents"
ANSWERS = ["billing", "refund", "card_arrival", "exchange_rate", "lost_card"]
THRESHOLD = 0.8
PATH = f"/api/v1/streams/{SLUG}/outputs"


def quick() -> bool:
    """Whether `--quick` was given."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    return bool(parser.parse_args().quick)


def prepare(*, undo_seconds: int = 30) -> Stream:
    """Create a stream without audits, so that the confidence alone decides the route."""
    description = {
        "slug": SLUG,
        "title": "Support intents",
        "answers": ANSWERS,
        "review": {"max_waiting": 1_000_000_000, "undo_seconds": undo_seconds},
        "policy": {"threshold": THRESHOLD, "audit": {"rate": 0.0}},
        "costs": {"error": 5.0, "review": 0.4},
    }
    return definition.apply_definition(
        definition.parse_definitions({"streams": [description]})[0], actor="system:bench"
    ).stream


def elements(name: str, count: int, *, reviewed: float) -> list[bytes]:
    """So many outputs of some 350 bytes, a share of which goes to people. Ids begin with `name`."""
    draws = random.Random(name)
    return [_element(f"{name}-{number}", draws, below=number % 100 < 100 * reviewed) for number in range(count)]


def batches(encoded: list[bytes], size: int) -> list[bytes]:
    """Request bodies: single outputs as they are, several as arrays."""
    if size == 1:
        return encoded
    return [b"[" + b",".join(encoded[first : first + size]) + b"]" for first in range(0, len(encoded), size)]


class Site:
    """The processes that run beside the benchmark, started as `make up` starts them."""

    def __init__(self, layout: FolderLayout, supervisor: Supervisor, listening: ExitStack) -> None:
        self._layout = layout
        self._supervisor = supervisor
        self._listening = listening

    def web(self, application: str, path: str, *headers: str) -> Target:
        """Gunicorn as the product runs it, serving one application; where to post."""
        listener = self._listening.enter_context(open_listener("127.0.0.1", 0))
        program = programs.build_web_program(self._layout, folder=scratch.ROOT, listener=listener.fileno())
        # One key posts as fast as it can here.
        unlimited = {**program.environment, "API_KEY_REQUESTS_PER_SECOND": "0"}
        wanted = replace(program, arguments=[*program.arguments[:-1], application], environment=unlimited)
        started = self._supervisor.start(wanted)
        wait_for_web(started, listener)
        return Target("127.0.0.1", listener.getsockname()[1], path, headers)

    def worker(self) -> int:
        """Start the workers; the pid of their parent."""
        started = self._supervisor.start(programs.build_workers_program(self._layout, folder=scratch.ROOT))
        return started.process.pid


@contextmanager
def site() -> Iterator[Site]:
    layout = FolderLayout(scratch.VAR.with_name("bench-web"))
    layout.make_folders()
    with ExitStack() as listening, Supervisor(layout) as supervisor:
        yield Site(layout, supervisor, listening)


def key_header() -> str:
    _, text = api_keys.create_key(name="bench", scopes=["outputs:write"], by=None)
    return f"Authorization: Bearer {text}"


def _element(external_id: str, draws: random.Random, *, below: bool) -> bytes:
    confidence = round(draws.uniform(0.3, 0.79) if below else draws.uniform(0.81, 0.999), 4)
    first, second = draws.sample(ANSWERS, 2)
    return msgspec.json.encode(
        {
            "id": external_id,
            "model": "intent-clf",
            "model_version": "2026-11-01",
            "prediction": first,
            "confidence": confidence,
            "scores": {first: confidence, second: round(1 - confidence, 4)},
            "segment": {"language": "en"},
            "input": {
                "text": f"I was charged twice for order {draws.getrandbits(40)}, please look into it. Thank you!"
            },
        }
    )
