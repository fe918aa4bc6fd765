"""API keys: shown once, hashed, bound to streams, rotated, revoked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from reviewqueue.accounts import api_keys
from reviewqueue.accounts.roles import Forbidden
from reviewqueue.activity import log
from reviewqueue.forms.keys import ApiKeyForm
from reviewqueue.kernel.errors import DomainError, Invalid, NotFound
from reviewqueue.models import ApiKey, Queue, User


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """No test finds what another one's process remembered."""
    api_keys._cache.clear()
    yield
    api_keys._cache.clear()


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_user("root", role="admin")


def _made(*, scopes: str = "outputs:write", queues: str = "intents", days: int | None = None) -> tuple[ApiKey, str]:
    return api_keys.create_key(name="intake", scopes=scopes.split(), queues=queues.split(), by=None, days=days)


def test_a_key_authenticates_with_the_rights_it_was_created_with(queue: Queue) -> None:
    key, text = _made(scopes="outputs:write decisions:read")

    caller = api_keys.authenticate_key(text)

    assert caller is not None
    assert (caller.key_id, caller.name, caller.actor) == (key.pk, "intake", f"key:{key.pk}")
    assert caller.scopes == {"outputs:write", "decisions:read"}
    assert caller.allows_queue("intents")
    assert not caller.allows_queue("other")


def test_a_keys_text_is_long_random_and_never_stored(queue: Queue) -> None:
    key, text = _made()

    assert text.startswith("rq_")
    assert len(text) == 3 + 43  # 256 bits in base64
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert text not in str(row)
    assert text.startswith(row["prefix"])
    assert text not in str(list(log.events_about("key", key.pk).values()))


@pytest.mark.parametrize("text", ["", "rq_", "rq_" + "a" * 43, "Ω", "x" * 10_000])
def test_any_other_text_is_rejected(db: None, text: str) -> None:
    assert api_keys.authenticate_key(text) is None


def test_authenticating_costs_one_query_and_then_none_for_two_seconds(
    queue: Queue, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = _made()
    api_keys.authenticate_key(text)  # notes the use, once a minute
    with django_assert_num_queries(0):
        api_keys.authenticate_key(text)

    monkeypatch.setattr(api_keys, "CACHE_SECONDS", 0.0)
    api_keys._cache.clear()
    api_keys.authenticate_key(text)  # remembered until now
    with django_assert_num_queries(1):
        api_keys.authenticate_key(text)


def test_the_last_use_is_recorded_at_most_once_a_minute(queue: Queue) -> None:
    key, text = _made()
    api_keys.authenticate_key(text)
    key.refresh_from_db()
    noted = key.last_used_at
    assert noted is not None

    api_keys._cache.clear()
    api_keys.authenticate_key(text)
    key.refresh_from_db()
    assert key.last_used_at == noted

    ApiKey.objects.filter(pk=key.pk).update(last_used_at=noted - timedelta(minutes=2))
    api_keys._cache.clear()
    api_keys.authenticate_key(text)
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert key.last_used_at >= noted


def test_an_expired_key_is_rejected(queue: Queue) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    _, text = api_keys.create_key(name="old", scopes=["outputs:write"], by=None, days=30, now=long_ago)

    assert api_keys.authenticate_key(text) is None


def test_a_revoked_key_is_rejected_at_once(
    queue: Queue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    key, text = _made()
    assert api_keys.authenticate_key(text) is not None

    with django_capture_on_commit_callbacks(execute=True):
        api_keys.revoke_key(key_id=key.pk, by=None)

    assert api_keys.authenticate_key(text) is None
    with pytest.raises(api_keys.KeyAlreadyRevoked):
        api_keys.revoke_key(key_id=key.pk, by=None)
    assert [event.verb for event in log.events_about("key", key.pk)] == ["created", "revoked"]


def test_a_key_stops_working_when_its_persons_account_is_deactivated(rob: User) -> None:
    _, text = api_keys.create_key(name="bot", scopes=["review"], acts_as=rob, by=None)
    caller = api_keys.authenticate_key(text)
    assert caller is not None
    assert caller.acts_as == rob

    rob.is_active = False
    rob.save(update_fields=["is_active"])
    api_keys._cache.clear()

    assert api_keys.authenticate_key(text) is None


def test_a_rotated_key_works_for_another_day(queue: Queue) -> None:
    old, old_text = _made(scopes="labels:read", days=90)
    moment = datetime.now(UTC)

    new, new_text = api_keys.rotate_key(key_id=old.pk, by=None, now=moment)

    assert api_keys.authenticate_key(old_text) is not None
    assert api_keys.authenticate_key(new_text) is not None
    old.refresh_from_db()
    assert old.expires_at == moment + api_keys.ROTATION_GRACE
    assert old.replaced_by == new
    assert (new.name, new.scopes, new.queues) == (old.name, old.scopes, old.queues)
    assert new.expires_at is not None
    assert new.expires_at > moment + timedelta(days=89)
    with pytest.raises(DomainError):
        api_keys.rotate_key(key_id=old.pk, by=None)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scopes": ["outputs:wirte"]}, "Unknown scope 'outputs:wirte'"),
        ({"scopes": []}, "at least one scope"),
        ({"queues": ["nope"]}, "Unknown stream 'nope'"),
        ({"name": " "}, "Give the API key a name"),
        ({"days": 0}, "after 1 to 3650 days"),
    ],
)
def test_an_invalid_key_request_is_refused_with_a_reason(
    queue: Queue, change: dict[str, object], sentence: str
) -> None:
    wanted: dict[str, object] = {"name": "intake", "scopes": ["outputs:write"], "queues": ["intents"]}
    with pytest.raises(Invalid, match=sentence):
        api_keys.create_key(by=None, **(wanted | change))  # type: ignore[arg-type]  # wrong on purpose


