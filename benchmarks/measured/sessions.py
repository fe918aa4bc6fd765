"""Sessions of people who are signed in."""

from __future__ import annotations

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore

from reviewqueue.models import User


def open_session(person: User) -> str:
    """The cookie of a new session, `name=key`, as created by signing in."""
    store = SessionStore()
    store[auth.SESSION_KEY] = str(person.pk)
    store[auth.BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[auth.HASH_SESSION_KEY] = person.get_session_auth_hash()
    store.save()
    return f"{settings.SESSION_COOKIE_NAME}={store.session_key}"
