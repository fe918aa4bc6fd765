"""API key authentication: turn a key into a Caller, and check its scopes."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from reviewqueue.accounts import api_keys, roles
from reviewqueue.accounts.roles import Caller
from reviewqueue.http import rates
from reviewqueue.models import User


@dataclass(frozen=True, slots=True)
class MachineUser:
    """The user of a request whose key acts for no person."""

    name: str
    is_authenticated: bool = True
    is_active: bool = True


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`; sets `request.auth` to the Caller and `request.user` to the person it acts as."""

    def authenticate(self, request: Request) -> tuple[User | MachineUser, Caller] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        caller = api_keys.authenticate_key(text.strip())
        if caller is None:
            rates.count_unknown_key(request._request)
            raise AuthenticationFailed("This API key is unknown, expired or revoked.")
        rates.count_key_request(request._request, caller.key_id)
        return caller.acts_as or MachineUser(caller.name), caller

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def require_caller(request: Request, scope: str, *, queue: str | None = None) -> Caller:
    """The caller, if its key has the scope and may use the queue.

    Without the scope: 403 `missing_scope`. A queue outside the key's streams does not exist for it: 404.
    """
    caller = request.auth
    if not isinstance(caller, Caller):
        raise NotAuthenticated
    roles.require_scope(caller, scope, queue=queue)
    return caller
