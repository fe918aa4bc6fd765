"""Every visible string is translatable, on every page and in every state of the desk."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import gettext
from playwright.sync_api import expect

from reviewqueue.kernel.errors import Problem
from reviewqueue.models import User
from tests.helpers import access_matrix, pseudo_language
from tests.helpers.scenes import build_scenes
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("who", "names"), access_matrix.list_pages_by_person())
def test_every_page_is_translatable(
    sign_in: SignInFixture, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch, who: str, names: list[str]
) -> None:
    pseudo_language.mark_translations(monkeypatch)
    page = sign_in(None if who == "nobody" else User.objects.get(username=who))
    found = {}
    for name in names:
        answer = page.goto(access_matrix.build_url(name, world))
        assert answer is not None
        assert answer.status == 200, name
        found[name] = pseudo_language.list_unmarked_words(page)
    assert {name: words for name, words in found.items() if words} == {}


def test_every_refusal_is_translatable(
    sign_in: SignInFixture, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pseudo_language.mark_translations(monkeypatch)
    page, client = sign_in(None), Client()
    for method, name, who, status in access_matrix.list_refusals():
        client.force_login(User.objects.get(username=who), backend="django.contrib.auth.backends.ModelBackend")
        url = access_matrix.build_url(name, world)
        answer = client.post(url, access_matrix.FORM_DATA) if method == "POST" else client.generic(method, url)
        page.set_content(answer.content.decode(), wait_until="commit")
        expect(page.get_by_role("main")).not_to_be_empty()
        assert (answer.status_code, pseudo_language.list_unmarked_words(page)) == (status, []), (
            f"{method} {name} by {who}"
        )


@pytest.mark.parametrize("status", [400, 500, 503])
def test_the_server_error_page_is_translatable(
    sign_in: SignInFixture, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    pseudo_language.mark_translations(monkeypatch)
    page = sign_in(None)
    told = {"problem": Problem(status, "broken", gettext("It has been recorded."))}
    page.set_content(render_to_string("reviewqueue/server_error.html", told), wait_until="commit")
    assert pseudo_language.list_unmarked_words(page) == []


@pytest.mark.parametrize("name", build_scenes())
def test_every_state_of_the_desk_is_translatable(
    sign_in: SignInFixture, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    scene = build_scenes()[name]
    scene.prepare()
    user = User.objects.get(username=scene.who)
    pseudo_language.mark_translations(monkeypatch)
    page = sign_in(user, scene.path)
    scene.play(page)
    assert pseudo_language.list_unmarked_words(page) == []
