"""Every route with every role and every key: who gets in, who is told no, and for whom nothing is there.

One line per route and method. A route or method without a line fails the build, so a new page cannot be forgotten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from escalation.models import Attempt, Stream
from escalation.tuning import sample, targets
from reviewqueue import clock, keys
from reviewqueue.models import Guideline, Membership, Queue, User
from tests.escalation import traffic
from tests.reviewqueue import items

# Who asks. People: nobody, a reviewer, the lead, a manager, an auditor, a reviewer and a manager of another stream,
# an administrator. Keys: none (but an administrator's session), one with each single scope for the stream, one with
# all scopes for another stream.
PEOPLE = ("nobody", "rob", "ann", "mara", "otto", "eve", "mia", "root")
KEYS = ("session", "outputs:write", "decisions:read", "labels:read", "reports:read", "review", "elsewhere")

# Method, route, and the answer for each of PEOPLE. A method without a line has to be answered 405.
PAGES = """
GET    inbox                302  200  200  302  302  200  302  200
GET    desk                 302  200  200  403  403  404  403  200
GET    desk-queues          302  200  200  403  403  404  403  200
GET    guidelines           302  200  200  403  403  404  403  200
POST   guidelines-reading   302  302  302  403  403  404  403  302
GET    desk-decisions       302  200  200  403  403  404  403  200
GET    desk-decision        302  200  404  403  403  404  403  404
POST   desk-verdict         302  302  404  403  403  404  403  404
POST   desk-first-answer    302  409  404  403  403  404  403  404
POST   desk-renewal         302  302  404  403  403  404  403  404
POST   desk-pass            302  302  404  403  403  404  403  404
POST   desk-retake          302  302  404  403  403  404  403  404
POST   desk-draft           302  204  404  403  403  404  403  404
POST   desk-release         302  302  404  403  403  404  403  404
POST   desk-undo            302  302  404  403  403  404  403  404
GET    sign-in              200  302  302  302  302  302  302  302
POST   sign-in              200  302  302  302  302  302  302  302
POST   sign-out             302  302  302  302  302  302  302  302
GET    numbers              302  200  200  403  403  200  403  200
GET    account              302  200  200  200  200  200  200  200
GET    desk-settings        302  200  200  200  200  200  200  200
POST   desk-settings        302  302  302  302  302  302  302  302
POST   desk-switch          302  302  302  302  302  302  302  302
GET    password             302  200  200  200  200  200  200  200
POST   password             302  200  200  200  200  200  200  200
GET    people               302  403  403  200  200  403  200  200
GET    person-new           302  403  403  200  403  403  200  200
POST   person-new           302  403  403  200  403  403  200  200
GET    person               302  403  403  200  200  403  404  200
POST   person-rights        302  403  403  302  403  403  404  302
POST   person-deactivation  302  403  403  302  403  403  404  302
POST   person-reactivation  302  403  403  302  403  403  404  302
POST   person-password      302  403  403  200  403  403  404  200
GET    keys                 302  403  403  200  200  403  200  200
GET    key-new              302  403  403  200  403  403  200  200
POST   key-new              302  403  403  200  403  403  200  200
POST   key-rotation         302  403  403  200  403  403  404  200
POST   key-revocation       302  403  403  302  403  403  404  302
GET    overview             302  403  200  200  200  403  200  200
GET    activity             302  403  403  403  200  403  403  200
GET    outputs              302  403  200  200  200  403  200  200
POST   stop-all             302  403  403  403  403  403  403  302
POST   resume-ask-all       302  403  403  403  403  403  403  409
POST   resume-all           302  403  403  403  403  403  403  409
GET    streams              302  403  200  200  200  403  200  200
GET    stream-new           302  403  403  200  403  403  200  200
POST   stream-new           302  403  403  200  403  403  200  200
GET    stream               302  403  200  200  200  403  404  200
GET    stream-edit          302  403  403  200  403  403  404  200
POST   stream-edit          302  403  403  200  403  403  404  200
POST   stop                 302  403  403  302  403  403  404  302
POST   resume-ask           302  403  403  409  403  403  404  409
POST   resume               302  403  403  409  403  403  404  409
GET    report               302  403  200  200  200  403  404  200
GET    policies             302  403  200  200  200  403  404  200
GET    policy-new           302  403  403  200  403  403  404  200
POST   policy-new           302  403  403  200  403  403  404  200
GET    policy               302  403  200  200  200  403  404  200
POST   policy-proposal      302  403  403  302  403  403  404  302
POST   policy-activation    302  403  403  302  403  403  404  302
GET    promise              302  403  200  200  200  403  404  200
GET    promise-trial        302  403  200  200  200  403  404  200
GET    promise-outlook      302  403  200  200  200  403  404  200
GET    policy-replay        302  403  200  200  200  403  404  200
GET    promise-curve        302  403  200  200  200  403  404  200
GET    promise-honesty      302  403  200  200  200  403  404  200
POST   promise-target       302  403  403  302  403  403  404  302
POST   promise-look         302  403  403  302  403  403  404  302
POST   promise-tests        302  403  403  302  403  403  404  302
GET    evidence             302  403  200  200  200  403  404  200
POST   evidence-policy      302  403  403  302  403  403  404  302
GET    outputs/slug         302  403  200  200  200  403  404  200
GET    output               302  403  200  200  200  403  404  200
POST   output-reopening     302  403  302  403  403  403  403  302
GET    healthz              200  200  200  200  200  200  200  200
GET    readyz               200  200  200  200  200  200  200  200
GET    metrics              200  200  200  200  200  200  200  200
GET    schema               200  200  200  200  200  200  200  200
GET    api-docs             200  200  200  200  200  200  200  200
"""

# The same for each of KEYS.
API = """
POST   api-outputs    401  202  403  403  403  403  404
GET    api-output     401  200  403  403  403  403  404
DELETE api-output     401  200  403  403  403  403  404
GET    api-decisions  401  403  200  403  403  403  404
GET    api-labels     401  403  403  200  403  403  404
GET    api-report     401  403  403  403  200  403  404
POST   api-claims     401  403  403  403  403  201  404
DELETE api-claim      401  403  403  403  403  204  404
POST   api-verdict    401  403  403  403  403  201  404
POST   api-renewal    401  403  403  403  403  200  404
DELETE api-undo       401  403  403  403  403  200  404
"""


# What a POST carries: enough for every form, so that a refusal is about who asks and not about what is missing.
FORM = {
    "verdict": "agree",
    "pass": "not_my_field",
    "username": "nina",
    "role": "reviewer",
    "queues": "intents",
    "name": "Nina",
    "scopes": "outputs:write",
    "days": "30",
    "number": "1",
    "switch": "break_nudge",
}
OUTPUT = {
    "id": "ticket-9",
    "model": "intent-clf",
    "prediction": "refund",
    "confidence": 0.9,
    "input": {"text": "Hello"},
}
BODIES: dict[str, dict[str, Any]] = {
    "api-claims": {"reviewer": "rob"},
    "api-verdict": {"verdict": "agree"},
    "api-outputs": OUTPUT,
}


def _lines(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines() if line.strip()]


def _routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":  # its pages are one door; see below
                yield from _routes(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern


def _parameters(route: str) -> list[str]:
    return re.findall(r"<(?:\w+:)?(\w+)>", route)


def _label(route: str, pattern: URLPattern) -> str:
    """The route's name; with its parameters where another route has the same one."""
    alike = [other for _, other in ROUTES if other.name == pattern.name]
    return str(pattern.name) if len(alike) == 1 else "/".join([str(pattern.name), *_parameters(route)])