def test_a_key_can_only_act_for_reviewers(mara: User) -> None:
    with pytest.raises(Invalid, match="is not a reviewer"):
        api_keys.create_key(name="bot", scopes=["review"], acts_as=mara, by=None)


def test_a_manager_cannot_create_a_key_with_more_access_than_their_own(mara: User, rob: User) -> None:
    Queue.objects.create(slug="other", title="Other")
    wide: list[dict[str, object]] = [
        {"scopes": ["outputs:write"], "queues": ["other"]},
        {"scopes": ["outputs:write"], "queues": ["intents", "other"]},
        {"scopes": ["outputs:write"]},
        {"scopes": ["review"], "queues": ["intents"]},
        {"scopes": ["outputs:write", "labels:read"], "queues": ["intents"]},
        {"scopes": ["outputs:write"], "queues": ["intents"], "acts_as": rob},
    ]
    for wanted in wide:
        with pytest.raises(Forbidden):
            api_keys.create_key(name="wide", by=mara, **wanted)  # type: ignore[arg-type]  # a table of arguments

    key, _ = api_keys.create_key(name="fits", scopes=["outputs:write"], queues=["intents"], by=mara)
    assert key.created_by == mara


def test_a_manager_cannot_get_the_text_of_a_key_that_reads_content(mara: User) -> None:
    for scope in ("labels:read", "review"):
        key, _ = _made(scopes=scope)
        with pytest.raises(Forbidden):
            api_keys.rotate_key(key_id=key.pk, by=mara)


def test_the_form_does_not_offer_content_scopes_to_managers(mara: User, root: User) -> None:
    def offered(by: User) -> set[str]:
        return set(dict(ApiKeyForm(by=by).fields["scopes"].choices))  # type: ignore[attr-defined]  # a ChoiceField

    assert offered(mara) == {"outputs:write", "decisions:read", "reports:read"}
    assert offered(root) == set(settings.API_SCOPES)


def test_auditors_and_reviewers_cannot_change_keys(otto: User, rob: User, ann: User) -> None:
    key, _ = _made()
    for person in (otto, rob, ann):
        with pytest.raises(Forbidden):
            api_keys.create_key(name="mine", scopes=["outputs:write"], queues=["intents"], by=person)
        with pytest.raises((Forbidden, NotFound)):
            api_keys.revoke_key(key_id=key.pk, by=person)
        with pytest.raises((Forbidden, NotFound)):
            api_keys.rotate_key(key_id=key.pk, by=person)
    assert ApiKey.objects.usable().count() == 1


def test_a_manager_sees_and_changes_only_keys_of_their_own_streams(mara: User, root: User) -> None:
    Queue.objects.create(slug="other", title="Other")
    mine, _ = _made()
    foreign = [_made(queues="other")[0], _made(queues="intents other")[0], _made(queues="")[0]]

    assert list(api_keys.keys_visible_to(mara)) == [mine]
    assert set(api_keys.keys_visible_to(root)) == {mine, *foreign}
    for key in foreign:
        with pytest.raises(NotFound):
            api_keys.revoke_key(key_id=key.pk, by=mara)
    api_keys.revoke_key(key_id=mine.pk, by=mara)


def test_the_command_prints_only_the_key(ann: User) -> None:
    out = StringIO()
    call_command("create_key", "desk bot", "--scopes", "review", "--streams", "intents", "--as", "ann", stdout=out)

    (text,) = out.getvalue().splitlines()
    caller = api_keys.authenticate_key(text)
    assert caller is not None
    assert caller.acts_as == ann


@pytest.mark.parametrize(
    "arguments",
    [["--scopes", "nope"], ["--scopes", "review", "--streams", "nope"], ["--scopes", "review", "--as", "nobody"]],
)
def test_the_command_refuses_a_typo_with_a_one_line_error(queue: Queue, arguments: list[str]) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("create_key", "typo", *arguments)

    assert "\n" not in str(refusal.value)
    assert not ApiKey.objects.exists()
