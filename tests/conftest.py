"""The fixed cast, and the servers that the suite runs on."""

from __future__ import annotations

import os

import pytest

from reviewqueue.models import AnswerSchema, Guideline, Membership, Queue, User


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In CI a skipped test is a failure: a machine that cannot run one must say so."""
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"


@pytest.fixture
def queue(db: None) -> Queue:
    queue = Queue.objects.create(
        slug="intents", title="Support intents", question="What does the customer want?"
    )
    AnswerSchema.objects.create(
        queue=queue, number=1, kind="label", answers=["billing", "refund", "card_arrival"]
    )
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
    """The other manager: loosening takes two."""
    return _person(queue, "max", "manager")


@pytest.fixture
def otto(queue: Queue) -> User:
    """The auditor: reads, writes nothing."""
    return _person(queue, "otto", "auditor")


@pytest.fixture
def eve(db: None) -> User:
    """The outsider: a reviewer without a queue."""
    return _person(None, "eve", "reviewer")
