"""Creating, editing, stopping and resuming a stream in the browser; who sees which events."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client

from escalation.models import Policy, Stop, Stream
from escalation.policies import versions
from escalation.routing import stop
from reviewqueue.models import Queue, User
from reviewqueue.queue import items
from tests.escalation.views.test_attention import read_text
from tests.helpers import traffic

FIELDS: dict[str, Any] = {
    "title": "Invoices",
    "slug_name": "invoices",
    "question": "Which account?",
    "answers": "travel\nfood",
    "guidelines": "**travel**: trains.",
    "error_types": "wrong account\ntwo accounts",
    "display": "lines: fields",
    "owner": "Finance",
    "risk": "high",
    "reserve_minutes": "10",
    "max_waiting": "500",
    "error_unit": "output",
}


def test_the_creator_of_a_stream_is_its_member(client: Client, mara: User) -> None:
    client.force_login(mara)
    answer = client.post("/streams/new/", FIELDS)
    assert answer.headers["Location"] == "/streams/invoices/policies/new/"
    stream = Stream.objects.get(slug="invoices")
    assert (stream.owner, stream.risk, stream.max_waiting) == ("Finance", "high", 500)
    assert items.get_answer_spec(slug="invoices", number=1).answers == ["travel", "food"]
    for path in ("/streams/invoices/", "/streams/"):
        shown = client.get(path).content.decode()
        assert "Finance" in shown
        assert '<span class="tag tag-bad">high</span>' in shown


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"slug_name": "In Voices"}, "letters"),
        ({"slug_name": "new"}, "not “new”"),
        ({"answers": ""}, "either a list of answers or a JSON schema"),
        ({"answers": "a\na"}, "The answer “a” is listed twice"),
        ({"schema": "{}x"}, "valid JSON"),
        ({"schema": "[" * 100_000}, "64 levels"),
        ({"schema": '{"type": "object", "maximum": ' + "9" * 5_000 + "}"}, "too large for a double"),
        ({"answers": "", "schema": '{"type": "object", "$ref": "#"}'}, "refers to itself"),
        ({"error_types": "a\na"}, "The error type “a” is listed twice"),
        ({"display": "lines"}, "Line 1: write “part: display”"),
        ({"display": "lines: marquee"}, "Unknown renderer"),
        ({"reserve_minutes": "0"}, "greater than or equal to 1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_invalid_value_is_refused_at_its_field(
    client: Client, mara: User, change: dict[str, str], error: str
) -> None:
    client.force_login(mara)
    answer = client.post("/streams/new/", FIELDS | change)
    assert answer.status_code == 200
    assert error in answer.content.decode()
    assert not Stream.objects.exists()


def test_a_new_stream_cannot_take_over_another(client: Client, mara: User) -> None:
    traffic.apply_stream(slug="invoices", title="Theirs")
    client.force_login(mara)
    assert "A stream with this name already exists" in client.post("/streams/new/", FIELDS).content.decode()
    assert Stream.objects.get(slug="invoices").title == "Theirs"


def test_saving_the_settings_unchanged_changes_nothing(client: Client, queue: Queue, mara: User) -> None:
    traffic.apply_stream()
    client.force_login(mara)
    initial = client.get("/streams/intents/edit/").context["form"].initial
    initial = {name: "" if value is None else value for name, value in initial.items()}
    assert client.post("/streams/intents/edit/", initial).status_code == 302
    assert Stream.objects.get().schema_number == 1
    assert Policy.objects.count() == 1


def test_settings_change_without_touching_the_policy(client: Client, queue: Queue, mara: User) -> None:
    stream = traffic.apply_stream()
    client.force_login(mara)
    changed = {name: value for name, value in FIELDS.items() if name != "slug_name"}
    client.post("/streams/intents/edit/", changed)
    stream.refresh_from_db()
    assert (stream.title, stream.schema_number) == ("Invoices", 2)
    assert versions.find_active_policy(stream) is not None


def _post_settings(client: Client, opened: dict[str, Any], **changes: str) -> Any:
    """Save the form as it was opened, with some fields changed."""
    data = {name: value for name, value in opened.items() if value not in (None, False)}
    return client.post("/streams/intents/edit/", data | changes)


def test_a_save_from_an_older_form_says_who_changed_what_and_keeps_the_input(
    client: Client,
    queue: Queue,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    stream = traffic.apply_stream()
    mine, theirs = client, Client()
    mine.force_login(mara)
    theirs.force_login(max)
    opened = mine.get("/streams/intents/edit/").context["form"].initial
    assert _post_settings(theirs, opened, title="Intents", owner="Max", guidelines="New rules.").status_code == 302

    answer = _post_settings(mine, opened, title="Mail", question="What for?")

    shown = unescape(answer.content.decode())
    assert "max saved changes to this stream at" in shown
    assert "Title, Guidelines, Owner" in shown
    assert "max changed this to “Intents”" in shown
    form = answer.context["form"]
    assert [form[name].value() for name in ("title", "question", "owner")] == ["Mail", "What for?", "Max"]
    stream.refresh_from_db()
    assert (stream.title, stream.owner) == ("Intents", "Max")

    again = {field.name: field.value() for field in form}
    assert _post_settings(mine, again).status_code == 302
    stream.refresh_from_db()
    assert (stream.title, stream.owner) == ("Mail", "Max")


def test_a_second_click_on_save_is_no_conflict(client: Client, queue: Queue, mara: User) -> None:
    traffic.apply_stream()
    client.force_login(mara)
    opened = client.get("/streams/intents/edit/").context["form"].initial
    assert [_post_settings(client, opened, title="Mail").status_code for _ in range(2)] == [302, 302]


def test_one_person_stops_and_two_resume(client: Client, queue: Queue, mara: User, max: User) -> None:  # noqa: A002
    traffic.apply_stream()
    client.force_login(mara)
    asking = client.post("/streams/intents/stop/", {"reason": "odd answers"}).content.decode()
    assert "Stop Support intents?" in asking
    assert "odd answers" in asking.partition("</h1>")[2].partition("<form")[0], "the reason is repeated"
    assert not Stop.objects.exists()
    client.post("/streams/intents/stop/", {"reason": "odd answers", "confirmed": "yes"})
    html = client.get("/streams/intents/").content.decode()
    assert "This stream is stopped." in html
    assert "odd answers" in html
    client.post("/streams/intents/resume-request/")
    assert "Ask to resume" in client.get("/streams/intents/").content.decode()
    client.post("/streams/intents/resume-request/", {"reason": "all checked"})
    client.post("/streams/intents/resume/")
    assert Stop.objects.active().exists()
    assert "Confirm and resume" not in client.get("/streams/intents/").content.decode()
    client.force_login(max)
    html = client.get("/streams/intents/").content.decode()
    assert "Confirm and resume" in html
    assert "all checked" in html
    client.post("/streams/intents/resume/")
    assert not Stop.objects.active().exists()
    # Every manager of the stream, and those who only read, see what was loosened and by whom.
    for person in (mara, max):
        client.force_login(person)
        _, _, loosened = client.get("/overview/").content.decode().partition("Loosened in the last 14 days")
        assert all(text in loosened for text in ("Automation resumed", "mara", "max", "all checked"))


def test_only_managers_of_all_streams_stop_all_streams(client: Client, queue: Queue, mara: User) -> None:
    traffic.apply_stream()
    client.force_login(mara)
    assert client.post("/stop/").status_code == 403
    mara.all_queues = True
    mara.save(update_fields=["all_queues"])
    client.post("/stop/", {"reason": "fire", "confirmed": "yes"})
    assert stop.find_active_stops() == {None: Stop.objects.get().pk}
    assert "All streams are stopped." in client.get("/overview/").content.decode()


def test_an_auditor_reads_everything_and_changes_nothing(client: Client, queue: Queue, otto: User) -> None:
    traffic.apply_stream()
    client.force_login(otto)
    for path in ("/overview/", "/streams/", "/streams/intents/", "/streams/intents/policies/", "/activity/"):
        html = client.get(path).content.decode()
        assert 'method="post"' not in html.partition("<main")[2]
    for path in ("/streams/new/", "/streams/intents/edit/", "/streams/intents/policies/new/"):
        assert client.get(path).status_code == 403
        assert client.post(path, FIELDS).status_code == 403
    for verb in ("stop", "resume-request", "resume", "policies/1/activation"):
        assert client.post(f"/streams/intents/{verb}/").status_code == 403


def test_auditors_see_the_activity_of_their_streams_only(client: Client, queue: Queue, otto: User, mara: User) -> None:
    traffic.apply_stream()
    traffic.apply_stream(slug="elsewhere", title="Elsewhere")
    client.force_login(otto)
    html = client.get("/activity/").content.decode()
    assert "activated policy version 1" in html
    assert "elsewhere" not in html
    assert "elsewhere" not in client.get("/activity/?stream=elsewhere").content.decode().partition("<main")[2]
    client.force_login(mara)
    assert client.get("/activity/").status_code == 403


def test_a_stream_without_outputs_lists_what_is_left_to_do(client: Client, mara: User, queue: object) -> None:
    traffic.apply_stream(answers=["a'b", "ok"])
    for page in ("", "report/", "outputs/", "policies/1/"):
        text = read_text(client, mara, f"/streams/intents/{page}")
        assert "Before the first output" in text
        assert "done Set the policy" in text
        assert "done Create an API key" not in text
        assert "curl http://testserver/api/v1/streams/intents/outputs" in text
        assert r'"prediction": "a\u0027b"' in text, "quoted for a shell"
