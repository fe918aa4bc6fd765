"""A worker that has ceased to take its messages ends, so that it is replaced."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import pytest
from celery.worker import state

from config.turns import STALLED_TURNS, TurnSender
from escalation.ingest import wakeup


class Parent:
    """The part of a worker's connection that the sender looks at; it serves one queue."""

    def __init__(self) -> None:
        self.app = SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from={"routing": None})))
        self.timer = self.pool = self
        self.maintained = 0

    def call_repeatedly(self, seconds: float, send: Callable[..., None], arguments: tuple[object, ...]) -> None:
        self.seconds, self.send = seconds, partial(send, *arguments)

    def maintain_pool(self) -> None:
        self.maintained += 1


@pytest.mark.parametrize(("waits", "busy", "ends"), [(True, False, True), (True, True, False), (False, False, False)])
def test_only_an_idle_worker_whose_message_waits_has_stalled(
    monkeypatch: pytest.MonkeyPatch, *, waits: bool, busy: bool, ends: bool
) -> None:
    monkeypatch.setattr(state, "should_stop", None)
    monkeypatch.setattr(state, "reserved_requests", {"a request"} if busy else set())
    sent: list[str] = []

    def send(task: str, *, queue: str, arguments: list[str]) -> bool:
        sent.append(queue)
        return not waits

    monkeypatch.setattr(wakeup, "send_unless_waiting", send)
    parent = Parent()
    TurnSender(parent).start(parent)
    for _ in range(STALLED_TURNS - 1):
        parent.send()
    assert state.should_stop is None
    parent.send()
    assert (state.should_stop == os.EX_SOFTWARE) is ends
    assert set(sent) == {"routing"}
    assert parent.maintained == STALLED_TURNS, "a process of the pool that has ended is replaced at the next turn"
