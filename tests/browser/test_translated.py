"""Every string that a person sees can be translated: on every page, and in every state of the desk."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.models import User
from tests import doors
from tests.browser import pseudo
from tests.browser.scenes import scenes
from tests.browser.signing_in import SignIn

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("name", "who"), doors.pages())
def test_every_page_speaks_the_readers_language(
    sign_in: SignIn, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str, who: str
) -> None:
    user = None if who == "nobody" else User.objects.get(username=who)
    pseudo.speak(monkeypatch)
    assert pseudo.unmarked(sign_in(user, doors.url(name, world))) == []


@pytest.mark.parametrize("name", scenes())
def test_the_desk_speaks_the_readers_language(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    scene = scenes()[name]
    scene.prepare()
    user = User.objects.get(username=scene.who)
    pseudo.speak(monkeypatch)
    page = sign_in(user, scene.path)
    scene.play(page)
    assert pseudo.unmarked(page) == []
