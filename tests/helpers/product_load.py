"""Producers and reviewers of a running product. They repeat what was not answered, as their clients would."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from tests.helpers.running_product import REVIEWERS, SLUG, RunningProduct

ANSWER_TIMEOUT_SECONDS = 15


class ProductLoad:
    """What was acknowledged while the load ran, and every status that was answered (0: none).

    Each producer and reviewer takes a pause before the next request.
    """

    def __init__(self, product: RunningProduct, *, name: str, pause_seconds: float = 0.05, producers: int = 2) -> None:
        self._product = product
        self._producers = producers
        self._name = name
        self._pause_seconds = pause_seconds
        self._over = threading.Event()
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self.acknowledged: list[str] = []
        self.verdicts: list[int] = []
        self.statuses: Counter[int] = Counter()
        self.waits: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """The producers and two reviewers; at the end, each gets the answer that it waits for."""
        work = [threading.Thread(target=self._post_outputs) for _ in range(self._producers)]
        work += [threading.Thread(target=self._review, args=[name]) for name in REVIEWERS]
        for thread in work:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in work:
                thread.join()

    def post(self, external_id: str, *, confidence: float = 0.5) -> int:
        """Post one output once; the status, or 0 without an answer."""
        body = {
            "id": external_id,
            "model": "m",
            "prediction": "refund",
            "confidence": confidence,
            "input": {"text": "x"},
        }
        status, _ = self._send(f"streams/{SLUG}/outputs", "producer", body)
        return status

    def count_unfinished(self) -> tuple[int, int]:
        """Outputs that are not routed, and acknowledged verdicts whose item is not settled."""
        ((received,),) = self._product.fetch("SELECT count(*) FROM escalation_output WHERE state = 'received'")
        ((unsettled,),) = self._product.fetch(
            "SELECT cardinality(%s::bigint[]) - count(*) FROM reviewqueue_verdict v JOIN reviewqueue_item i "
            "ON i.id = v.item_id AND i.state = 'settled' WHERE v.id = ANY(%s)",
            self.verdicts,
            self.verdicts,
        )
        return received, unsettled

    def find_lost_outputs(self) -> list[str]:
        """The acknowledged outputs that were not routed exactly once."""
        rows = self._product.fetch(
            "SELECT o.external_id FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id "
            "WHERE o.external_id = ANY(%s)",
            self.acknowledged,
        )
        routed = Counter(row[0] for row in rows)
        return [external_id for external_id in self.acknowledged if routed[external_id] != 1]

    def _post_outputs(self) -> None:
        while not self._over.wait(self._pause_seconds):
            number = next(self._numbers)
            external_id = f"{self._name}-{number}"
            while self.post(external_id, confidence=0.9 if number % 2 else 0.1) not in {200, 202}:
                if self._over.wait(0.2) and not self._is_answering():
                    return
            with self._lock:
                self.acknowledged.append(external_id)

    def _is_answering(self) -> bool:
        return self._send(f"streams/{SLUG}/outputs", "producer", [])[0] != 0

    def _review(self, name: str) -> None:
        while not self._over.wait(self._pause_seconds * 2):
            status, claim = self._send(f"queues/{SLUG}/claims", name, {"reviewer": name})
            if status == HTTPStatus.CREATED:
                self._judge(name, claim["claim"])

    def _judge(self, name: str, claim: str) -> None:
        for _ in range(100):
            status, verdict = self._send(f"claims/{claim}/verdict", name, {"verdict": "agree"})
            if status in {200, 201}:
                with self._lock:
                    self.verdicts.append(int(verdict["id"]))
                return
            if 400 <= status < 500 or self._over.wait(0.2):
                return

    def _send(self, path: str, key: str, body: object) -> tuple[int, Any]:
        client = http.client.HTTPConnection("127.0.0.1", self._product.port, timeout=ANSWER_TIMEOUT_SECONDS)
        headers = {"Authorization": f"Bearer {self._product.keys[key]}", "Content-Type": "application/json"}
        try:
            client.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
            answer = client.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.statuses[0] += 1
            return 0, None
        finally:
            client.close()
        with self._lock:
            self.statuses[answer.status] += 1
            if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
                self.waits.append(answer.headers.get("Retry-After", ""))
        return answer.status, json.loads(content) if content else None
