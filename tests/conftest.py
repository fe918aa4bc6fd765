"""The fixed cast, and the servers that the suite runs on."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import Client, RequestFactory, TransactionTestCase
from hypothesis import settings
from pytest_django.plugin import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from config.openapi import build_document
from escalation.models import Stream
from reviewqueue.accounts import api_keys, password_gate
from reviewqueue.http import rates
from reviewqueue.models import AnswerSchema, Guideline, Membership, Queue, User
from reviewqueue.queue.settings import get_answer_spec
from tests.helpers import emptying, servers, stream_setup, template_database
from tests.helpers.api_contract import API_ROOT, ApiContract

# A shared machine is no stopwatch, and examples of one run are not to decide another.
settings.register_profile("suite", deadline=None, database=None, max_examples=25)
# For hand: pytest --hypothesis-profile long tests/escalation/routing
settings.register_profile("long", deadline=None, database=None, max_examples=5_000)
settings.load_profile("suite")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Fail skipped tests in CI, so that a machine that cannot run a test says so."""
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"


def pytest_collection_finish() -> None:
    """What is loaded stays until the end; to look through it for garbage again and again takes a second per process."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once() -> Iterator[None]:
    """Each test's client looks for them anew otherwise, which takes a tenth of all tests' time."""
    search, found = WhiteNoiseMiddleware.add_files_from_finders, dict[str, StaticFile]()

    def remembered(whitenoise: WhiteNoiseMiddleware) -> None:
        if not found:
            search(whitenoise)
            found.update(whitenoise.files)
        whitenoise.files = found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", remembered)
        yield


@pytest.fixture(scope="session", autouse=True)
def api_answers_as_documented() -> Iterator[None]:
    """Hold every request to the API and its answer, in whatever test, against the published document."""
    contract = ApiContract(build_document())

    def generic(client: Client, method: str, path: str, data: Any = "", *args: Any, **options: Any) -> Any:
        response = RequestFactory.generic(client, method, path, data, *args, **options)  # type: ignore[arg-type]  # its own
        if urlsplit(path).path.startswith(API_ROOT) and django_settings.ROOT_URLCONF == "config.urls":
            environ = response.request  # type: ignore[attr-defined]  # the test client's response has it
            contract.check_exchange(
                method,
                environ["PATH_INFO"],
                environ.get("QUERY_STRING", ""),
                data if isinstance(data, bytes) else str(data).encode(),
                environ.get("CONTENT_TYPE", ""),
                response,  # type: ignore[arg-type]
            )
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "generic", generic, raising=False)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The installed PostgreSQL is somebody's: nothing is left there, and each process migrates its own."""
    if os.environ.get(servers.EMBEDDED_VARIABLE):
        template_database.use_template()


@pytest.fixture(scope="session", autouse=True)
def emptied_where_written() -> Iterator[None]:
    """Django's own way after a test that committed takes longer than most of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptying.empty_written_tables)
        yield


@pytest.fixture(autouse=True)
def fresh_rates() -> None:
    """What earlier tests sent does not count against a test."""
    rates._build_buckets.cache_clear()
    password_gate.ADDRESS_TRIES.clear()


@pytest.fixture(scope="module")
def shared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Builds in the database what all of a module's tests find there; what a test changes of it is undone."""
    with ExitStack() as undone:

        def build(make: Callable[[], Any]) -> Any:
            with django_db_blocker.unblock():
                undone.enter_context(transaction.atomic())
                undone.callback(transaction.set_rollback, True)
                return make()

        yield build
        with django_db_blocker.unblock():
            undone.close()


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """A number of a queue's answers never changes in production; here another test gives it to others."""
    get_answer_spec.cache_clear()
    yield
    get_answer_spec.cache_clear()


@pytest.fixture
def queue(db: None) -> Queue:
    queue = Queue.objects.create(slug="intents", title="Support intents", question="What does the customer want?")
    AnswerSchema.objects.create(queue=queue, number=1, kind="label", answers=["billing", "refund", "card_arrival"])
    Guideline.objects.create(queue=queue, number=1, text="**refund**: money goes back.")
    return queue


def _person(queue: Queue | None, username: str, role: str) -> User:
    user = User.objects.create_user(username=username, password=f"{username}-password", role=role)
    if queue is not None:
        Membership.objects.create(user=user, queue=queue)
    return user


@pytest.fixture
def ann(queue: Queue) -> User:
    """The lead."""
    return _person(queue, "ann", "lead")


@pytest.fixture
def rob(queue: Queue) -> User:
    """A reviewer."""
    return _person(queue, "rob", "reviewer")


@pytest.fixture
def rita(queue: Queue) -> User:
    """Another reviewer."""
    return _person(queue, "rita", "reviewer")


@pytest.fixture
def mara(queue: Queue) -> User:
    """A manager."""
    return _person(queue, "mara", "manager")


@pytest.fixture
def max(queue: Queue) -> User:  # noqa: A001 - his name
    """The second manager: loosening a policy takes two."""
    return _person(queue, "max", "manager")


@pytest.fixture
def otto(queue: Queue) -> User:
    """The auditor: may read but not write."""
    return _person(queue, "otto", "auditor")


@pytest.fixture
def eve(db: None) -> User:
    """The outsider: a reviewer without a queue."""
    return _person(None, "eve", "reviewer")


@pytest.fixture
def stream(queue: Queue) -> Stream:
    """The stream of the queue: what is 80 % sure stands, and verdicts are final at once."""
    return stream_setup.create_stream()


@pytest.fixture
def holding(client: Client) -> Callable[..., stream_setup.Producer]:
    """Makes a machine at the front door, whose key has these scopes and is bound to these streams."""

    def make(*scopes: str, streams: tuple[str, ...] = ()) -> stream_setup.Producer:
        _, key = api_keys.create_key(name="intake", scopes=scopes, queues=streams, by=None)
        return stream_setup.Producer(client, key)

    return make


@pytest.fixture
def producer(stream: Stream, holding: Callable[..., stream_setup.Producer]) -> stream_setup.Producer:
    """A production system that may do all that is not reviewing."""
    return holding("outputs:write", "decisions:read", "labels:read", "reports:read", streams=("intents",))
