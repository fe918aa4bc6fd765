"""What a person does at the desk is theirs; what an API key reports is recorded as the key's."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from reviewqueue.accounts import api_keys
from reviewqueue.models import ApiKey, Event, Label, Queue, User, Verdict
from reviewqueue.reports import reviews
from tests.helpers import desk_client, queue_items
from tests.helpers.desk_client import DeskClient
from tests.helpers.stream_setup import Producer

pytestmark = pytest.mark.usefixtures("balanced")


def _tool(client: Client, *scopes: str) -> Producer:
    _, key = api_keys.create_key(name="labelling tool", scopes=["review", *scopes], by=None)
    return Producer(client, key)


@pytest.fixture
def tool(queue: Queue, client: Client) -> Producer:
    return _tool(client)


def _told(response: Any, status: int) -> Any:
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def _claim(tool: Producer) -> str:
    return str(_told(tool.post("queues/intents/claims", {"reviewer": "rob"}), 201)["claim"])


def test_a_verdict_and_its_event_name_the_key(tool: Producer, rob: User) -> None:
    queue_items.enqueue_items(1, 2, undo_seconds=30)
    told = _told(tool.post(f"claims/{_claim(tool)}/verdict", {"verdict": "agree"}), 201)
    key = ApiKey.objects.get()
    event = Event.objects.get(object_type="verdict", verb="submitted")
    assert event.after is not None
    assert Verdict.objects.get().key_id == key.pk
    assert [one.key for one in reviews.verdicts_of(1)] == ["labelling tool"]
    assert (event.actor, event.after["key"], event.after["key_name"]) == ("user:rob", key.pk, "labelling tool")
    _told(tool.delete(f"verdicts/{told['id']}"), 200)
    assert Event.objects.filter(verb="undone", after__key=key.pk).exists()

    desk = DeskClient(rob)
    desk.open_page()
    desk.post("desk-verdict", desk.claim().id, verdict="agree")
    assert Verdict.objects.latest("id").key_id is None
    assert Event.objects.filter(verb="submitted", after__has_key="key").count() == 1


def test_no_key_acts_on_what_a_person_has_open_at_the_desk(tool: Producer, rob: User) -> None:
    queue_items.enqueue_items(1)
    desk = DeskClient(rob)
    desk.open_page()
    path = f"claims/{desk.claim().id}"
    for told in (
        tool.post(f"{path}/verdict", {"verdict": "agree"}),
        tool.post(f"{path}/renewal"),
        tool.delete(path),
    ):
        problem = _told(told, 409)
        assert (problem["code"], "open at the desk" in problem["detail"]) == ("claim_lost", True)
    assert not Verdict.objects.exists()
    assert desk.post("desk-verdict", desk.claim().id, verdict="none").status_code == 200
    given = Verdict.objects.get()
    assert (given.kind, given.key_id) == ("none", None)
    assert _told(tool.delete(f"verdicts/{given.pk}"), 403)["code"] == "forbidden"
    given.refresh_from_db()
    assert given.undone_at is None


def test_opening_an_item_at_the_desk_takes_it_from_the_key(tool: Producer, rob: User) -> None:
    queue_items.enqueue_items(1)
    claim = _claim(tool)
    _told(tool.post(f"claims/{claim}/renewal", raw=b""), 200)
    desk = DeskClient(rob)
    desk.open_page()
    assert desk.claim().id == claim
    assert _told(tool.post(f"claims/{claim}/verdict", {"verdict": "agree"}), 409)["code"] == "claim_lost"


def test_a_first_answer_is_blind_only_if_its_key_reads_nothing_else(client: Client, rob: User) -> None:
    for number, (scopes, blind) in enumerate([((), True), (("decisions:read",), False), (("outputs:write",), False)]):
        queue_items.enqueue_items(number + 1, answer_first=True)
        tool = _tool(client, *scopes)
        path = f"claims/{_claim(tool)}/verdict"
        _told(tool.post(path, {"verdict": "answer", "answer": "billing"}), 200)
        _told(tool.post(path, {"verdict": "correct", "answer": "billing", "active_seconds": 1e9}), 201)
        queue_items.settle_verdicts()
        assert Label.objects.latest("id").blind is blind, scopes
        # What a key reports is bounded by what the product knows: how long it was reserved.
        assert (Verdict.objects.latest("id").active_seconds or 0) < 600


def test_renewing_after_ones_own_verdict_says_so(rob: User) -> None:
    queue_items.enqueue_items(1)
    desk = DeskClient(rob)
    desk.open_page()
    claim = desk.claim().id
    desk.post("desk-verdict", claim, verdict="agree")
    html = desk_client.decode_body(desk.post("desk-renewal", claim))
    assert "You have already decided this item." in html
    assert "ran out" not in html
