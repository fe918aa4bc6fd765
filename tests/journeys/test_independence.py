"""While an independent second review is pending, nothing shows the first one: no page and no API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from escalation.decisions import settle
from escalation.models import Stream
from reviewqueue.accounts import api_keys
from reviewqueue.models import User
from reviewqueue.queue.claim import claim_next, list_held_claims
from reviewqueue.verdicts import submit
from tests.helpers import stream_setup
from tests.helpers.stream_setup import Producer

# What rob says, in words that stand nowhere else.
NOTE, REASON = "robs-own-thoughts", "robs-reason"
TELLS = (NOTE, REASON, "wrong kind of rob", "chargeback", "Chargeback", ">rob<", '"rob"')


@pytest.fixture
def first(stream: Stream, rob: User) -> int:
    """Rob has judged an item that wants a second review; his verdict is final."""
    stream = stream_setup.create_stream(
        answers=[*stream_setup.ANSWERS, "chargeback"], error_types=["wrong kind of rob"]
    )
    stream_setup.activate_policy(stream, threshold=0.8, reviews=2)
    stream_setup.route_outputs(stream, stream_setup.build_output())
    claim = claim_next(user=rob, slug="intents")
    assert claim is not None
    said: dict[str, Any] = {"answer": "chargeback", "reason": REASON, "note": NOTE, "error_type": "wrong kind of rob"}
    submit.submit_verdict(claim_id=claim.id, user=rob, kind="correct", **said)
    return claim.item.id


@pytest.fixture
def rita_at(client: Client, rita: User) -> Callable[..., str]:
    """What rita is shown at an address."""
    client.force_login(rita, backend="django.contrib.auth.backends.ModelBackend")

    def look(path: str, **options: str) -> str:
        response = client.get(path, **options)  # type: ignore[arg-type]
        assert response.status_code in {200, 403, 404}, path
        return response.content.decode()

    return look


def _told(text: str) -> Iterator[str]:
    """What of rob's verdict is in there, but for the answers and kinds that everybody may choose from."""
    for listed in ('value="chargeback"', '"chargeback"', ">Chargeback<", ">wrong kind of rob<", '"wrong kind of rob"'):
        text = text.replace(listed, "")
    return (tell for tell in TELLS if tell in text)


def test_the_desk_never_shows_the_first_review_to_the_second_reviewer(
    first: int, rita: User, client: Client, rita_at: Callable[..., str]
) -> None:
    desk = "/queues/intents/"
    assert list(_told(rita_at(desk))) == []
    (claim,) = list_held_claims(rita)
    assert claim.item.id == first
    after = client.post(f"{desk}claims/{claim.id}/first-answer/", {"answer": "billing"}, headers={"HX-Request": "true"})
    assert "You answered: Billing" in after.content.decode()
    for page in (after.content.decode(), rita_at(desk), rita_at("/"), rita_at(f"{desk}queues/")):
        assert list(_told(page)) == []


def test_output_and_activity_pages_hide_the_first_review(first: int, rita_at: Callable[..., str]) -> None:
    paths = ("/streams/intents/outputs/ticket-1/", "/streams/intents/outputs/", "/outputs/", "/activity/")
    for path in (*paths, "/streams/intents/outputs/?act=mistake&code=wrong%20kind%20of%20rob"):
        page = rita_at(path)
        assert list(_told(page)) == [], path


def test_the_api_hides_the_first_review(
    first: int, rita: User, rob: User, client: Client, holding: Callable[..., Producer]
) -> None:
    _, key = api_keys.create_key(name="rita", scopes=["review"], acts_as=rita, by=None)
    desk = Producer(client, key)
    claimed = desk.post("queues/intents/claims", {})
    path = f"claims/{claimed.json()['claim']}"  # type: ignore[attr-defined]
    assert claimed.json()["item"]["id"] == str(first)  # type: ignore[attr-defined]
    shown = desk.post(f"{path}/verdict", {"verdict": "answer", "answer": "billing"})
    said = desk.post(f"{path}/verdict", {"verdict": "correct", "answer": "billing"})
    assert (shown.status_code, said.status_code) == (200, 201)
    for answer in (claimed, shown, said):
        assert list(_told(answer.content.decode())) == []
    assert claimed.json()["others"] == shown.json()["others"] == []  # type: ignore[attr-defined]


def test_a_lead_giving_the_second_review_sees_neither_side_nor_history(first: int, ann: User, client: Client) -> None:
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    assert "Answers so far" not in (desk := client.get("/queues/intents/").content.decode())
    assert list(_told(desk)) == []
    for path in ("/streams/intents/outputs/ticket-1/", "/streams/intents/outputs/"):
        assert list(_told(client.get(path).content.decode())) == []
    wanted = "/streams/intents/outputs/?act=mistake&code=wrong%20kind%20of%20rob"
    assert "ticket-1" not in client.get(wanted).content.decode()


def test_both_reviews_are_shown_to_the_lead_who_has_the_final_say(
    first: int, rita: User, ann: User, client: Client
) -> None:
    """Proves that the tests above would notice a leak."""
    stream_setup.judge_next(rita, "none")
    settle.settle_items()
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/queues/intents/").content.decode()
    assert {NOTE, REASON} <= set(_told(page))
