"""Production refuses to start with settings that leave a door open."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

import pytest
from django.test import Client, override_settings

from config import env
from config.env import InvalidSetting

GOOD_KEY = secrets.token_urlsafe(50)
PRODUCTION = {
    "REVIEWQUEUE_PROFILE": "production",
    "SECRET_KEY": GOOD_KEY,
    "ALLOWED_HOSTS": "review.example.com",
    "DATABASE_URL": "postgresql:///none?host=/nonexistent",
    "REDIS_URL": "unix:///nonexistent",
    "PROXIES": "1",
}
SHOWN = "import config.settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE)"


def _start(**changed: str | None) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in (PRODUCTION | changed).items() if value is not None}
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    command = [sys.executable, "-c", SHOWN]
    return subprocess.run(command, env=kept | variables, capture_output=True, text=True, timeout=60, check=False)


def test_production_says_what_is_missing_and_protects_its_cookies() -> None:
    assert _start().stdout.split() == ["__Host-sessionid", "__Host-csrftoken", "True"]
    for name in ("PROXIES", "SECRET_KEY"):
        assert f"{name} is not set" in _start(**{name: None}).stderr
    assert "SECRET_KEY is too easy to guess" in _start(SECRET_KEY="abc").stderr


def test_a_weak_secret_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for weak in ("abc", "a" * 64, "abc123" * 12, "django-insecure", secrets.token_urlsafe(12), "correct horse " * 4):
        monkeypatch.setenv("SECRET_KEY", weak)
        with pytest.raises(InvalidSetting, match="too easy to guess") as refusal:
            env.read_secret("SECRET_KEY")
        assert weak not in str(refusal.value).partition("Set it to")[0]
        monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{GOOD_KEY},{weak}")
        with pytest.raises(InvalidSetting, match="SECRET_KEY_FALLBACKS"):
            env.read_secrets("SECRET_KEY_FALLBACKS")


def test_a_random_secret_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for good in (secrets.token_urlsafe(50), secrets.token_hex(32), GOOD_KEY):
        monkeypatch.setenv("SECRET_KEY", good)
        assert env.read_secret("SECRET_KEY") == good


@pytest.mark.parametrize(
    ("local", "token", "sent", "status"),
    [(True, "", "", 200), (False, "", "", 404), (False, "t", "", 401), (False, "t", "Bearer t", 200)],
)
def test_metrics_exist_in_production_only_with_a_token(
    client: Client, db: None, local: bool, token: str, sent: str, status: int
) -> None:
    with override_settings(LOCAL=local, METRICS_TOKEN=token):
        assert client.get("/metrics", headers={"Authorization": sent}).status_code == status