ROUTES = list(_routes(get_resolver().url_patterns))
NAMES = [_label(route, pattern) for route, pattern in ROUTES]


@pytest.fixture
def world(db: None) -> dict[str, Any]:
    """Something behind every address: the values that the routes' parameters take."""
    stream = traffic.stream(undo_seconds=30)
    roles = {"rob": "reviewer", "ann": "lead", "mara": "manager", "otto": "auditor", "rita": "reviewer"}
    queue = Queue.objects.get(slug="intents")
    Guideline.objects.create(queue=queue, number=1, text="**refund**: money goes back.")
    people = {username: _person(username, role) for username, role in roles.items()}
    Membership.objects.bulk_create(Membership(user=user, queue=queue) for user in people.values())
    other = Queue.objects.create(slug="other", title="Other")
    for user in (_person("eve", "reviewer"), _person("mia", "manager")):
        Membership.objects.create(user=user, queue=other)
    _person("root", "admin")
    traffic.post(stream, "ticket-1", "ticket-2", "ticket-3", confidence=0.5)
    given = items.judge(people["rob"], "agree")
    held = items.take(people["rob"])
    attempt_id = _attempt(stream).pk
    key, _ = keys.create(name="intake", scopes=["outputs:write"], queues=["intents"], by=None)
    return {
        **dict.fromkeys(("slug", "stream", "queue"), "intents"),
        **dict.fromkeys(("verdict_id", "verdict"), given.id),
        **dict.fromkeys(("claim_id", "claim"), held.id),
        "username": "rita",
        "external_id": "ticket-3",
        "attempt_id": attempt_id,
        "number": 1,
        "key_id": key.pk,
    }


