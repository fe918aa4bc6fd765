"""HTTP plumbing: keys, strict bodies, and errors that are never HTML under /api/."""

from __future__ import annotations

import io
import json
import logging
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.exceptions import ValidationError
from django.core.handlers.wsgi import WSGIRequest
from django.db import DataError, InterfaceError, OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.head_middleware import HeadMiddleware
from reviewqueue import http
from reviewqueue.accounts import api_keys
from reviewqueue.http import get_client_address
from reviewqueue.kernel import strict_json
from reviewqueue.kernel.errors import DomainError, Invalid, NotFound, Problem
from reviewqueue.models import Queue

raised: list[Exception] = []


class Echo(APIView):
    def get(self, request: Request) -> Response:
        if raised:
            raise raised.pop()
        caller = http.require_caller(request, "outputs:write", queue="intents")
        return Response({"key": caller.name, "user": str(getattr(request.user, "name", request.user))})

    def post(self, request: Request) -> Response:
        return Response({"got": request.data})


def page(request: HttpRequest) -> HttpResponse:
    raise raised.pop()


urlpatterns = [path("api/v1/echo", Echo.as_view()), path("api/v1/plain", page), path("page", page)]
handler400, handler403, handler404, handler500 = http.bad_request, http.forbidden, http.not_found, http.server_error

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(autouse=True)
def nothing_raised() -> Iterator[None]:
    yield
    raised.clear()
    api_keys._cache.clear()


def _key(*, scopes: str = "outputs:write", queues: str = "") -> dict[str, str]:
    _, text = api_keys.create_key(name="intake", scopes=scopes.split(), queues=queues.split(), by=None)
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def headers(queue: Queue) -> dict[str, str]:
    return _key()


def _problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(response.content)
    assert (document["status"], document["code"], document["type"]) == (status, code, "about:blank")
    assert document["title"]
    assert "Traceback" not in str(document)
    return document


def test_a_key_with_scope_and_stream_is_accepted(client: Client, headers: dict[str, str]) -> None:
    assert client.get("/api/v1/echo", headers=headers).json() == {"key": "intake", "user": "intake"}


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer rq_nope", "Basic YTpi", "rq_nope"])
def test_without_a_valid_key_the_answer_is_401_and_says_how(client: Client, db: None, authorization: str) -> None:
    response = client.get("/api/v1/echo", headers={"Authorization": authorization} if authorization else {})

    _problem(response, 401, "unauthenticated")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_key_without_the_scope_is_refused(client: Client, queue: Queue) -> None:
    _problem(client.get("/api/v1/echo", headers=_key(scopes="labels:read")), 403, "missing_scope")


def test_a_stream_outside_a_keys_streams_is_not_found(client: Client, queue: Queue) -> None:
    Queue.objects.create(slug="other", title="Other")

    _problem(client.get("/api/v1/echo", headers=_key(queues="other")), 404, "not_found")


def test_a_session_does_not_replace_a_key(client: Client, ann: Any) -> None:
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")

    _problem(client.get("/api/v1/echo"), 401, "unauthenticated")


