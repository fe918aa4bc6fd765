"""Roles, memberships, and the people a key may act for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reviewqueue.accounts.roles import (
    Caller,
    MissingScope,
    NotAMember,
    get_queue,
    list_members,
    list_queues,
    may_administer,
    may_lead,
    may_manage,
    may_review,
    may_see_activity,
    may_see_content,
    may_see_people,
    may_see_reports,
    queue_for,
    queues_for,
    require_scope,
    resolve_reviewer,
)
from reviewqueue.kernel.errors import NotFound
from reviewqueue.models import Queue, User

RIGHTS: dict[Callable[[User], bool], set[str]] = {
    may_review: {"reviewer", "lead", "admin"},
    may_lead: {"lead", "admin"},
    may_manage: {"manager", "admin"},
    may_see_content: {"lead", "admin"},
    may_see_reports: {"lead", "manager", "auditor", "admin"},
    may_see_people: {"manager", "auditor", "admin"},
    may_see_activity: {"auditor", "admin"},
    may_administer: {"admin"},
}


def _caller(*, scopes: str = "review", queues: str = "", acts_as: User | None = None) -> Caller:
    return Caller(
        key_id=1,
        name="bot",
        scopes=frozenset(scopes.split()),
        queues=frozenset(queues.split()),
        acts_as=acts_as,
    )


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.__name__)
def test_each_right_belongs_to_its_roles_and_ends_with_deactivation(right: Callable[[User], bool]) -> None:
    roles = ("reviewer", "lead", "manager", "auditor", "admin")

    assert {role for role in roles if right(User(role=role))} == RIGHTS[right]
    assert not any(right(User(role=role, is_active=False)) for role in roles)


def test_people_see_the_queues_they_are_members_of(queue: Queue, rob: User, eve: User) -> None:
    Queue.objects.create(slug="other", title="Other")

    assert [found.slug for found in queues_for(rob)] == ["intents"]
    assert queue_for(rob, "intents") == queue
    assert [facts.title for facts in list_queues(rob)] == [get_queue(rob, "intents").title] == [queue.title]
    with pytest.raises(NotFound):
        queue_for(eve, "intents")
    with pytest.raises(NotFound):
        queue_for(rob, "other")
    with pytest.raises(NotFound):
        queue_for(rob, "never-was")


def test_administrators_and_members_of_all_queues_see_every_queue(queue: Queue, eve: User) -> None:
    eve.all_queues = True
    root = User(username="root", role="admin")

    assert queue_for(eve, "intents") == queue_for(root, "intents") == queue


def test_a_deactivated_account_has_no_queues(rob: User) -> None:
    rob.is_active = False

    assert not queues_for(rob).exists()


def test_the_members_of_a_queue_are_its_active_members(queue: Queue, ann: User, rob: User, eve: User) -> None:
    rob.is_active = False
    rob.save(update_fields=["is_active"])

    assert [member.username for member in list_members("intents")] == ["ann"]


def test_a_key_needs_the_scope_and_sees_only_its_streams() -> None:
    with pytest.raises(MissingScope):
        require_scope(_caller(scopes="outputs:write"), "review")
    with pytest.raises(NotFound):
        require_scope(_caller(queues="other"), "review", queue="intents")
    require_scope(_caller(queues="intents other"), "review", queue="intents")
    require_scope(_caller(), "review", queue="intents")


def test_a_review_key_acts_for_reviewers_who_are_members(rob: User) -> None:
    assert resolve_reviewer(_caller(queues="intents"), "rob", "intents") == rob


@pytest.mark.parametrize("username", ["eve", "ann", "mara", "otto", "nobody", "", None])
def test_a_review_key_cannot_act_for_anybody_else(
    username: str | None, rob: User, ann: User, mara: User, otto: User, eve: User
) -> None:
    with pytest.raises(NotAMember):
        resolve_reviewer(_caller(), username, "intents")


def test_a_key_created_as_a_lead_acts_only_for_that_lead(ann: User, rob: User) -> None:
    caller = _caller(acts_as=ann)

    assert resolve_reviewer(caller, None, "intents") == ann
    assert resolve_reviewer(caller, "ann", "intents") == ann
    with pytest.raises(NotAMember):
        resolve_reviewer(caller, "rob", "intents")


def test_a_key_cannot_act_for_a_deactivated_person(rob: User) -> None:
    rob.is_active = False
    rob.save(update_fields=["is_active"])

    with pytest.raises(NotAMember):
        resolve_reviewer(_caller(), "rob", "intents")
