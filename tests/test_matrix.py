"""Every route with every role and key: who is admitted, who is refused, and who gets a 404.

One line per route and method (see `access_matrix`). A route or method without a line fails the build, so that no new
page can be forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.template.backends.django import Template
from django.test import Client
from django.urls import reverse

from reviewqueue import admin
from reviewqueue.accounts import api_keys
from reviewqueue.models import Event, Item, Slot, User
from tests.helpers import access_matrix
from tests.helpers.access_matrix import API_ACCESS, API_KEYS, PAGE_ACCESS, PEOPLE, ROUTE_NAMES, ROUTES

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

# The cookies of each of PEOPLE: signing in anew for each request would take a third of the time.
SIGNED_IN: dict[str, dict[str, str]] = {}


@pytest.fixture(scope="module")
def built(shared: Callable[[Callable[[], Any]], Any]) -> dict[str, Any]:
    world: dict[str, Any] = shared(_build)
    return world


def _build() -> dict[str, Any]:
    world = access_matrix.build_world()
    for who in PEOPLE:
        client = Client()
        if who != "nobody":
            client.force_login(User.objects.get(username=who), backend="django.contrib.auth.backends.ModelBackend")
        SIGNED_IN[who] = {name: cookie.value for name, cookie in client.cookies.items()}
    return world


@pytest.fixture
def world(built: dict[str, Any], db: None) -> dict[str, Any]:
    return built


def _person_asks(who: str, method: str, name: str, url: str) -> str:
    client = Client()
    client.cookies.load(SIGNED_IN[who])
    response = client.post(url, access_matrix.FORM_DATA) if method == "POST" else client.generic(method, url)
    return _status(response, name)


def _key_asks(which: str, method: str, name: str, url: str) -> str:
    if which == "session":
        return _person_asks("root", method, name, url)
    all_scopes = {"elsewhere": ["other"], "everywhere": [], "revoked": []}
    scopes, queues = (settings.API_SCOPES, all_scopes[which]) if which in all_scopes else ([which], ["intents"])
    key, text = api_keys.create_key(name=which, scopes=scopes, queues=queues, by=None)
    if which == "revoked":
        api_keys.revoke_key(key_id=key.pk, by=None)
    body = json.dumps(BODIES[name]).encode() if name in BODIES else b""
    headers = {"Authorization": f"Bearer {text}"}
    return _status(Client().generic(method, url, body, content_type="application/json", headers=headers), name)


def _status(response: Any, name: str) -> str:
    """The status; whatever it is, nothing but the routes listed as cacheable may be stored by a browser or proxy."""
    assert ("no-store" in response.get("Cache-Control", "")) == (name not in settings.CACHEABLE_ROUTES), name
    if response.streaming:
        list(response.streaming_content)  # read to its end, as a client would
    return str(response.status_code)


@contextmanager
def _undrawn() -> Iterator[None]:
    """Leave templates undrawn: who is admitted is decided before, and drawing takes most of a request's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "render", lambda *_arguments, **_options: "")
        yield


def _answers(asks: Any, columns: tuple[str, ...], method: str, name: str, url: str) -> dict[str, str]:
    """What each of them gets from the same state: every request is undone before the next."""
    answers = {}
    for who in columns:
        with transaction.atomic():
            answers[who] = asks(who, method, name, url)
            transaction.set_rollback(True)
    return answers


@pytest.mark.parametrize("line", access_matrix.split_rows(PAGE_ACCESS), ids=lambda line: " ".join(line[:2]))
def test_each_page_admits_the_right_roles(world: dict[str, Any], line: list[str]) -> None:
    method, name, *expected = line

    url = access_matrix.build_url(name, world)
    drawn = PEOPLE[expected.index("200")] if "200" in expected else PEOPLE[0]

    answers = _answers(_person_asks, (drawn,), method, name, url)
    with _undrawn():
        answers |= _answers(_person_asks, tuple(who for who in PEOPLE if who != drawn), method, name, url)

    assert answers == dict(zip(PEOPLE, expected, strict=True))


@pytest.mark.parametrize("line", access_matrix.split_rows(API_ACCESS), ids=lambda line: " ".join(line[:2]))
def test_each_endpoint_admits_the_right_keys(world: dict[str, Any], line: list[str]) -> None:
    method, name, *expected = line

    answers = _answers(_key_asks, API_KEYS, method, name, access_matrix.build_url(name, world))

    assert answers == dict(zip(API_KEYS, expected, strict=True))