class Late(DomainError):
    code = "claim_lost"
    headers = {"Retry-After": "3"}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Late("Somebody else has it."), 409, "claim_lost"),
        (NotFound("There is no such item."), 404, "not_found"),
        (Invalid("No.", [{"pointer": "/id", "detail": "Missing."}]), 400, "invalid"),
        (Problem(422, "odd", "Odd."), 422, "odd"),
        (Http404(), 404, "not_found"),
        (ValidationError({"id": ["Missing."]}), 400, "invalid"),
        (exceptions.ValidationError({"id": ["Missing."]}), 400, "invalid"),
        (exceptions.PermissionDenied(), 403, "forbidden"),
        (exceptions.Throttled(wait=2.5), 429, "rate_limited"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), 400, "invalid_text"),
        (OperationalError("the disk is full"), 503, "unavailable"),
        (InterfaceError("connection already closed"), 503, "unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
@pytest.mark.parametrize("url", ["/api/v1/echo", "/api/v1/plain"])
def test_every_exception_becomes_a_problem_document(
    client: Client, headers: dict[str, str], url: str, error: Exception, status: int, code: str
) -> None:
    raised.append(error)

    document = _problem(client.get(url, headers=headers), status, code)

    if code == "invalid":
        assert document["errors"] == [{"pointer": "/id", "detail": "Missing."}]


def test_a_temporary_error_says_when_to_retry(client: Client, headers: dict[str, str]) -> None:
    for error, seconds in (
        (Late("Wait."), "3"),
        (exceptions.Throttled(wait=2.5), "4"),
        (OperationalError("gone"), "5"),
    ):
        raised.append(error)
        assert client.get("/api/v1/echo", headers=headers)["Retry-After"] == seconds


@pytest.mark.parametrize("url", ["/api/v1/echo", "/api/v1/plain"])
def test_an_unexpected_error_is_a_500_that_reveals_nothing(headers: dict[str, str], url: str) -> None:
    raised.append(RuntimeError("the secret is 42"))

    document = _problem(Client(raise_request_exception=False).get(url, headers=headers), 500, "internal_error")

    assert "42" not in str(document)


def test_other_data_errors_are_unexpected_errors(headers: dict[str, str]) -> None:
    with pytest.raises(DataError) as division, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    raised.append(division.value)

    _problem(Client(raise_request_exception=False).get("/api/v1/echo", headers=headers), 500, "internal_error")


def test_an_unexpected_error_reaches_error_reporters(client: Client, headers: dict[str, str]) -> None:
    raised.append(RuntimeError("the secret is 42"))

    with pytest.raises(RuntimeError):
        client.get("/api/v1/echo", headers=headers)


def test_wrong_paths_methods_and_hosts_get_problem_documents(client: Client, headers: dict[str, str]) -> None:
    _problem(client.get("/api/v1/nothing"), 404, "not_found")
    _problem(client.get("/api/nothing/at/all"), 404, "not_found")
    _problem(client.delete("/api/v1/echo", headers=headers), 405, "method_not_allowed")
    _problem(client.get("/api/v1/echo", headers={"Host": "evil.example"}), 400, "malformed")


def test_the_answer_to_head_has_a_length_and_no_body(rf: RequestFactory) -> None:
    plain, streamed = HttpResponse("12345"), StreamingHttpResponse(["12345"])
    for response in (plain, streamed):
        HeadMiddleware(Mock(return_value=response))(rf.head("/"))
    assert (plain.content, plain["Content-Length"], list(streamed)) == (b"", "5", [])


def test_only_a_bug_is_logged_with_a_traceback_not_a_forged_host(client: Client) -> None:
    lines = io.StringIO()
    console = next(one for one in logging.getLogger().handlers if one.name == "console")
    assert isinstance(console, logging.StreamHandler)
    stream = console.setStream(lines)
    try:
        client.get("/page", headers={"Host": "evil.example"})
        refused = lines.getvalue()
        raised.append(RuntimeError("boom"))
        Client(raise_request_exception=False).get("/page")
    finally:
        console.setStream(stream)

    assert "evil.example" in refused
    assert "Traceback" not in refused
    assert "Traceback" in lines.getvalue().removeprefix(refused)


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (NotFound("There is no stream 'x' that you have access to."), 404, "There is no stream"),
        (OperationalError("gone"), 503, "Try again shortly"),
        (Late("Somebody else has it."), 409, "Somebody else has it."),
        (Http404(), 404, "Nothing exists at this address."),
    ],
)
def test_people_get_the_same_errors_as_pages(
    client: Client, db: None, error: Exception, status: int, sentence: str
) -> None:
    raised.append(error)

    response = client.get("/page")

    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert sentence in response.content.decode().replace("&#x27;", "'")


def test_a_page_without_a_database_is_still_a_page() -> None:
    """No database is available to this test, so anything that asked for one would fail."""
    raised.append(RuntimeError("boom"))

    response = Client(raise_request_exception=False).get("/page")

    assert response.status_code == 500
    assert b"Something went wrong" in response.content
    assert b"boom" not in response.content


def _post(client: Client, headers: dict[str, str], raw: bytes, content_type: str = "application/json") -> Any:
    return client.post("/api/v1/echo", data=raw, content_type=content_type, headers=headers)


def test_json_is_parsed_unchanged(client: Client, headers: dict[str, str]) -> None:
    sent = {"text": "Grüße 😀", "n": [1, 2.5, -0.0, 10**20, True, None], "deep": {"a": {"b": []}}}

    assert _post(client, headers, json.dumps(sent).encode()).json() == {"got": sent}
    assert _post(client, headers, b'"\\\\u0000"').json() == {"got": "\\u0000"}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b" ", "invalid_json"),
        (b"{", "invalid_json"),
        (b"{}{}", "invalid_json"),
        (b"[NaN]", "invalid_json"),
        (b"[Infinity, -Infinity]", "invalid_json"),
        (b'"\xff"', "invalid_json"),
        (b"\xef\xbb\xbf", "invalid_json"),
        (b'"\xed\xa0\x80"', "invalid_json"),
        ("{}".encode("utf-16"), "invalid_json"),
        (b'"\x00"', "invalid_json"),
        (b'{"confidence": 0.3, "confidence": 0.99}', "duplicate_key"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "duplicate_key"),
        (b"[1e999]", "number_out_of_range"),
        (b"[-1e999]", "number_out_of_range"),
        (b"[" + b"9" * 400 + b"]", "number_out_of_range"),
        (b"[" + b"9" * 10_000 + b"]", "number_out_of_range"),
        (b'{"text": "a\\u0000b"}', "invalid_text"),
        (b'{"text\\u0000": 1}', "invalid_text"),
        (b'["\\ud83d"]', "invalid_text"),
        (b'["\\uDE00\\uD83D"]', "invalid_text"),
        (b"[" * 65 + b"]" * 65, "too_deep"),
        (b"[" * 50_000 + b"]" * 50_000, "too_deep"),
        (b'{"a":' * 50_000, "too_deep"),
    ],
    ids=lambda value: value[:20].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_ambiguous_json_is_refused(client: Client, headers: dict[str, str], raw: bytes, code: str) -> None:
    _problem(_post(client, headers, raw), 400, code)


