"""Keeps password guessing cheap for everybody else: few tries per address, and few passwords hashed at once.

Hashing is slow on purpose. Without a gate anybody can make the product hash for them until nobody else gets a turn.
Unknown names pass the same gate and cost the same as known ones.
"""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

from axes.helpers import get_client_ip_address
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewqueue.kernel.errors import DomainError
from reviewqueue.kernel.token_bucket import TokenBuckets

# A whole office can sign in at once from one address; a guesser gets one try in two seconds.
ADDRESS_TRIES = TokenBuckets(per_second=0.5, burst=30)
HASHES_AT_ONCE = 2
HASH_WAIT_SECONDS = 5.0
_hashing = BoundedSemaphore(HASHES_AT_ONCE)


class TooManyTries(DomainError):
    """One address has tried to sign in too often."""

    code = "too_many_tries"
    status = 429

    def __init__(self, seconds: int) -> None:
        wait = ngettext("Wait %(n)s second and try again.", "Wait %(n)s seconds and try again.", seconds)
        super().__init__(_("Too many sign-in attempts from your network.") + " " + wait % {"n": seconds})
        self.headers = {"Retry-After": str(seconds)}


class TooManyHashes(DomainError):
    """Too many people sign in, or change their password, at this moment."""

    code = "unavailable"
    status = 503
    headers = {"Retry-After": "5"}


class AddressGate:
    """An authentication backend that authenticates nobody: it stands before those that hash passwords.

    Not a BaseBackend, whose `get_user` would make Django take it for the one that knows people.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Raises TooManyTries."""
        if request is None:
            return
        taken = ADDRESS_TRIES.take(get_client_ip_address(request))
        if not taken.allowed:
            raise TooManyTries(taken.retry_seconds)


class BoundedPasswordHasher(PBKDF2PasswordHasher):
    """Django's default hasher, at most two at a time in a process."""

    def encode(self, password: Any, salt: Any, iterations: int | None = None) -> str:
        """Raises TooManyHashes."""
        if not _hashing.acquire(timeout=HASH_WAIT_SECONDS):
            raise TooManyHashes(_("Too many people are signing in at this moment. Try again in a few seconds."))
        try:
            return super().encode(password, salt, iterations)
        finally:
            _hashing.release()