def test_every_route_is_in_the_matrix() -> None:
    listed = {line[1] for line in access_matrix.split_rows(PAGE_ACCESS + API_ACCESS)}

    assert set(ROUTE_NAMES) == listed
    assert len(ROUTE_NAMES) == len(set(ROUTE_NAMES)), "two routes share a name"


def test_every_endpoint_method_is_in_the_matrix() -> None:
    listed = {(line[0], line[1]) for line in access_matrix.split_rows(API_ACCESS)}
    endpoints = {line[1] for line in access_matrix.split_rows(API_ACCESS)}
    answered = {
        (method.upper(), str(pattern.name))
        for _, pattern in ROUTES
        if pattern.name in endpoints
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(getattr(pattern.callback, "view_class", None), method)
    }

    assert answered == listed


def test_methods_not_in_the_matrix_get_405(world: dict[str, Any]) -> None:
    listed = {(line[0], line[1]) for line in access_matrix.split_rows(PAGE_ACCESS)}
    client = Client()
    client.force_login(User.objects.get(username="root"), backend="django.contrib.auth.backends.ModelBackend")
    for name in {line[1] for line in access_matrix.split_rows(PAGE_ACCESS)}:
        for method in ("GET", "POST", "PUT", "DELETE"):
            if (method, name) not in listed:
                status = client.generic(method, access_matrix.build_url(name, world)).status_code
                assert status in {405, 302}, f"{method} {name}"  # who is signed in is led on from signing in


def test_a_page_answers_head_as_it_answers_get(world: dict[str, Any]) -> None:
    client = Client()
    client.cookies.load(SIGNED_IN["root"])
    for method, name, *expected in access_matrix.split_rows(PAGE_ACCESS):
        if method == "GET":
            response = client.head(access_matrix.build_url(name, world))
            assert (str(response.status_code), response.content) == (expected[-1], b""), name


def test_acts_that_cannot_be_undone_ask_first_and_name_their_object(world: dict[str, Any]) -> None:
    client = Client()
    client.force_login(User.objects.get(username="root"), backend="django.contrib.auth.backends.ModelBackend")
    data = {name: value for name, value in access_matrix.FORM_DATA.items() if name != "confirmed"} | {"count": "3"}
    before = Event.objects.count()
    for name, named in access_matrix.CONFIRMED_ROUTES.items():
        url = access_matrix.build_url(name, world)
        page = client.post(url, data).content.decode().partition("<main")[2]
        assert named in page.partition("</h1>")[0], name
        # The same form again, as it was filled in, and a way back.
        assert 'name="confirmed" value="yes"' in page
        assert 'name="count" value="3"' in page
        assert "Cancel" in page
    assert Event.objects.count() == before


@pytest.mark.parametrize("who", PEOPLE)
def test_the_admin_opens_only_for_administrators_and_is_read_only(world: dict[str, Any], who: str) -> None:
    for page, opened in (("index", "200"), ("reviewqueue_verdict_changelist", "200"), ("reviewqueue_user_add", "403")):
        expected = opened if who == "root" else "302"
        assert _person_asks(who, "GET", page, reverse(f"admin:{page}")) == expected


def test_the_admin_shows_no_secrets_and_cannot_be_searched_for_them(world: dict[str, Any]) -> None:
    client = Client()
    client.force_login(User.objects.get(username="root"), backend="django.contrib.auth.backends.ModelBackend")
    item, slot = Item.objects.latest("pk"), Slot.objects.latest("pk")
    pages = {model: reverse(f"admin:reviewqueue_{model}_changelist") for model in ("user", "apikey", "item", "slot")}
    for model, one in (("user", User.objects.get(username="rob").pk), ("item", item.pk), ("slot", slot.pk)):
        html = client.get(f"{pages[model]}{one}/change/").content.decode()
        assert not [name for name in admin.HIDDEN_FIELDS if f"field-{name}" in html], model
    for model, probe in (
        ("user", "password__startswith=pbkdf2"),
        ("user", "keys__digest__gt=a"),
        ("apikey", "digest__gt=a"),
        ("item", "source=test"),
        ("slot", "item__source=test"),
        ("slot", "lane=1"),
    ):
        assert client.get(f"{pages[model]}?{probe}").status_code == 400, probe


def test_the_admin_has_no_way_in_of_its_own(world: dict[str, Any]) -> None:
    client = Client()
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/sign-in/?next=/admin/"
    client.force_login(User.objects.get(username="ann"), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/", follow=True).status_code == 403
    client.force_login(User.objects.get(username="root"), backend="django.contrib.auth.backends.ModelBackend")
    assert client.post("/admin/password_change/", {})["Location"] == reverse("password")
    assert client.get("/admin/").status_code == 200
