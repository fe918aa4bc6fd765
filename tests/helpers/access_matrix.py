"""The access matrix: every route with its expected answer for each person and key, and the data its pages show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from escalation.guarantees import population, targets
from escalation.models import Evaluation, Stream
from reviewqueue.accounts import api_keys
from reviewqueue.kernel import clock
from reviewqueue.models import Guideline, Membership, Queue, User
from reviewqueue.queue.lease import ReviewKey
from reviewqueue.verdicts import submit
from tests.helpers import queue_items, traffic

# Who asks. People: nobody, a reviewer, the lead, a manager, an auditor, a reviewer and a manager of another stream,
# an administrator. Keys: none (but an administrator's session), one with each single scope for the stream, one with
# all scopes for another stream, one with all scopes that is bound to no stream, and one like it that was revoked.
PEOPLE = ("nobody", "rob", "ann", "mara", "otto", "eve", "mia", "root")
API_KEYS = (
    "session",
    "outputs:write",
    "decisions:read",
    "labels:read",
    "reports:read",
    "review",
    "elsewhere",
    "everywhere",
    "revoked",
)

# Method, route, and the answer for each of PEOPLE. A method without a line has to be answered 405.
PAGE_ACCESS = """
GET    inbox                302  200  200  302  302  200  302  200
GET    desk                 302  200  200  403  403  404  403  200
GET    desk-queues          302  200  200  403  403  404  403  200
GET    desk-watch           302  204  204  403  403  404  403  204
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
GET    setup                302  302  302  302  302  302  302  302
POST   setup                302  302  302  302  302  302  302  302
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
POST   resume-request-all       302  403  403  403  403  403  403  409
POST   resume-all           302  403  403  403  403  403  403  409
GET    streams              302  403  200  200  200  403  200  200
GET    stream-new           302  403  403  200  403  403  200  200
POST   stream-new           302  403  403  200  403  403  200  200
GET    stream               302  403  200  200  200  403  404  200
GET    stream-edit          302  403  403  200  403  403  404  200
POST   stream-edit          302  403  403  200  403  403  404  200
POST   stop                 302  403  403  302  403  403  404  302
POST   resume-request           302  403  403  409  403  403  404  409
POST   resume               302  403  403  409  403  403  404  409
GET    report               302  403  200  200  200  403  404  200
GET    policies             302  403  200  200  200  403  404  200
GET    policy-new           302  403  403  200  403  403  404  200
POST   policy-new           302  403  403  200  403  403  404  200
POST   policy-preview       302  403  403  200  403  403  404  200
GET    policy               302  403  200  200  200  403  404  200
POST   policy-approval-request      302  403  403  302  403  403  404  302
POST   policy-activation    302  403  403  302  403  403  404  302
POST   policy-decline       302  403  403  302  403  403  404  302
GET    guarantee              302  403  200  200  200  403  404  200
GET    guarantee-preview        302  403  200  200  200  403  404  200
GET    guarantee-readiness      302  403  200  200  200  403  404  200
GET    policy-replay        302  403  200  200  200  403  404  200
GET    guarantee-curve        302  403  200  200  200  403  404  200
GET    guarantee-calibration      302  403  200  200  200  403  404  200
POST   guarantee-target       302  403  403  302  403  403  404  302
POST   guarantee-test-items        302  403  403  302  403  403  404  302
GET    evidence             302  403  200  200  200  403  404  200
POST   evidence-policy      302  403  403  302  403  403  404  302
GET    promise-moved        301  301  301  301  301  301  301  301
GET    evidence-moved       301  301  301  301  301  301  301  301
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
API_ACCESS = """
POST   api-outputs    401  202  403  403  403  403  404  202  401
GET    api-output     401  200  403  403  403  403  404  200  401
DELETE api-output     401  200  403  403  403  403  404  200  401
GET    api-decisions  401  403  200  403  403  403  404  200  401
GET    api-labels     401  403  403  200  403  403  404  200  401
GET    api-report     401  403  403  403  200  403  404  200  401
POST   api-claims     401  403  403  403  403  201  404  201  401
DELETE api-claim      401  403  403  403  403  204  404  204  401
POST   api-verdict    401  403  403  403  403  201  404  201  401
POST   api-renewal    401  403  403  403  403  200  404  200  401
DELETE api-undo       401  403  403  403  403  200  404  200  401
"""

# What answers a GET with something that is no page of ours: figures, a fragment, a file, a library's own page.
NON_PAGE_ROUTES = {
    "healthz",
    "readyz",
    "metrics",
    "schema",
    "api-docs",
    "desk-queues",
    "desk-watch",
    "guarantee-preview",
    "guarantee-curve",
    "guarantee-calibration",
    "guarantee-readiness",
    "policy-replay",
}


# What a POST carries: enough for every form, so that a refusal is about who asks and not about what is missing.
FORM_DATA = {
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
    "max_error_percent": "5",
    "confidence_level": "95",
    "groups": "together",
    "confirmed": "yes",
}
# Acts that ask first, and what the page names. An evaluation does, too, once there are labels for one.
CONFIRMED_ROUTES = {
    "person-deactivation": "rita",
    "person-password": "rita",
    "key-rotation": "intake",
    "key-revocation": "intake",
    "stop": "Support intents",
    "stop-all": "all streams",
    "guarantee-target": "Support intents",
    "guarantee-test-items": "Support intents",
}
REFUSED_STATUSES = {"403", "404", "409"}


