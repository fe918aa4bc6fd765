"""The front door: key authentication, strict bodies, and refusals in one shape."""

from .addresses import client_address
from .authentication import KeyAuthentication, Machine, require
from .bodies import (
    AlwaysJSON,
    MsgspecRenderer,
    StrictJSONParser,
    check_json,
    parse_json,
    read_body,
    read_json,
)
from .pages import (
    PersonRequest,
    RefusalMiddleware,
    bad_request,
    broken,
    csrf_refused,
    for_people,
    forbidden,
    not_found,
)
from .problem import Problem, problem_of, problem_response, respond

__all__ = [
    "AlwaysJSON",
    "KeyAuthentication",
    "Machine",
    "MsgspecRenderer",
    "PersonRequest",
    "Problem",
    "RefusalMiddleware",
    "StrictJSONParser",
    "bad_request",
    "broken",
    "check_json",
    "client_address",
    "csrf_refused",
    "for_people",
    "forbidden",
    "not_found",
    "parse_json",
    "problem_of",
    "problem_response",
    "read_body",
    "read_json",
    "require",
    "respond",
]
