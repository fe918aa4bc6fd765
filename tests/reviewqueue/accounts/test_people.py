"""Accounts: who may create, change and deactivate them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from reviewqueue.accounts import people
from reviewqueue.accounts.roles import Forbidden
from reviewqueue.activity import log
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import Event, Membership, Queue, User
from reviewqueue.models.people import Role


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_user("root", role="admin")


@pytest.fixture
def other(db: None) -> Queue:
    return Queue.objects.create(slug="other", title="Other")


def _queues(user: User) -> list[str]:
    return sorted(Queue.objects.filter(memberships__user=user).values_list("slug", flat=True))


def test_a_manager_adds_a_reviewer_who_can_sign_in(mara: User) -> None:
    user, password = people.create_person(
        username="nina", name="Nina Berg", role="reviewer", queues=["intents"], by=mara
    )

    user.refresh_from_db()
    assert user.check_password(password)
    assert (str(user), user.role, _queues(user)) == ("Nina Berg", "reviewer", ["intents"])
    (event,) = log.events_about("user", "nina")
    assert (event.actor, event.verb) == ("user:mara", "created")
    assert event.after == {"role": "reviewer", "all_queues": False, "queues": ["intents"]}
    assert password not in str(Event.objects.values())


def test_a_manager_cannot_grant_a_stream_they_are_not_a_member_of(mara: User, rob: User, other: Queue) -> None:
    with pytest.raises(Forbidden):
        people.create_person(username="nina", role="reviewer", queues=["intents", "other"], by=mara)
    with pytest.raises(Forbidden):
        people.create_person(username="nina", role="reviewer", queues=[], all_queues=True, by=mara)
    with pytest.raises(Forbidden):
        people.change_person(user_id=rob.pk, role="reviewer", queues=["intents", "other"], all_queues=False, by=mara)

    assert _queues(rob) == ["intents"]


def test_auditors_leads_and_reviewers_cannot_change_people(otto: User, ann: User, rob: User, rita: User) -> None:
    for person in (otto, ann, rob):
        with pytest.raises(Forbidden):
            people.create_person(username="nina", role="reviewer", queues=["intents"], by=person)
        with pytest.raises(Forbidden):
            people.change_person(user_id=rita.pk, role="lead", queues=["intents"], all_queues=False, by=person)
        with pytest.raises(Forbidden):
            people.deactivate_person(user_id=rita.pk, by=person)
        with pytest.raises(Forbidden):
            people.reset_password(user_id=rita.pk, by=person)
    assert not Event.objects.exists()


def test_a_change_updates_role_and_streams_and_records_the_old_values(root: User, rob: User, other: Queue) -> None:
    people.change_person(user_id=rob.pk, role="lead", queues=["other"], all_queues=False, by=root)

    rob.refresh_from_db()
    assert (rob.role, _queues(rob)) == ("lead", ["other"])
    (event,) = log.events_about("user", "rob")
    assert event.before == {"role": "reviewer", "all_queues": False, "queues": ["intents"]}
    assert event.after == {"role": "lead", "all_queues": False, "queues": ["other"]}


def test_memberships_outside_the_managers_streams_stay(mara: User, rob: User, other: Queue) -> None:
    Membership.objects.create(user=rob, queue=other)

    people.change_person(user_id=rob.pk, role="reviewer", queues=[], all_queues=False, by=mara)

    assert _queues(rob) == ["other"]


def test_a_manager_of_one_stream_cannot_remove_membership_of_all_streams(mara: User, ann: User, client: Client) -> None:
    User.objects.filter(pk=ann.pk).update(all_queues=True)
    client.force_login(mara, backend="django.contrib.auth.backends.ModelBackend")

    client.post("/people/of/ann/rights/", {"role": "lead", "queues": ["intents"]})
    people.change_person(user_id=ann.pk, role="lead", queues=["intents"], all_queues=False, by=mara)

    ann.refresh_from_db()
    assert (ann.all_queues, ann.role, _queues(ann)) == (True, "lead", ["intents"])


def test_a_manager_cannot_take_streams_from_managers_or_administrators(
    mara: User,
    max: User,  # noqa: A002 - his name
    root: User,
    queue: Queue,
) -> None:
    Membership.objects.create(user=root, queue=queue)
    for person in (max, root):
        with pytest.raises(Forbidden):
            people.change_person(user_id=person.pk, role=person.role, queues=[], all_queues=False, by=mara)
        assert _queues(person) == ["intents"]


def test_a_manager_of_all_streams_cannot_restrict_another_manager(mara: User, max: User) -> None:  # noqa: A002 - his name
    User.objects.update(all_queues=True)
    mara.refresh_from_db()

    with pytest.raises(Forbidden):
        people.change_person(user_id=max.pk, role="manager", queues=["intents"], all_queues=False, by=mara)

    max.refresh_from_db()
    assert max.all_queues


def test_a_manager_cannot_take_over_an_account_that_has_other_streams(mara: User, rob: User, other: Queue) -> None:
    Membership.objects.create(user=rob, queue=other)

    for act in (people.deactivate_person, people.reset_password):
        with pytest.raises(Forbidden):
            act(user_id=rob.pk, by=mara)
    with pytest.raises(Forbidden):
        people.change_person(user_id=rob.pk, role="lead", queues=["intents"], all_queues=False, by=mara)


def test_a_manager_cannot_take_over_another_managers_account(mara: User, max: User) -> None:  # noqa: A002 - his name
    for act in (people.deactivate_person, people.reset_password):
        with pytest.raises(Forbidden):
            act(user_id=max.pk, by=mara)


ROLES = [role.value for role in Role]
# Who may change whom. The roles that a manager may do it to; administrators may with all, and others with none.
MANAGER_MAY = {
    "create": {"reviewer"},
    "make": {"reviewer"},
    "add": {"reviewer", "lead", "auditor"},
    "take": {"reviewer", "lead"},
    "demote": {"lead"},
    "close": {"reviewer", "lead"},
    "reset": {"reviewer"},
}


def _try(act: str, role: str, *, by: User, other: Queue) -> bool:
    """Whether `by` may do this with an account of this role (for "make": make a reviewer one)."""
    start = "reviewer" if act == "make" else role
    user = User.objects.create(username=f"{act}-{role}", role=start, password="!")
    queues = [] if act == "add" else ["intents"]
    Membership.objects.bulk_create(Membership(user=user, queue=Queue.objects.get(slug=slug)) for slug in queues)
    Membership.objects.create(user=user, queue=other)
    changes: dict[str, dict[str, Any]] = {
        "take": {"queues": ["other"]},
        "make": {"role": role},
        "demote": {"role": "reviewer"},
    }
    rights = {"role": start, "queues": ["intents", "other"], "all_queues": False, **changes.get(act, {})}
    try:
        match act:
            case "create":
                people.create_person(username="fresh", role=role, queues=["intents"], by=by)
            case "close":
                people.deactivate_person(user_id=user.pk, by=by)
            case "reset":
                people.reset_password(user_id=user.pk, by=by)
            case _:
                people.change_person(user_id=user.pk, by=by, **rights)
    except Forbidden:
        return False
    return True


def test_who_may_change_whom(mara: User, root: User, otto: User, ann: User, rob: User, other: Queue) -> None:
    for person in (mara, root, otto, ann, rob):
        Membership.objects.get_or_create(user=person, queue=other)
        for act, may in MANAGER_MAY.items():
            allowed = set()
            for role in ROLES:
                if act == "demote" and role == "reviewer":
                    continue
                with transaction.atomic():
                    if _try(act, role, by=person, other=other):
                        allowed.add(role)
                    transaction.set_rollback(True)
            everything = set(ROLES) - ({"reviewer"} if act == "demote" else set())
            expected = {"manager": may, "admin": everything}.get(person.role, set())
            assert allowed == expected, (person.role, act)


def test_a_manager_who_sees_no_content_cannot_become_or_be_a_lead(mara: User, ann: User, rob: User) -> None:
    rights: dict[str, Any] = {"role": "lead", "queues": ["intents"], "all_queues": False}
    attempts: list[Callable[[], object]] = [
        lambda: people.change_person(user_id=mara.pk, by=mara, **rights),
        lambda: people.change_person(user_id=rob.pk, by=mara, **rights),
        lambda: people.create_person(username="twin", role="lead", queues=["intents"], by=mara),
        lambda: people.reset_password(user_id=ann.pk, by=mara),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()


def test_nobody_can_change_their_own_account(root: User, mara: User) -> None:
    for person in (root, mara):
        with pytest.raises(Forbidden):
            people.deactivate_person(user_id=person.pk, by=person)
        with pytest.raises(Forbidden):
            people.change_person(user_id=person.pk, role="admin", queues=[], all_queues=True, by=person)


def test_people_of_other_streams_do_not_exist_for_a_manager(mara: User, eve: User) -> None:
    assert not people.people_visible_to(mara).filter(username="eve").exists()
    with pytest.raises(NotFound):
        people.person_for(mara, "eve")
    with pytest.raises(NotFound):
        people.deactivate_person(user_id=eve.pk, by=mara)


def test_only_administrators_can_open_the_admin(root: User, rob: User) -> None:
    people.change_person(user_id=rob.pk, role="admin", queues=[], all_queues=False, by=root)
    rob.refresh_from_db()
    assert rob.is_staff

    people.change_person(user_id=rob.pk, role="reviewer", queues=[], all_queues=False, by=root)
    rob.refresh_from_db()
    assert not rob.is_staff


def test_a_deactivated_account_is_signed_out_at_its_next_request(mara: User, rob: User, client: Client) -> None:
    client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/account/").status_code == 200

    people.deactivate_person(user_id=rob.pk, by=mara)
    people.deactivate_person(user_id=rob.pk, by=mara)  # the second time nothing happens

    assert client.get("/account/").status_code == 302
    assert [event.verb for event in log.events_about("user", "rob")] == ["deactivated"]
    people.reactivate_person(user_id=rob.pk, by=mara)
    rob.refresh_from_db()
    assert rob.is_active


def test_a_new_password_replaces_the_old_one_and_ends_the_sessions(mara: User, rob: User, client: Client) -> None:
    client.force_login(rob, backend="django.contrib.auth.backends.ModelBackend")

    password = people.reset_password(user_id=rob.pk, by=mara)

    rob.refresh_from_db()
    assert rob.check_password(password)
    assert rob.must_change_password
    assert client.get("/account/").status_code == 302
    assert [(event.actor, event.verb) for event in log.events_about("user", "rob")] == [("user:mara", "password_reset")]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"username": "rob"}, "username 'rob' is already taken"),
        ({"username": "no spaces"}, "valid username"),
        ({"username": ".."}, "no address can end in"),
        ({"username": ""}, "cannot be blank"),
        ({"role": "boss"}, "Unknown role 'boss'"),
        ({"queues": ["nope"]}, "Unknown stream 'nope'"),
        ({"password": "short"}, "too short"),
    ],
)
def test_an_invalid_person_is_refused_with_a_reason(rob: User, change: dict[str, object], sentence: str) -> None:
    wanted: dict[str, object] = {"username": "nina", "role": "reviewer", "queues": ["intents"]}
    with pytest.raises(Invalid, match=sentence):
        people.create_person(by=None, **(wanted | change))  # type: ignore[arg-type]  # wrong on purpose


def test_the_command_takes_a_piped_password_or_prints_one(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    monkeypatch.setattr(sys, "stdin", StringIO("a fine passphrase\n"))
    call_command("create_user", "nina", "--role", "lead", "--streams", "intents", stdout=out)
    nina = User.objects.get(username="nina")
    assert out.getvalue() == ""
    assert nina.check_password("a fine passphrase")
    assert not nina.must_change_password
    assert (nina.role, _queues(nina)) == ("lead", ["intents"])

    monkeypatch.setattr(sys, "stdin", StringIO(""))
    call_command("create_user", "root", "--role", "admin", stdout=out)
    assert User.objects.get(username="root").check_password(out.getvalue().strip())


def test_the_command_refuses_a_typo_with_a_one_line_error(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(""))
    for arguments in (["--role", "boss"], ["--role", "lead", "--streams", "nope"]):
        with pytest.raises(CommandError) as refusal:
            call_command("create_user", "nina", *arguments)
        assert "\n" not in str(refusal.value)
    assert not User.objects.exists()