def list_pages() -> list[tuple[str, str]]:
    """Each page, with a person who may see it."""
    return [
        (name, PEOPLE[answers.index("200")])
        for method, name, *answers in split_rows(PAGE_ACCESS)
        if method == "GET" and "200" in answers and name not in NON_PAGE_ROUTES
    ]


def list_pages_by_person() -> list[tuple[str, list[str]]]:
    """The same by who sees them, for one sign-in each."""
    pages: dict[str, list[str]] = {}
    for name, who in list_pages():
        pages.setdefault(who, []).append(name)
    return list(pages.items())


def list_refusals() -> list[tuple[str, str, str, int]]:
    """Each way to be refused at each route: the method, the route, a person it happens to, and the status."""
    found: dict[tuple[str, str, str], str] = {}
    for method, name, *answers in split_rows(PAGE_ACCESS):
        for answer, who in zip(answers, PEOPLE, strict=True):
            if answer in REFUSED_STATUSES:
                found.setdefault((method, name, answer), who)
    return [(method, name, who, int(answer)) for (method, name, answer), who in found.items()]


def split_rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines() if line.strip()]


def _iterate_routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":  # its pages are one door; see below
                yield from _iterate_routes(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern


def _route_parameters(route: str) -> list[str]:
    return re.findall(r"<(?:\w+:)?(\w+)>", route)


def _route_name(route: str, pattern: URLPattern) -> str:
    """The route's name; with its parameters where another route has the same one."""
    alike = [other for _, other in ROUTES if other.name == pattern.name]
    return str(pattern.name) if len(alike) == 1 else "/".join([str(pattern.name), *_route_parameters(route)])


ROUTES = list(_iterate_routes(get_resolver().url_patterns))
ROUTE_NAMES = [_route_name(route, pattern) for route, pattern in ROUTES]


def build_world() -> dict[str, Any]:
    """Create data for every route; returns the values of the routes' parameters."""
    stream = traffic.apply_stream(undo_seconds=600)
    roles = {"rob": "reviewer", "ann": "lead", "mara": "manager", "otto": "auditor", "rita": "reviewer"}
    queue = Queue.objects.get(slug="intents")
    Guideline.objects.create(queue=queue, number=1, text="**refund**: money goes back.")
    people = {username: _create_person(username, role) for username, role in roles.items()}
    Membership.objects.bulk_create(Membership(user=user, queue=queue) for user in people.values())
    other = Queue.objects.create(slug="other", title="Other")
    for user in (_create_person("eve", "reviewer"), _create_person("mia", "manager")):
        Membership.objects.create(user=user, queue=other)
    _create_person("root", "admin")
    traffic.post_and_route(stream, "ticket-1", "ticket-2", "ticket-3", confidence=0.5)
    traffic.post_and_route(stream, "sure", confidence=0.95)
    evaluation_id = _create_evaluation(stream).pk
    key, _ = api_keys.create_key(name="intake", scopes=["outputs:write"], queues=["intents"], by=None)
    # Through a key: keys may not touch what a person did at the desk, while the person may take over from a key.
    through = ReviewKey(id=key.pk, name=key.name)
    first = queue_items.claim_next_item(people["rob"], key=through)
    given = submit.submit_verdict(claim_id=first.id, user=people["rob"], kind="agree", key=through)
    held = queue_items.claim_next_item(people["rob"], key=through)
    return {
        **dict.fromkeys(("slug", "stream", "queue"), "intents"),
        **dict.fromkeys(("verdict_id", "verdict"), given.id),
        **dict.fromkeys(("claim_id", "claim"), held.id),
        "username": "rita",
        "external_id": "sure",
        "evaluation_id": evaluation_id,
        "number": 1,
        "key_id": key.pk,
    }


def _create_evaluation(stream: Stream) -> Evaluation:
    """An evaluation that found nothing; it still has a page."""
    target = targets.set_error_target(stream=stream, max_error=0.02, actor="user:mara")
    line = population.current_population(stream)
    assert line
    fields = {
        "number": 1,
        "spent": 0.03,
        "first_id": 1,
        "last_id": 2,
        "audit_rate": 0.1,
        "max_error": 0.02,
        "sampled": 0,
    }
    return Evaluation.objects.create(
        stream=stream, target=target, **asdict(line), **fields, resolved=0, overdue=0, refusal="too_few",
        params={"have": 0, "more": 149, "days": 9}, asked_by="user:mara", asked_at=clock.current_time(),
        expires_at=clock.current_time(),
    )  # fmt: skip


def _create_person(username: str, role: str) -> User:
    # Without a password: hashing one for everybody would cost every test seconds.
    return User.objects.create(username=username, role=role, password="!", is_staff=role == "admin")


def build_url(label: str, world: dict[str, Any]) -> str:
    route, pattern = ROUTES[ROUTE_NAMES.index(label)]
    return reverse(str(pattern.name), kwargs={parameter: world[parameter] for parameter in _route_parameters(route)})