def test_a_refused_text_has_a_pointer() -> None:
    with pytest.raises(Problem) as refusal:
        strict_json.parse_json(b'{"a/b": [0, "\\u0000"]}')

    assert refusal.value.errors[0]["pointer"] == "/a~1b/1"


def test_sixty_four_nested_levels_are_allowed_even_many_times() -> None:
    assert strict_json.parse_json(b"[" * 64 + b"]" * 64)
    assert strict_json.parse_json(b"[" + b"[],{}," * 500 + b"1]")
    assert strict_json.parse_json(b'["\\ud83d\\ude00"]') == ["😀"]


def test_the_number_of_values_is_bounded_before_they_take_memory() -> None:
    """Eight megabytes of `1,` took half a gigabyte. Commas in texts do not count."""
    limit = strict_json.MAX_JSON_VALUES
    assert len(strict_json.parse_json(b"[" + b"1," * (limit - 2) + b"1]")) == limit - 1
    assert strict_json.parse_json(b'["' + b'a,\\"[{' * limit + b'"]')
    for raw in (b"[" + b"1," * limit + b"1]", b"[" + b"{}," * limit, b'["a",' * limit, b"[" * 4_000_000):
        tracemalloc.start()
        try:
            with pytest.raises(Problem) as refusal:
                strict_json.parse_json(raw)
            assert tracemalloc.get_traced_memory()[1] < 3 * len(raw)
        finally:
            tracemalloc.stop()
        assert (refusal.value.status, refusal.value.code) == (413, "too_many_values")


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("text/plain", "unsupported_media_type"),
        ("multipart/form-data; boundary=x", "unsupported_media_type"),
        ("application/json; charset=latin-1", "unsupported_charset"),
    ],
)
def test_other_types_and_charsets_are_refused(
    client: Client, headers: dict[str, str], content_type: str, code: str
) -> None:
    _problem(_post(client, headers, b"{}", content_type), 415, code)


def test_compressed_bodies_are_refused_without_reading(client: Client, headers: dict[str, str]) -> None:
    _problem(_post(client, headers | {"Content-Encoding": "gzip"}, b"{}"), 415, "unsupported_encoding")


def test_bodies_are_accepted_up_to_our_limit_beyond_djangos(client: Client, headers: dict[str, str]) -> None:
    big = b'"' + b"x" * (3 * 1024 * 1024) + b'"'

    assert _post(client, headers, big).status_code == 200
    with override_settings(API_BODY_LIMIT=len(big) - 1):
        _problem(_post(client, headers, big), 413, "too_large")


class Endless(BytesIO):
    """A client that goes on sending."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size > 0, "read without a bound"
        self.taken += size
        return b"x" * size


def test_a_chunked_body_is_counted_while_it_is_read(rf: RequestFactory) -> None:
    stream = Endless()
    environ = rf.post("/api/v1/echo").environ | {
        "CONTENT_TYPE": "application/json",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input_terminated": True,
        "wsgi.input": stream,
    }
    environ.pop("CONTENT_LENGTH", None)

    with override_settings(API_BODY_LIMIT=1_000_000), pytest.raises(Problem) as refusal:
        http.read_body(WSGIRequest(environ))

    assert refusal.value.code == "too_large"
    assert stream.taken < 1_200_000


def test_a_chunked_body_is_accepted(rf: RequestFactory) -> None:
    environ = rf.post("/api/v1/echo").environ | {
        "CONTENT_TYPE": "application/json",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input_terminated": True,
        "wsgi.input": BytesIO(b'{"a": 1}'),
    }
    assert http.read_json(WSGIRequest(environ)) == {"a": 1}

    del environ["wsgi.input_terminated"]
    with pytest.raises(Problem, match="Content-Length"):
        http.read_json(WSGIRequest(environ))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
        (1, "", "127.0.0.1"),
    ],
)
def test_the_client_address_is_the_one_our_own_proxies_saw(
    rf: RequestFactory, proxies: int, forwarded: str, address: str
) -> None:
    with override_settings(PROXIES=proxies):
        assert get_client_address(rf.get("/", headers={"X-Forwarded-For": forwarded})) == address
