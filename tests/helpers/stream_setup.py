"""Shortcuts to create streams, outputs and verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from escalation.ingest import receive
from escalation.ingest.receive import IngestResult
from escalation.models import Decision, Output, Route, Stop, Stream
from escalation.outputs import status
from escalation.policies import versions
from escalation.routing import dispatch, stop
from escalation.streams import definition
from reviewqueue.models import Membership, Queue, User
from reviewqueue.queue.claim import claim_next
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import submit
from reviewqueue.verdicts.submit import SubmittedVerdict

ANSWERS = ["billing", "refund", "card_arrival"]
QUESTION = "What does the customer want?"
GUIDELINES = "**refund**: money goes back."
# Inside one transaction the database's `now()` stands still, so policies of tests have been in effect for a while.
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULT_POLICY: dict[str, Any] = {"threshold": 0.8, "undo_seconds": 0}


def create_stream(slug: str = "intents", *, policy: Mapping[str, Any] | None = DEFAULT_POLICY, **fields: Any) -> Stream:
    """A stream whose verdicts are final at once; `policy` replaces the whole policy, None makes it without one."""
    plain: dict[str, Any] = {"slug": slug, "title": "Support intents", "question": QUESTION, **fields}
    plain.setdefault("guidelines", GUIDELINES)
    if "schema" not in fields:
        plain.setdefault("answers", ANSWERS)
    spec = None if policy is None else {"undo_seconds": 0, **policy}
    (description,) = definition.parse_definitions({"streams": [{**plain, "policy": spec}]})
    return definition.apply_definition(description, actor="system:test", now=LONG_AGO).stream


def create_person(username: str, role: str, *, slug: str = "intents") -> User:
    """A member of the stream's queue, without a usable password."""
    user = User.objects.create(username=username, role=role, password="!")
    Membership.objects.create(user=user, queue=Queue.objects.get(slug=slug))
    return user


def activate_policy(target: Stream, *, hours: int = 1, **policy: Any) -> int:
    """Put another policy into effect, approved by a second person; returns its row's id."""
    spec = versions.validate_spec({"undo_seconds": 0, **policy})
    version = versions.save_version(stream=target, spec=spec, actor="user:mara")
    versions.activate_version(
        policy=version, by="user:mara", approved_by="user:max", now=LONG_AGO + timedelta(hours=hours)
    )
    return version.pk


def ensure_managers(slug: str = "intents") -> None:
    """Two managers of the stream, mara and max: loosening takes two."""
    for username in ("mara", "max"):
        if not User.objects.filter(username=username).exists():
            create_person(username, "manager", slug=slug)


def resume_automation(stopped: Stop) -> None:
    """Lift a stop in the names of mara and max."""
    ensure_managers()
    stop.request_resume(stop=stopped, by="user:mara", reason="fixed")
    stop.confirm_resume(stop=stopped, by="user:max")


def build_output(id: str = "ticket-1", **fields: Any) -> dict[str, Any]:  # noqa: A002 - the producer's word
    """An output below the default threshold; a field set to `...` is left out."""
    whole = {
        "id": id,
        "model": "intent-clf",
        "prediction": "refund",
        "confidence": 0.62,
        "input": {"text": "I was charged twice"},
        **fields,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def build_outputs(count: int, *, first: int = 1, **fields: Any) -> list[dict[str, Any]]:
    return [build_output(f"ticket-{number}", **fields) for number in range(first, first + count)]


def post_outputs(target: Stream, *outputs: Mapping[str, Any], now: datetime | None = None) -> list[IngestResult]:
    raw = [json.dumps(output).encode() for output in outputs]
    return receive.receive_outputs(stream=target, raw=raw, actor="key:1", now=now)


def route_outputs(target: Stream, *outputs: Mapping[str, Any], now: datetime | None = None) -> list[Route]:
    """Post these outputs, route everything that waits, and return their routes."""
    ids = [result.output_id for result in post_outputs(target, *outputs, now=now)]
    dispatch.route_received(now=now)
    found = Route.objects.in_bulk([one for one in ids if one is not None])
    return [found[one] for one in ids if one is not None]


def find_output(target: Stream, external_id: str = "ticket-1") -> Output:
    return status.find_output(stream=target, external_id=external_id)


def list_revisions(external_id: str = "ticket-1") -> list[tuple[Any, ...]]:
    """The decisions producers received about an output, in order: revision, by, outcome, answer."""
    found = Decision.objects.filter(external_id=external_id).order_by("revision")
    return [(one.revision, one.by, one.outcome, one.answer) for one in found]


def judge_next(
    user: User, kind: str = "agree", answer: Any = None, *, first: Any = "refund", slug: str = "intents"
) -> SubmittedVerdict:
    """Take the next item and decide it; where the proposal is withheld, say `first` before (None: can't be judged)."""
    claim = claim_next(user=user, slug=slug)
    assert claim is not None, "nothing waits for them"
    return decide_claim(claim, user, kind, answer, first=first)


def decide_claim(
    claim: Claim, user: User, kind: str = "agree", answer: Any = None, *, first: Any = "refund"
) -> SubmittedVerdict:
    if claim.answer_first:
        told = "unjudgeable" if first is None else "answer"
        submit.submit_first_answer(claim_id=claim.id, user=user, kind=told, answer=first)
    reason = "ambiguous" if claim.final_say else ""
    return submit.submit_verdict(claim_id=claim.id, user=user, kind=kind, answer=answer, reason=reason)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo whatever happens inside: one example of many in a test."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def run_sql(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement directly, bypassing all domain code."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True)
class Producer:
    """A production system that calls the API with a key."""

    client: Client
    key: str

    def post(self, path: str, body: Any = None, *, raw: bytes | None = None, **options: Any) -> HttpResponse:
        sent = json.dumps(body).encode() if raw is None else raw
        content_type = options.setdefault("content_type", "application/json")
        # Also as a header: with an empty body the test client drops the other one.
        options["headers"] = {"Content-Type": content_type, **options.get("headers", {})}
        return self._call("post", path, data=sent, **options)

    def get(self, path: str, *, accept_encoding: str = "", **query: Any) -> HttpResponse:
        return self._call("get", path, data=query, headers={"Accept-Encoding": accept_encoding})

    def delete(self, path: str) -> HttpResponse:
        return self._call("delete", path)

    def _call(self, verb: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> HttpResponse:
        identified = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        answer: HttpResponse = getattr(self.client, verb)(f"/api/v1/{path}", headers=identified, **options)
        return answer
