"""Limits on how often somebody may ask: keys, people, addresses, and guessers of passwords."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client, RequestFactory, override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from escalation.models import Stream
from reviewqueue.accounts import api_keys, password_gate
from reviewqueue.http import rates
from reviewqueue.kernel import token_bucket
from reviewqueue.kernel.token_bucket import TokenBuckets
from reviewqueue.models import User

OUTPUTS = "/api/v1/streams/intents/outputs"


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, no tokens come back."""
    monkeypatch.setattr(token_bucket, "time", SimpleNamespace(monotonic=lambda: 1_000.0))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 7)), max_size=60))
def test_nobody_gets_more_than_the_burst_and_the_rate(asked: list[tuple[float, int]]) -> None:
    buckets, moment, granted = TokenBuckets(per_second=2, burst=5), 100.0, 0
    for pause, tokens in asked:
        moment += pause
        taken = buckets.take("a", tokens, now=moment)
        granted += min(tokens, 5) if taken.allowed else 0
        assert granted <= 5 + 2 * (moment - 100.0) + 1e-6
        assert (taken.retry_seconds >= 1) is not taken.allowed
        assert buckets.take("a", tokens, now=moment + taken.retry_seconds).allowed or taken.allowed
        granted += 0 if taken.allowed else min(tokens, 5)
        moment += taken.retry_seconds


def test_a_bucket_forgets_the_oldest_owner_and_keeps_others_apart() -> None:
    buckets = TokenBuckets(per_second=1, burst=1, most=2)
    assert [buckets.take(owner, now=1).allowed for owner in "aabc"] == [True, False, True, True]
    assert buckets.take("c", now=1).allowed is False
    assert buckets.take("a", now=1).allowed is True


@override_settings(API_KEY_REQUESTS_PER_SECOND=2)
def test_a_noisy_key_is_asked_to_wait_and_others_are_not(client: Client, stream: Stream) -> None:
    _, noisy = api_keys.create_key(name="noisy", scopes=["outputs:write"], by=None)
    _, quiet = api_keys.create_key(name="quiet", scopes=["outputs:write"], by=None)
    answers = [client.get(f"{OUTPUTS}/x", headers={"Authorization": f"Bearer {noisy}"}) for _ in range(6)]

    assert [answer.status_code for answer in answers[:4]] == [404] * 4
    assert answers[0]["RateLimit-Policy"] == '"key";q=4;w=2'
    assert answers[0]["RateLimit"].startswith('"key";r=3;t=')
    last = answers[-1]
    assert (last.status_code, last.json()["code"], last["Retry-After"]) == (429, "rate_limited", "1")
    assert last["Content-Type"] == "application/problem+json"
    assert last["RateLimit"].startswith('"key";r=0;t=')
    assert client.get(f"{OUTPUTS}/x", headers={"Authorization": f"Bearer {quiet}"}).status_code == 404


def test_large_bodies_count_as_several_requests(rf: RequestFactory) -> None:
    request = rf.post("/", data=b"x" * (2 * rates.BYTES_PER_TOKEN), content_type="application/json")
    rates.count_key_request(request, 1)

    _, per_second, taken = request.rate  # type: ignore[attr-defined]
    assert taken.remaining == per_second * rates.BURST_SECONDS - 3


def test_an_address_may_not_try_many_unknown_keys(client: Client, db: None) -> None:
    statuses = [client.get(OUTPUTS, headers={"Authorization": f"Bearer rq_{n}"}).status_code for n in range(30)]

    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert rates.classify_address("2001:db8::1:2") == rates.classify_address("2001:db8::ffff") != "2001:db8::"


def test_a_person_who_reloads_without_end_gets_a_page(
    client: Client, rob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "PERSON_REQUESTS_PER_SECOND", 1)
    client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")
    answers = [client.get("/account/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Too many requests" in answers[-1].content.decode()


def _try(client: Client, name: str, password: str, address: str) -> Any:
    return client.post("/sign-in/", {"username": name, "password": password}, REMOTE_ADDR=address)


def test_a_guesser_of_names_is_stopped_before_hashing_and_nobody_else(client: Client, rob: User) -> None:
    guesses = [_try(client, f"name-{number}", "guess", "10.6.6.6") for number in range(32)]

    assert guesses[29].status_code == 200
    assert guesses[-1].status_code == 429
    assert "from your network" in guesses[-1].content.decode()
    assert int(guesses[-1]["Retry-After"]) >= 1
    assert _try(client, "rob", "rob-password", "10.0.0.1").status_code == 302


@override_settings(PASSWORD_HASHERS=["reviewqueue.accounts.password_gate.BoundedPasswordHasher"])
def test_few_passwords_are_hashed_at_once(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_gate.BoundedPasswordHasher, "iterations", 10)
    monkeypatch.setattr(password_gate, "HASH_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(password_gate, "_hashing", held := threading.BoundedSemaphore(2))
    stored = make_password("secret", hasher="pbkdf2_sha256")
    assert check_password("secret", stored)
    assert stored.startswith("pbkdf2_sha256$")

    with held, held:
        answer = _try(client, "anybody", "guess", "10.0.0.1")
    assert answer.status_code == 503
    assert "Try again in a few seconds" in answer.content.decode()