def _attempt(stream: Stream) -> Attempt:
    """A look at the labels that found nothing: its page is there all the same."""
    target = targets.set_target(stream=stream, max_error=0.02, actor="user:mara")
    line = sample.line_of(stream)
    assert line
    fields = {"number": 1, "spent": 0.03, "first_id": 1, "last_id": 2, "rate": 0.1, "max_error": 0.02, "sampled": 0}
    return Attempt.objects.create(
        stream=stream, target=target, **asdict(line), **fields, resolved=0, overdue=0, refusal="too_few",
        params={"have": 0, "more": 149, "days": 9}, asked_by="user:mara", asked_at=clock.current(),
        expires_at=clock.current(),
    )  # fmt: skip


def _person(username: str, role: str) -> User:
    # Without a password: hashing one for everybody would cost every test seconds.
    return User.objects.create(username=username, role=role, password="!", is_staff=role == "admin")


def _url(label: str, world: dict[str, Any]) -> str:
    route, pattern = ROUTES[NAMES.index(label)]
    return reverse(str(pattern.name), kwargs={parameter: world[parameter] for parameter in _parameters(route)})


def _person_asks(who: str, method: str, name: str, url: str) -> str:
    client = Client()
    if who != "nobody":
        client.force_login(User.objects.get(username=who), backend="django.contrib.auth.backends.ModelBackend")
    return _status(client.post(url, FORM) if method == "POST" else client.generic(method, url))


def _key_asks(which: str, method: str, name: str, url: str) -> str:
    if which == "session":
        return _person_asks("root", method, name, url)
    scopes, queues = ([which], ["intents"]) if which != "elsewhere" else (settings.API_SCOPES, ["other"])
    _, text = keys.create(name=which, scopes=scopes, queues=queues, by=None)
    body = json.dumps(BODIES[name]).encode() if name in BODIES else b""
    headers = {"Authorization": f"Bearer {text}"}
    return _status(Client().generic(method, url, body, content_type="application/json", headers=headers))


def _status(response: Any) -> str:
    if response.streaming:
        list(response.streaming_content)  # read to its end, as a client would
    return str(response.status_code)


def _answers(asks: Any, columns: tuple[str, ...], method: str, name: str, url: str) -> dict[str, str]:
    """What each of them gets from the same state: every request is undone before the next."""
    answers = {}
    for who in columns:
        with transaction.atomic():
            answers[who] = asks(who, method, name, url)
            transaction.set_rollback(True)
    return answers


@pytest.mark.parametrize("line", _lines(PAGES), ids=lambda line: " ".join(line[:2]))
def test_a_page_lets_in_whom_it_should(world: dict[str, Any], line: list[str]) -> None:
    method, name, *expected = line

    answers = _answers(_person_asks, PEOPLE, method, name, _url(name, world))

    assert answers == dict(zip(PEOPLE, expected, strict=True))


@pytest.mark.parametrize("line", _lines(API), ids=lambda line: " ".join(line[:2]))
def test_an_endpoint_lets_in_which_keys_it_should(world: dict[str, Any], line: list[str]) -> None:
    method, name, *expected = line

    answers = _answers(_key_asks, KEYS, method, name, _url(name, world))

    assert answers == dict(zip(KEYS, expected, strict=True))


def test_every_route_has_its_line() -> None:
    listed = {line[1] for line in _lines(PAGES + API)}

    assert set(NAMES) == listed
    assert len(NAMES) == len(set(NAMES)), "two routes share a name"


def test_every_method_of_an_endpoint_has_its_line() -> None:
    listed = {(line[0], line[1]) for line in _lines(API)}
    endpoints = {line[1] for line in _lines(API)}
    answered = {
        (method.upper(), str(pattern.name))
        for _, pattern in ROUTES
        if pattern.name in endpoints
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(getattr(pattern.callback, "view_class", None), method)
    }

    assert answered == listed


def test_what_has_no_line_answers_no_such_method(world: dict[str, Any]) -> None:
    listed = {(line[0], line[1]) for line in _lines(PAGES)}
    client = Client()
    client.force_login(User.objects.get(username="root"), backend="django.contrib.auth.backends.ModelBackend")
    for name in {line[1] for line in _lines(PAGES)}:
        for method in ("GET", "POST", "PUT", "DELETE"):
            if (method, name) not in listed:
                status = client.generic(method, _url(name, world)).status_code
                assert status in {405, 302}, f"{method} {name}"  # who is signed in is led on from signing in


@pytest.mark.parametrize("who", PEOPLE)
def test_the_back_office_opens_to_administrators_and_changes_nothing(world: dict[str, Any], who: str) -> None:
    for page, opened in (("index", "200"), ("reviewqueue_verdict_changelist", "200"), ("reviewqueue_user_add", "403")):
        expected = opened if who == "root" else "302"
        assert _person_asks(who, "GET", page, reverse(f"admin:{page}")) == expected
