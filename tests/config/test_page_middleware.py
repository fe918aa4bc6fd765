"""Pages and the API: what protects both, and what only pages have."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.test import Client, RequestFactory, override_settings
from django.utils import translation

from reviewqueue.accounts import api_keys
from reviewqueue.models import Queue

pytestmark = pytest.mark.django_db
API, PAGE = "/api/v1/streams/intents/decisions", "/sign-in/"
# What every answer has, whatever it is and whoever asked.
PROTECTION = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@pytest.fixture
def key(queue: Queue) -> str:
    return api_keys.create_key(name="ci", scopes=["outputs:write", "decisions:read"], by=None)[1]


@pytest.mark.parametrize("path", [API, f"{API}/none", PAGE, "/none/"])
def test_every_answer_has_all_headers_that_protect_it(client: Client, path: str) -> None:
    answer = client.get(path)
    assert {name: start for name, start in PROTECTION.items() if start not in answer.get(name, "")} == {}
    assert answer["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize("path", [API, PAGE])
def test_forged_hosts_and_unencrypted_requests_are_refused(client: Client, path: str) -> None:
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 400
    with override_settings(SECURE_SSL_REDIRECT=True):
        handler = BaseHandler()
        handler.load_middleware()  # with this setting
        assert handler.get_response(RequestFactory().get(path))["Location"] == f"https://testserver{path}"


def test_the_api_knows_no_session(client: Client, key: str, rob: object) -> None:
    client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[arg-type]
    assert client.get(API).status_code == 401
    client.cookies[settings.SESSION_COOKIE_NAME] = "forged"
    answer = client.get(API, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 404  # there is a queue of this name, and no stream
    assert not answer.cookies
    assert "Cookie" not in answer.get("Vary", "")


def test_the_api_answers_in_one_language_whatever_was_shown_before(client: Client) -> None:
    translation.activate("de")
    try:
        assert client.get(API).json()["detail"].startswith("Send an API key")
        assert translation.get_language() == settings.LANGUAGE_CODE
    finally:
        translation.activate(settings.LANGUAGE_CODE)
