"""Nothing that a reviewer sees or times tells a random check from another item that is answered first.

The two kinds get here as in production: outputs are posted and routed, checks are held, and a random share of the
ordinary rest is answered first as well. Somebody judges them all over HTTP, and a classifier then tries to tell
them apart by the markup (all of it but the item's own text and the tokens against forgery), sizes, times, status,
headers, the item's and the claim's numbers, and the order of work.

A classifier that knows nothing has an AUC of 0.5, give or take: with 200 of each, chance alone puts 4 in 100 such
measurements above 0.55. So there are about 300 of each (2 in 100), all draws are the same in every run so that only
the times vary, and a measurement above the mark is made once more with fresh items and averaged (1 in 1,000). What
leaks stays.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from escalation.models import Route, Stream
from reviewqueue import claims
from reviewqueue.claimed import Claim
from reviewqueue.models import Queue, User
from tests import making
from tests.journeys.telling_apart import Seen, auc, without_secrets

EACH = 300
MARK = 0.55
TEXT = "I was charged twice"
HTMX = {"HX-Request": "true"}
POLICY: dict[str, Any] = {
    "threshold": 0.8,
    "audit": {"rate": 0.5, "mode": "hold"},
    "answer_first_share": 0.8,
    "deadline_hours": 24,
}


@dataclass(frozen=True)
class _Response:
    page: str
    size: int
    seconds: float
    status: int


class _Desk:
    """A reviewer at a browser that measures."""

    def __init__(self, user: User) -> None:
        self.user, self.client, self.done = user, Client(), 0
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def judge(self, claim: Claim) -> Seen:
        """Meet an item, say something, see the AI's answer, say it again."""
        first = "billing" if claim.item.id % 7 == 0 else "refund"  # whatever it is, it is no matter of the kind
        responses = [self._call("get", reverse("desk", args=["intents"]))]
        if claim.answer_first:
            responses.append(self._step("desk-first-answer", claim, first))
        sent = self._step("desk-verdict", claim, first)
        self.done += 1
        slot, number = claim.id.split(".")
        at, sequence = divmod(claim.item.id, 1 << 20)  # too long for a float together
        counted: dict[str, float] = {"arrived": at, "sequence": sequence, "slot": int(slot), "claim": int(number)}
        counted["order"] = self.done
        # The page that comes with the verdict is the next item's: of this one it has the status and the time.
        for step, one in enumerate([*responses, replace(sent, page="", size=0)]):
            counted |= {f"size{step}": one.size, f"time{step}": one.seconds, f"status{step}": one.status}
        return Seen([response.page for response in responses], counted)

    def _step(self, step: str, claim: Claim, answer: str) -> _Response:
        return self._call("post", reverse(step, args=["intents", claim.id]), {"answer": answer}, headers=HTMX)

    def _call(self, method: str, path: str, data: dict[str, str] | None = None, **options: Any) -> _Response:
        begun = time.perf_counter()
        response: HttpResponse = getattr(self.client, method)(path, data, **options)
        seconds = time.perf_counter() - begun
        assert response.status_code == 200, response.content
        headers = " ".join(f"<{name} {value}>" for name, value in response.headers.items())
        page = without_secrets(headers + response.content.decode(), TEXT)
        return _Response(page, len(response.content), seconds, response.status_code)


def _arrive(stream: Stream, prefix: str, each: int) -> None:
    """As many checks as others, mixed, in batches as they come in."""
    rng = random.Random(prefix)
    sure = [rng.uniform(0.81, 0.99) for _ in range(2 * each)]  # half of these are checked
    doubtful = [rng.uniform(0.05, 0.79) for _ in range(each * 10 // 9)]  # nine in ten of these are answered first
    mixed = rng.sample([*sure, *doubtful], len(sure) + len(doubtful))
    outputs = [
        making.element(f"{prefix}-{number:04}", confidence=share, scores={"refund": share, "billing": 1 - share})
        for number, share in enumerate(mixed)
    ]
    for start in range(0, len(outputs), 100):
        making.routed(stream, *outputs[start : start + 100])
    # In production autovacuum knows these tables; in one long transaction plans would be made for empty ones.
    making.sql("ANALYZE")


def _measure(stream: Stream, reviewer: User, prefix: str, each: int) -> tuple[list[Seen], list[Seen]]:
    """What the reviewer saw of the checks, and of the others that they answered first."""
    _arrive(stream, prefix, each)
    desk, seen = _Desk(reviewer), dict[int, Seen]()
    while claim := claims.claim_next(user=reviewer, slug="intents"):
        met = desk.judge(claim)
        if claim.answer_first:
            seen[claim.item.id] = met
    checks = set(Route.objects.exclude(audit="").filter(pk__in=seen).values_list("pk", flat=True))
    return [seen[one] for one in seen if one in checks], [seen[one] for one in seen if one not in checks]


@pytest.fixture
def stream(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Stream:
    monkeypatch.setattr(claims, "_RNG", random.Random(7))
    stream = making.stream(policy=POLICY)
    Stream.objects.filter(pk=stream.pk).update(secret=b"the same in every run, 32 bytes.")
    stream.refresh_from_db()
    return stream


def test_a_check_cannot_be_told_from_another_item_that_is_answered_first(stream: Stream, rob: User) -> None:
    checks, others = _measure(stream, rob, "first", EACH)
    assert min(len(checks), len(others)) >= EACH * 0.9
    measured = auc(checks, others)
    if measured > MARK:
        measured = (measured + auc(*_measure(stream, rob, "again", EACH))) / 2
    assert measured <= MARK


def test_a_leak_would_be_found(stream: Stream, rob: User) -> None:
    """One attribute on one page of the checks, an answer that takes longer, or every second number is enough."""
    checks, others = _measure(stream, rob, "few", 60)
    marked = [replace(one, pages=[one.pages[0].replace("<div ", "<div data-x ", 1), *one.pages[1:]]) for one in checks]
    assert auc(marked, others) > 0.9
    times = [one.numbers["time1"] for one in [*checks, *others]]
    slower = float(np.ptp(times))  # on a busy machine a single answer may take ten times as long as the others
    assert auc([one.with_number("time1", slower) for one in checks], others) > 0.9
    even = [replace(one, numbers={**one.numbers, "claim": at * 2}) for at, one in enumerate(checks)]
    odd = [replace(one, numbers={**one.numbers, "claim": at * 2 + 1}) for at, one in enumerate(others)]
    assert auc(even, odd) > 0.9
