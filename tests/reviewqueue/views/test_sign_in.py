"""Sign-in, sign-out, the lockout, and the pages for people and API keys."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from reviewqueue.accounts import api_keys, first_administrator
from reviewqueue.activity import log
from reviewqueue.models import ApiKey, Event, Queue, User

CONFIRMED = {"confirmed": "yes"}
BACKEND = "django.contrib.auth.backends.ModelBackend"


def _as(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def _attempt(client: Client, username: str, password: str, address: str = "10.0.0.1") -> int:
    data = {"username": username, "password": password}
    return client.post(reverse("sign-in"), data, REMOTE_ADDR=address).status_code


def _secret(html: str) -> str:
    found = re.search(r'id="secret"[^>]*value="([^"]+)"', html)
    assert found is not None
    return unescape(found[1])


def test_a_person_signs_in_and_out(client: Client, rob: User) -> None:
    assert _attempt(client, "rob", "rob-password") == 302
    assert client.get(reverse("account")).status_code == 200
    assert client.get(reverse("sign-out")).status_code == 405

    assert client.post(reverse("sign-out")).status_code == 302
    assert client.get(reverse("account")).status_code == 302


def test_signing_out_empties_the_browsers_storage(rob: User) -> None:
    """Drafts hold what a reviewer wrote about an item."""
    assert _as(rob).post(reverse("sign-out"))["Clear-Site-Data"] == '"storage"'


def test_signing_in_and_out_and_failing_to_leave_events(client: Client, rob: User) -> None:
    _attempt(client, "rob", "wrong-secret")
    _attempt(client, "rob", "rob-password")
    client.post(reverse("sign-out"))
    events = log.events_about("user", "rob")
    assert [(event.actor, event.verb) for event in events] == [
        ("system:sign-in", "sign_in_failed"),
        ("user:rob", "signed_in"),
        ("user:rob", "signed_out"),
    ]


def test_guessing_cannot_flood_the_log_and_leaves_nothing_that_was_typed(client: Client, rob: User) -> None:
    for number in range(7):
        _attempt(client, f"my-secret-{number}", "wrong", f"10.0.1.{number}")
        _attempt(client, "rob", f"my-secret-{number}", f"10.0.2.{number}")
    _attempt(client, "ro\0b", "x")
    failures = Event.objects.filter(verb="sign_in_failed")
    assert sorted(failures.values_list("object_id", flat=True)) == ["rob"] * 5 + ["unknown"] * 5
    assert "my-secret" not in str(list(failures.values()))


def test_signing_in_redirects_only_within_the_site(client: Client, rob: User) -> None:
    data = {"username": "rob", "password": "rob-password"}
    response = client.post(reverse("sign-in"), data | {"next": reverse("account")})
    assert response["Location"] == reverse("account")

    response = Client().post(reverse("sign-in"), data | {"next": "https://evil.example/"})
    assert "evil" not in response["Location"]


def test_guessing_passwords_locks_out_only_the_guesser(client: Client, rob: User, rita: User) -> None:
    tries = [_attempt(client, "rob", f"guess-{number}", "10.6.6.6") for number in range(8)]
    assert tries[:-1] == [200] * 7
    locked = client.post(reverse("sign-in"), {"username": "rob", "password": "rob-password"}, REMOTE_ADDR="10.6.6.6")

    assert (locked.status_code, locked["Retry-After"]) == (429, "900")
    assert "Wait 15 minutes" in locked.content.decode()
    assert "Too many failed attempts" in locked.content.decode()
    assert _attempt(Client(), "rob", "rob-password", "10.0.0.1") == 302
    assert _attempt(Client(), "rita", "rita-password", "10.6.6.6") == 302


def test_a_wrong_password_reveals_nothing_else(client: Client, rob: User) -> None:
    answers = [
        client.post(reverse("sign-in"), {"username": name, "password": "wrong"}).context["form"].non_field_errors()
        for name in ("rob", "nobody")
    ]
    assert answers[0] == answers[1]
    assert answers[0]


def test_a_form_loaded_before_signing_in_is_refused_with_a_page(rob: User) -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post(reverse("sign-in"), {"username": "rob", "password": "rob-password"})

    assert response.status_code == 403
    assert "This page was loaded before you signed in" in response.content.decode()


def test_changing_the_password_keeps_the_current_session(rob: User) -> None:
    here, elsewhere = _as(rob), _as(rob)
    chosen = "four small green boats"
    response = here.post(
        reverse("password"),
        {"old_password": "rob-password", "new_password1": chosen, "new_password2": chosen},
    )

    assert response.status_code == 302
    rob.refresh_from_db()
    assert rob.check_password(chosen)
    account = here.get(reverse("account")).content.decode()
    assert "changed the password" in account
    assert "password_changed" not in account
    assert "user:rob" not in account
    assert elsewhere.get(reverse("account")).status_code == 302
    assert [event.verb for event in log.events_about("user", "rob")] == ["password_changed"]


def test_a_person_who_had_to_change_the_password_is_led_to_the_work(rob: User) -> None:
    User.objects.filter(pk=rob.pk).update(must_change_password=True)
    chosen = "four small green boats"
    data = {"old_password": "rob-password", "new_password1": chosen, "new_password2": chosen}

    assert _as(rob).post(reverse("password"), data).headers["Location"] == reverse("inbox")


def test_a_weak_password_is_refused(rob: User) -> None:
    for weak in ("short", "password123", "rob-password-1", "0192837465564738", "ababababababab", "Reviewqueue-2026"):
        data = {"old_password": "rob-password", "new_password1": weak, "new_password2": weak}
        assert _as(rob).post(reverse("password"), data).status_code == 200
    assert User.objects.get(pk=rob.pk).check_password("rob-password")


def test_a_manager_adds_a_person_and_sees_the_password_once(mara: User) -> None:
    response = _as(mara).post(
        reverse("person-new"), {"username": "nina", "name": "Nina", "role": "reviewer", "queues": ["intents"]}
    )

    password = _secret(response.content.decode())
    assert "no-store" in response["Cache-Control"]
    signed_in = Client()
    assert _attempt(signed_in, "nina", password) == 302
    # Nothing but the password page opens, and it says who has seen the password.
    for name in ("inbox", "account", "desk-settings"):
        assert signed_in.get(reverse(name))["Location"] == reverse("password")
    assert "mara generated your password" in signed_in.get(reverse("password")).content.decode()
    for chosen, status in ((password, 200), ("four small green boats", 302)):
        data = {"old_password": password, "new_password1": chosen, "new_password2": chosen}
        assert signed_in.post(reverse("password"), data).status_code == status
    assert signed_in.get(reverse("account")).status_code == 200
    page = _as(mara).get(reverse("person", args=["nina"])).content.decode()
    assert password not in page


def test_a_managers_forms_offer_only_rights_they_can_grant(mara: User) -> None:
    Queue.objects.create(slug="other", title="Other things")

    html = _as(mara).get(reverse("person-new")).content.decode()
    assert "Support intents" in html
    for absent in ("Other things", 'value="admin"', 'value="manager"', "all_queues"):
        assert absent not in html

    response = _as(mara).post(reverse("person-new"), {"username": "nina", "role": "admin", "queues": ["other"]})
    assert response.status_code == 200
    assert not User.objects.filter(username="nina").exists()


def test_a_manager_changes_a_persons_role(mara: User, rob: User) -> None:
    User.objects.filter(pk=rob.pk).update(role="lead")
    response = _as(mara).post(reverse("person-rights", args=["rob"]), {"role": "reviewer", "queues": ["intents"]})

    assert response.status_code == 302
    rob.refresh_from_db()
    assert rob.role == "reviewer"


def test_an_auditor_sees_people_and_keys_without_actions(otto: User, rob: User) -> None:
    api_keys.create_key(name="intake", scopes=["outputs:write"], queues=["intents"], by=None)
    client = _as(otto)

    for url in (reverse("people"), reverse("person", args=["rob"]), reverse("keys")):
        response = client.get(url)
        assert response.status_code == 200
        main = response.content.decode().partition("<main")[2]
        assert "<form" not in main
        assert "<button" not in main
    response = client.post(reverse("person-rights", args=["rob"]), {"role": "lead", "queues": ["intents"]})
    assert response.status_code == 403
    rob.refresh_from_db()
    assert rob.role == "reviewer"


def test_a_manager_creates_replaces_and_revokes_a_key(mara: User) -> None:
    client = _as(mara)
    data = {"name": "intake", "scopes": ["outputs:write"], "queues": ["intents"], "days": "90"}
    made = client.post(reverse("key-new"), data)
    text = _secret(made.content.decode())
    assert "no-store" in made["Cache-Control"]
    assert api_keys.authenticate_key(text) is not None
    # A command to paste, with the key and the stream in it, and the way to the reference.
    shown = unescape(made.content.decode())
    assert f"curl http://testserver/api/v1/streams/intents/outputs \\\n  -H 'Authorization: Bearer {text}'" in shown
    assert reverse("api-docs") in shown.partition("<main")[2]
    assert '"prediction": "billing"' in shown

    first = ApiKey.objects.get()
    successor = _secret(client.post(reverse("key-rotation", args=[first.pk]), CONFIRMED).content.decode())
    assert api_keys.authenticate_key(successor) is not None
    again = client.post(reverse("key-rotation", args=[first.pk]))
    assert again.status_code == 409, "refused before it asks"
    assert "already been replaced" in again.content.decode()

    for key in ApiKey.objects.all():
        assert client.post(reverse("key-revocation", args=[key.pk]), CONFIRMED).status_code == 302
    assert not ApiKey.objects.usable().exists()
    page = client.get(reverse("keys")).content.decode()
    assert text not in page
    assert "revoked" in page


def test_the_command_of_a_key_for_all_streams_names_one_that_exists(mara: User, queue: Queue) -> None:
    User.objects.filter(pk=mara.pk).update(all_queues=True)
    data = {"name": "intake", "scopes": ["outputs:write"], "days": "90"}
    shown = unescape(_as(User.objects.get(pk=mara.pk)).post(reverse("key-new"), data).content.decode())

    assert "/api/v1/streams/intents/outputs" in shown
    assert '"prediction": "billing"' in shown


def test_the_lists_cost_the_same_for_many_rows(
    mara: User, queue: Queue, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        api_keys.create_key(name=f"key {number}", scopes=["outputs:write"], queues=["intents"], by=None)
    client = _as(mara)
    for name in ("people", "keys"):
        with django_assert_max_num_queries(12):
            assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", ["account", "password", "people", "person-new", "keys", "key-new"])
def test_anonymous_visitors_sign_in_and_return_to_their_page(client: Client, db: None, name: str) -> None:
    response = client.get(reverse(name))

    assert response.status_code == 302
    assert response["Location"] == f"{reverse('sign-in')}?next={reverse(name)}"


def _set_up(token: str, **fields: str) -> tuple[Client, Any]:
    data = {"username": "ada", "name": "Ada L", "password": "a-long-phrase", "repeated": "a-long-phrase", **fields}
    client = Client()
    return client, client.post(f"{reverse('setup')}?token={token}", data)


def test_the_first_page_of_a_new_installation_leads_to_the_first_administrator(db: None, client: Client) -> None:
    response = client.get("/", follow=True)
    assert response.request["PATH_INFO"] == reverse("setup")
    assert "Open the setup link" in response.content.decode()
    link = f"{reverse('setup')}?token={first_administrator.get_setup_token()}"
    assert "Create administrator" in client.get(link).content.decode()
    signed_in, created = _set_up(first_administrator.get_setup_token())
    ada = User.objects.get()
    assert (ada.username, ada.role, ada.all_queues, ada.is_staff) == ("ada", "admin", True, True)
    home = signed_in.get(created["Location"], follow=True)
    assert home.request["PATH_INFO"] == reverse("overview")
    assert "Create the first stream" in home.content.decode()
    assert [event.verb for event in log.events_about("user", "ada")] == ["created", "signed_in"]


def test_setup_refuses_wrong_tokens_bad_passwords_and_a_second_use(db: None, client: Client) -> None:
    token = first_administrator.get_setup_token()
    for wrong in ("", "guess", token[:-1], "ä"):
        assert "Open the setup link" in _set_up(wrong)[1].content.decode()
    assert "at least 10 characters" in _set_up(token, password="short", repeated="short")[1].content.decode()
    assert "two passwords differ" in _set_up(token, repeated="another-phrase")[1].content.decode()
    assert not User.objects.exists()
    _set_up(token)
    for path in (reverse("setup"), f"{reverse('setup')}?token={token}"):
        assert client.get(path)["Location"] == reverse("sign-in")
    assert _set_up(token, username="eve")[1]["Location"] == reverse("sign-in")
    with pytest.raises(first_administrator.AlreadySetUp):
        first_administrator.create_first_administrator(token=token, username="eve", name="", password="a-long-phrase")
    assert User.objects.count() == 1
