"""The front door: key authentication, strict bodies, and refusals in one shape."""

from reviewqueue.http.authentication import KeyAuthentication, Machine, require
from reviewqueue.http.bodies import AlwaysJSON, MsgspecRenderer, StrictJSONParser, read_body, read_json
from reviewqueue.http.client_address import client_address
from reviewqueue.http.pages import (
    PersonRequest,
    RefusalMiddleware,
    bad_request,
    broken,
    csrf_refused,
    for_people,
    forbidden,
    not_found,
)
from reviewqueue.http.problem import problem_of, problem_response, respond

__all__ = [
    "AlwaysJSON",
    "KeyAuthentication",
    "Machine",
    "MsgspecRenderer",
    "PersonRequest",
    "RefusalMiddleware",
    "StrictJSONParser",
    "bad_request",
    "broken",
    "client_address",
    "csrf_refused",
    "for_people",
    "forbidden",
    "not_found",
    "problem_of",
    "problem_response",
    "read_body",
    "read_json",
    "require",
    "respond",
]
