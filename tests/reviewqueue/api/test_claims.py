"""Claims and verdicts over HTTP, as a custom review tool uses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from reviewqueue.accounts import api_keys, roles
from reviewqueue.models import Queue, User, Verdict
from reviewqueue.models.items import Lane
from reviewqueue.queue.items import withdraw_items
from tests.helpers import queue_items

pytestmark = pytest.mark.usefixtures("balanced")

type Call = Callable[..., HttpResponse]


def caller(client: Client, *, scopes: tuple[str, ...] = ("review",), **options: Any) -> Call:
    """Calls with a key of its own; a body is sent as JSON."""
    _, key = api_keys.create_key(name="desk", scopes=scopes, by=None, **options)

    def call(method: str, path: str, body: Any = None) -> Any:
        data = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(client, method)(f"/api/v1/{path}", headers={"authorization": f"Bearer {key}"}, **data)

    return call


@pytest.fixture
def call(queue: Queue, client: Client) -> Call:
    return caller(client)


def claim(call: Call, reviewer: str = "rob") -> Any:
    answer = call("post", "queues/intents/claims", {"reviewer": reviewer})
    assert answer.status_code == 201, answer.content
    return answer.json()  # type: ignore[attr-defined]


def code(answer: Any) -> tuple[int, str]:
    assert answer["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_an_item_is_claimed_and_decided(call: Call, rob: User) -> None:
    queue_items.enqueue_items(2**60 + 1, rank=1.0)
    got = claim(call)
    assert got["item"]["id"] == str(2**60 + 1)
    assert (got["item"]["proposal"], got["revealed"], got["final_say"]) == ("refund", True, False)
    assert got["expires_at"].endswith("Z")
    path = f"claims/{got['claim']}/verdict"
    first = call("post", path, {"verdict": "correct", "answer": "billing", "note": "see thread", "active_seconds": 0})
    assert first.status_code == 201
    again = call("post", path, {"verdict": "correct", "answer": "billing", "note": "see thread"})
    assert (again.status_code, again.json()) == (200, first.json())  # type: ignore[attr-defined]
    assert first.json().keys() == {"id", "final_at"}  # type: ignore[attr-defined]
    assert code(call("post", path, {"verdict": "agree"})) == (409, "verdict_exists")
    assert Verdict.objects.get().user == rob


def test_every_claim_returns_another_item_until_none_is_left(call: Call, rob: User) -> None:
    queue_items.enqueue_items(1, 2)
    assert claim(call)["claim"] != claim(call)["claim"]
    nothing = call("post", "queues/intents/claims", {"reviewer": "rob"})
    assert (nothing.status_code, nothing.content) == (204, b"")


def test_answer_first_goes_through_its_steps(call: Call, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True, lane=Lane.CHECKS)
    got = claim(call)
    assert got["item"].keys() & {"proposal", "alternatives", "field_hints", "why", "model", "lane", "source"} == set()
    path = f"claims/{got['claim']}/verdict"
    assert code(call("post", path, {"verdict": "agree"})) == (409, "answer_first")
    shown = call("post", path, {"verdict": "answer", "answer": "billing"})
    assert shown.status_code == 200
    document: Any = shown.json()  # type: ignore[attr-defined]
    assert (document["item"]["proposal"], document["first_answer"], document["revealed"]) == ("refund", "billing", True)
    assert call("post", path, {"verdict": "answer", "answer": "billing"}).status_code == 200
    assert code(call("post", path, {"verdict": "answer", "answer": "refund"})) == (409, "verdict_exists")
    assert call("post", path, {"verdict": "agree"}).status_code == 201
    assert Verdict.objects.get().first_answer == "billing"


def test_a_first_answer_may_be_none(call: Call, rob: User) -> None:
    queue_items.enqueue_items(1, answer_first=True)
    got = claim(call)
    shown: Any = call("post", f"claims/{got['claim']}/verdict", {"verdict": "answer", "instead": "none"})
    assert (shown.json()["first_kind"], shown.json()["first_answer"]) == ("none", None)


def test_a_first_answer_is_refused_when_the_proposal_is_already_shown(call: Call, rob: User) -> None:
    queue_items.enqueue_items(1)
    got = claim(call)
    answer = call("post", f"claims/{got['claim']}/verdict", {"verdict": "answer", "answer": "billing"})
    assert code(answer) == (409, "answer_first")


def test_claims_can_be_renewed_and_released_and_verdicts_undone(call: Call, rob: User) -> None:
    queue_items.enqueue_items(1)
    got = claim(call)
    renewed: Any = call("post", f"claims/{got['claim']}/renewal")
    assert renewed.status_code == 200
    assert renewed.json()["expires_at"] >= got["expires_at"]
    assert call("delete", f"claims/{got['claim']}").status_code == 204
    assert code(call("delete", f"claims/{got['claim']}")) == (409, "claim_lost")
    again = claim(call)
    given: Any = call("post", f"claims/{again['claim']}/verdict", {"verdict": "none"})
    undone: Any = call("delete", f"verdicts/{given.json()['id']}")
    assert (undone.status_code, undone.json()["item"]["reference"]) == (200, "ticket-1")
    lost = call("post", f"claims/{again['claim']}/verdict", {"verdict": "none"})
    assert code(lost) == (409, "claim_lost")


def test_final_verdicts_and_withdrawn_items_are_refused_with_their_codes(call: Call, rob: User) -> None:
    queue_items.enqueue_items(1, 2, undo_seconds=0)
    got = claim(call)
    given: Any = call("post", f"claims/{got['claim']}/verdict", {"verdict": "agree"})
    assert code(call("delete", f"verdicts/{given.json()['id']}")) == (409, "verdict_final")
    got = claim(call)
    withdraw_items(item_ids=[2], actor="key:1")
    assert code(call("post", f"claims/{got['claim']}/verdict", {"verdict": "agree"})) == (409, "item_withdrawn")


KINDS = "`answer`, `agree`, `correct`, `none`, `unjudgeable`, `escalate`"
BAD_VERDICTS: list[tuple[Any, str, str]] = [
    ({"verdict": "agree", "status": "final"}, "/status", "unknown field `status`; known are `verdict`, `answer`"),
    ({"verdict": "agree", "reasons": "x"}, "/reasons", "unknown field `reasons`; did you mean `reason`?"),
    ({"verdict": "gold"}, "/verdict", f'`verdict` must be one of {KINDS} (got the text "gold")'),
    ({"verdict": "Agreed"}, "/verdict", '(got the text "Agreed"; did you mean `agree`?)'),
    ({}, "/verdict", "`verdict` is required"),
    ([], "", "the request must be a JSON object (got a list of 0 entries)"),
    ({"verdict": "agree", "note": 5}, "/note", "`note` must be a string of at most 10000 characters (got 5)"),
    ({"verdict": "agree", "reason": True}, "/reason", "(got true)"),
    ({"verdict": "agree", "active_seconds": True}, "/active_seconds", "must be a number of at least 0 (got true)"),
    (
        {"verdict": "agree", "active_seconds": "5"},
        "/active_seconds",
        'must be a number of at least 0 (got the text "5")',
    ),
    ({"verdict": "agree", "active_seconds": -1}, "/active_seconds", "must be a number of at least 0 (got -1)"),
    ({"verdict": "agree", "instead": "none"}, "/instead", "`instead` is not allowed with this verdict. Remove it."),
    ({"verdict": "agree", "answer": "refund"}, "/answer", "The verdict agree does not take an answer. Remove it."),
    ({"verdict": "correct"}, "/answer", "one of the answers `billing`, `refund`, `card_arrival` (got null)"),
    ({"verdict": "correct", "answer": "bill"}, "/answer", '(got the text "bill"; did you mean `billing`?)'),
    ({"verdict": "correct", "answer": 5}, "/answer", "`answer` must be a string, a list, an object or null (got 5)"),
    ({"verdict": "none", "error_type": "typo"}, "/error_type", "This stream has no error types. Remove it."),
    ({"verdict": "answer", "answer": "refund", "note": "x"}, "/note", "`note` is not allowed with this verdict."),
]


def test_an_invalid_verdict_is_refused_with_its_place_and_rule(call: Call, rob: User) -> None:
    queue_items.enqueue_items(1)
    path = f"claims/{claim(call)['claim']}/verdict"
    for body, pointer, sentence in BAD_VERDICTS:
        answer: Any = call("post", path, body)
        assert code(answer) == (400, "invalid"), body
        (error,) = answer.json()["errors"]
        assert (error["pointer"], sentence in error["detail"]) == (pointer, True), (body, error)
    assert not Verdict.objects.exists()


@pytest.mark.parametrize("reviewer", ["eve", "ann", "mara", "otto", "nobody", ""])
def test_a_key_acts_only_for_reviewers_of_its_queue(
    call: Call, rob: User, eve: User, ann: User, mara: User, otto: User, reviewer: str
) -> None:
    queue_items.enqueue_items(1)
    answer = call("post", "queues/intents/claims", {"reviewer": reviewer})
    assert answer.status_code in {400, 403}
    if reviewer:
        assert code(answer) == (403, "not_a_member")


def test_the_final_say_needs_a_key_created_as_that_lead(
    queue: Queue, client: Client, call: Call, rob: User, rita: User, ann: User
) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2)
    queue_items.judge_next(rob, "agree")
    queue_items.judge_next(rita, "none", first="billing")
    queue_items.settle_verdicts()
    assert code(call("post", "queues/intents/claims", {"reviewer": "ann"})) == (403, "not_a_member")
    as_ann = caller(client, acts_as=ann)
    got: Any = as_ann("post", "queues/intents/claims", {}).json()  # type: ignore[attr-defined]
    assert (got["final_say"], got["others"][0]["person"]) == (True, "rob")
    path = f"claims/{got['claim']}"
    for method, target, body in (("post", f"{path}/verdict", {"verdict": "agree"}), ("delete", path, None)):
        assert code(call(method, target, body)) == (403, "not_a_member")
    refused = as_ann("post", f"{path}/verdict", {"verdict": "agree"})
    assert refused.status_code == 400
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/reason"]  # type: ignore[attr-defined]
    assert as_ann("post", f"{path}/verdict", {"verdict": "agree", "reason": "ambiguous"}).status_code == 201


def test_a_former_lead_cannot_finish_a_final_say(call: Call, client: Client, rob: User, ann: User) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(rob, "escalate")
    queue_items.settle_verdicts()
    held = queue_items.claim_next_item(ann)
    User.objects.filter(pk=ann.pk).update(role="reviewer")
    as_ann = caller(client, acts_as=ann)
    for key in (call, as_ann):
        assert code(key("post", f"claims/{held.id}/verdict", {"verdict": "agree"})) == (403, "forbidden")
        assert code(key("post", f"claims/{held.id}/renewal")) == (403, "forbidden")
    assert Verdict.objects.count() == 1


def test_keys_of_other_people_and_streams_get_not_found(
    queue: Queue, client: Client, call: Call, rob: User, rita: User
) -> None:
    queue_items.enqueue_items(1)
    got = claim(call)
    given_path = f"claims/{got['claim']}"
    Queue.objects.create(slug="other", title="Other")
    for stranger in (caller(client, acts_as=rita), caller(client, queues=("other",))):
        assert code(stranger("delete", given_path)) == (404, "not_found")
        assert code(stranger("post", f"{given_path}/renewal")) == (404, "not_found")
        assert code(stranger("post", f"{given_path}/verdict", {"verdict": "agree"})) == (404, "not_found")
    given: Any = call("post", f"{given_path}/verdict", {"verdict": "agree"})
    for stranger in (caller(client, acts_as=rita), caller(client, queues=("other",))):
        assert code(stranger("delete", f"verdicts/{given.json()['id']}")) == (404, "not_found")
    assert code(caller(client, queues=("other",))("post", "queues/intents/claims", {"reviewer": "rob"})) == (
        404,
        "not_found",
    )


def test_requests_need_a_key_with_the_scope(queue: Queue, client: Client, rob: User) -> None:
    queue_items.enqueue_items(1)
    other = caller(client, scopes=("outputs:write",))
    for method, path in (
        ("post", "queues/intents/claims"),
        ("post", "claims/1.1/verdict"),
        ("post", "claims/1.1/renewal"),
        ("delete", "claims/1.1"),
        ("delete", "verdicts/1"),
    ):
        assert code(other(method, path, {})) == (403, "missing_scope")
        assert code(getattr(client, method)(f"/api/v1/{path}")) == (401, "unauthenticated")


def test_a_person_who_left_the_stream_is_refused_mid_claim(call: Call, rob: User) -> None:
    queue_items.enqueue_items(1)
    got = claim(call)
    User.objects.filter(pk=rob.pk).update(is_active=False)
    assert code(call("post", f"claims/{got['claim']}/verdict", {"verdict": "agree"})) == (403, "not_a_member")


def test_malformed_ids_are_not_found(call: Call) -> None:
    for path in ("claims/x", "claims/1", "claims/99999999999999999999.1", f"verdicts/{10**30}"):
        assert call("delete", path).status_code == 404


def test_roles_and_the_claim_statement_agree_on_membership(queue: Queue, rob: User) -> None:
    """The claim checks in SQL what `roles` checks through the ORM."""
    assert {str(role) for role in roles.REVIEWER_ROLES} == {"reviewer", "lead", "admin"}
