"""The promise in the browser: said, looked for, tried, stated, and read by somebody outside the team."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from escalation import estimators, policies
from escalation.models import Attempt, Policy, Stream, Target, TestItem
from escalation.tuning import counts, statements
from reviewqueue.models import User
from tests.escalation import history, traffic
from tests.escalation.tuning.test_attempts import POLICY, honest

TARGET = {"most": "5", "doubt": "5", "groups": "together"}
PAGE = "/streams/intents/promise/"


@pytest.fixture
def stream(queue: object) -> Stream:
    return traffic.stream(policy={**POLICY, "threshold": 0.9999})


def _past(stream: Stream, count: int = 3000) -> None:
    history.write(stream, *honest(count), since=timezone.now() - timedelta(days=9), span=timedelta(days=8))
    counts.refresh()


def _read(client: Client, page: str = PAGE) -> str:
    return client.get(page).content.decode()


def test_nobody_sees_errors_before_saying_what_may_go_wrong(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    client.force_login(mara)
    before = _read(client)
    assert "Nobody has said yet what may go wrong." in before
    assert "Mistakes per 1,000" not in before
    assert client.get(f"{PAGE}trial/").status_code == 404
    client.post(f"{PAGE}target/", TARGET)
    assert Target.objects.get().max_error == 0.05
    assert "Mistakes per 1,000" in _read(client)


def test_a_statement_is_reached_by_clicking_and_takes_two(
    client: Client,
    stream: Stream,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    _past(stream)
    client.force_login(mara)
    client.post(f"{PAGE}target/", TARGET)
    evidence = client.post(f"{PAGE}look/")["Location"]
    assert "at most 5 in 100 is wrong" in _read(client, evidence)
    policy = client.post(f"{evidence}policy/", {"reason": "measured"})["Location"]
    current = policies.active(stream)
    assert current
    assert current.number == 1
    client.force_login(max)
    client.post(f"{policy}activation/", {})
    statement = statements.in_force(stream)
    assert statement
    assert statement.holds
    page = _read(client)
    assert (
        "Of what goes out without a person, at most 5 in 100 is wrong. This statement fails at most 1 time in 20."
        in page
    )
    assert "Assumes that reviewers miss nothing." in page


def test_the_evidence_shows_the_counts_that_reproduce_its_bound(client: Client, stream: Stream, otto: User) -> None:
    _past(stream)
    client.force_login(User.objects.create(username="mia", role="admin"))
    client.post(f"{PAGE}target/", TARGET)
    evidence = client.post(f"{PAGE}look/")["Location"]
    group = Attempt.objects.get().groups[0]
    bound = estimators.upper_bound(group["wrong"], group["accepted"], group["delta"])
    client.force_login(otto)
    page = _read(client, evidence)
    assert f"{bound * 100:.4f}" in page
    assert f">{group['accepted']:,}<" in page
    assert f">{group['wrong']:,}<" in page
    assert "Make a policy version" not in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"most": "0"}, "greater than or equal to 0.01"),
        ({"most": "x"}, "Enter a number"),
        ({"groups": "segments"}, "Name the segment"),
        ({"groups": "nonsense"}, "not one of the available choices"),
    ],
)
def test_a_target_that_makes_no_sense_is_said(
    client: Client, stream: Stream, mara: User, change: dict[str, str], said: str
) -> None:
    client.force_login(mara)
    assert said in client.post(f"{PAGE}target/", TARGET | change, follow=True).content.decode()
    assert not Target.objects.exists()


def test_a_refusal_says_what_it_would_take(client: Client, stream: Stream, mara: User) -> None:
    history.write(stream, [0.9] * 60, [False] * 60, since=timezone.now() - timedelta(days=5), span=timedelta(days=4))
    client.force_login(mara)
    client.post(f"{PAGE}target/", TARGET)
    page = client.post(f"{PAGE}look/", follow=True).content.decode()
    assert "checked outputs are too few for this target: about" in page
    assert "at today’s traffic" in page  # noqa: RUF001
    assert not Attempt.objects.exists()


def test_the_slider_brings_what_its_threshold_would_have_done(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    client.force_login(mara)
    client.post(f"{PAGE}target/", TARGET)
    everything = client.get(f"{PAGE}trial/", {"place": "0"}).content.decode()
    assert "<strong>100 %</strong>".replace(" ", "\u00a0") in everything
    for odd in ("999", "-1", "x", ""):
        assert client.get(f"{PAGE}trial/", {"place": odd}).status_code == 200


def test_the_numbers_behind_the_curve_can_be_downloaded(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    client.force_login(mara)
    client.post(f"{PAGE}target/", TARGET)
    rows = list(csv.DictReader(client.get(f"{PAGE}thresholds.csv").content.decode().splitlines()))
    assert float(rows[0]["threshold"]) == 0.0
    assert int(rows[0]["automatic"]) == 3000
    assert all(int(row["wrong"]) <= int(row["checked"]) <= int(row["automatic"]) for row in rows)


def test_known_answers_are_mixed_in_from_the_page(client: Client, stream: Stream, mara: User) -> None:
    traffic.post(stream, "ticket-1", now=timezone.now())
    client.force_login(mara)
    line = '{"input": {"text": "Hello"}, "prediction": "refund", "answer": "billing"}'
    assert "1 test item is mixed in." in client.post(f"{PAGE}tests/", {"examples": line}, follow=True).content.decode()
    assert TestItem.objects.count() == 1
    for bad in ("{", "[1]", '{"input": 1}'):
        client.post(f"{PAGE}tests/", {"examples": bad})
    assert TestItem.objects.count() == 1


def test_an_empty_stream_has_a_page(client: Client, stream: Stream, mara: User, otto: User) -> None:
    for who in (mara, otto):
        client.force_login(who)
        assert "No accuracy statement yet." in _read(client)


def test_the_pages_ask_the_database_as_often_whatever_there_is(
    client: Client, stream: Stream, mara: User, django_assert_max_num_queries: Any
) -> None:
    _past(stream)
    client.force_login(mara)
    client.post(f"{PAGE}target/", TARGET)
    for _ in range(3):
        client.post(f"{PAGE}look/")
    with django_assert_max_num_queries(45):
        client.get(PAGE)
    assert Policy.objects.count() == 1
