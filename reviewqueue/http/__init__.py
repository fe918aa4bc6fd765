"""HTTP plumbing: API key authentication, strict request bodies, and uniform error responses."""

from reviewqueue.http.authentication import ApiKeyAuthentication, MachineUser, require_caller
from reviewqueue.http.bodies import JSONOnlyNegotiation, MsgspecRenderer, StrictJSONParser, read_body, read_json
from reviewqueue.http.caching import NoStoreMiddleware
from reviewqueue.http.client_address import get_client_address
from reviewqueue.http.confirmation import ask_first, is_confirmed
from reviewqueue.http.downloads import stream_lines
from reviewqueue.http.operations import (
    JSON,
    NDJSON,
    PROBLEM,
    ApiAnswer,
    ApiBody,
    ApiOperation,
    describe_body,
    documented,
)
from reviewqueue.http.pages import (
    PersonRequest,
    RefusalMiddleware,
    bad_request,
    csrf_failure,
    forbidden,
    not_found,
    require_person,
    server_error,
)
from reviewqueue.http.problem import handle_api_exception, problem_of, respond_with_problem

__all__ = [
    "JSON",
    "NDJSON",
    "PROBLEM",
    "ApiAnswer",
    "ApiBody",
    "ApiKeyAuthentication",
    "ApiOperation",
    "JSONOnlyNegotiation",
    "MachineUser",
    "MsgspecRenderer",
    "NoStoreMiddleware",
    "PersonRequest",
    "RefusalMiddleware",
    "StrictJSONParser",
    "ask_first",
    "bad_request",
    "csrf_failure",
    "describe_body",
    "documented",
    "forbidden",
    "get_client_address",
    "handle_api_exception",
    "is_confirmed",
    "not_found",
    "problem_of",
    "read_body",
    "read_json",
    "require_caller",
    "require_person",
    "respond_with_problem",
    "server_error",
    "stream_lines",
]
