"""Finding outputs and reading their history; nothing shown can bias a reviewer."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.html import strip_tags

from escalation.decisions import withdraw
from escalation.models import Output, Stream
from escalation.outputs import search
from escalation.outputs.search import OutputQuery
from reviewqueue.kernel import clock
from reviewqueue.models import Item, Membership, Queue, User
from tests.helpers import stream_setup, traffic


@pytest.fixture
def stream(queue: Queue, rob: User) -> Stream:
    """Ten outputs above and four below the threshold, of today; two of the latter are reviewed."""
    stream = traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 1.0}})
    now = clock.current_time()
    traffic.post_and_route(stream, "seen-1", "seen-2", confidence=0.4, now=now)
    traffic.judge_all(rob, lambda one: "billing" if one == "seen-1" else "refund", now=now)
    traffic.post_and_route(stream, *traffic.number_ids("sure", 10), now=now)
    traffic.post_and_route(stream, "open-1", "odd/id?#1", confidence=0.4, now=now)
    return stream


def main(client: Client, path: str) -> str:
    answer = client.get(path, follow=True)
    assert answer.status_code == 200
    return answer.content.decode().partition("<main")[2]


def test_a_complete_id_opens_its_page(client: Client, stream: Stream, mara: User) -> None:
    client.force_login(mara)
    answer = client.get("/streams/intents/outputs/", {"q": "odd/id?#1"})
    assert answer.headers["Location"] == "/streams/intents/outputs/odd/id%3F%231/"
    assert "odd/id?#1" in main(client, answer.headers["Location"])
    assert client.get("/outputs/", {"q": "seen-1"}).headers["Location"] == "/streams/intents/outputs/seen-1/"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"begins": "seen"}, 2),
        ({"route": "auto"}, 10),
        ({"reason": "below_threshold"}, 4),
        ({"found": "wrong"}, 1),
        ({"found": "waiting"}, 12),
        ({"state": "decided"}, 12),
        ({"answer": "billing"}, 0),
    ],
)
def test_filters_find_their_rows(stream: Stream, query: dict[str, str], found: int) -> None:
    page = search.search_outputs(streams=[stream], query=OutputQuery(**query), judging=False)  # type: ignore[arg-type]
    assert len(page.outputs) == found


def test_pages_follow_one_another_without_gaps(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PAGE_SIZE", 5)
    seen: list[int] = []
    before = None
    while True:
        page = search.search_outputs(streams=[stream], query=OutputQuery(), before=before, judging=False)
        seen += [output.pk for output in page.outputs]
        before = page.older
        if before is None:
            break
    assert seen == list(Output.objects.order_by("-id").values_list("id", flat=True))


def test_content_is_for_leads_and_not_for_managers(
    client: Client, stream: Stream, mara: User, ann: User, otto: User
) -> None:
    for person, sees in ((ann, True), (mara, False), (otto, False)):
        client.force_login(person)
        assert ("words of seen-1" in main(client, "/streams/intents/outputs/seen-1/")) is sees


def test_the_history_is_shown_and_technical_terms_are_folded(client: Client, stream: Stream, mara: User) -> None:
    client.force_login(mara)
    html = main(client, "/streams/intents/outputs/seen-1/")
    assert "Gave another answer: “billing”; answered before seeing" in html
    before, _, after = html.partition("Technical details")
    assert "Probability of review" not in before
    assert "Probability of review" in after


def test_a_possible_reviewer_cannot_look_up_what_is_yet_to_be_decided(
    client: Client, stream: Stream, ann: User
) -> None:
    """What a lead has on the desk gives one answer, whether it waits, is an audit, or is a test item without output."""
    client.force_login(ann)
    stream_setup.post_outputs(stream, stream_setup.build_output("new-1"), now=clock.current_time())
    answers = set()
    for one in ("open-1", "sure-1", "new-1", "unknown"):
        page = client.get(f"/streams/intents/outputs/{one}/")
        reopened = client.post(f"/streams/intents/reopenings/{one}/")
        found = client.get("/streams/intents/outputs/", {"q": one})
        assert (page.status_code, reopened.status_code, found.status_code) == (404, 404, 200)
        assert main(client, f"/streams/intents/outputs/?q={one}").count("/streams/intents/outputs/") <= 4
        answers.add(page.content.decode().partition("<main")[2].replace(one, "it"))
    assert len(answers) == 1
    listed = main(client, "/streams/intents/outputs/")
    assert listed.count("hidden until decided") == 13
    assert not any(one in listed for one in ("open-1", "sure-1", "new-1"))
    for probe in ("?reason=audit", "?route=auto", "?answer=refund&route=review", "?q=sure", "?q=open"):
        assert "hidden until decided" not in main(client, f"/streams/intents/outputs/{probe}")


def test_a_manager_who_reviews_nothing_sees_everything(client: Client, stream: Stream, mara: User) -> None:
    client.force_login(mara)
    assert "drawn for a random audit" in main(client, "/streams/intents/outputs/sure-1/")


def test_a_lead_reopens_a_decided_output(client: Client, stream: Stream, ann: User, mara: User) -> None:
    client.force_login(mara)
    assert "Reopen" not in main(client, "/streams/intents/outputs/seen-1/")
    assert client.post("/streams/intents/reopenings/seen-1/").status_code == 403
    client.force_login(ann)
    assert "Reopen" in main(client, "/streams/intents/outputs/seen-1/")
    client.post("/streams/intents/reopenings/seen-1/", {"reason": "New facts"})
    assert Item.objects.get(reference="seen-1").round == 2
    assert "Reopen" not in main(client, "/streams/intents/outputs/seen-1/")
    client.force_login(mara)
    assert "Reopened. New facts" in main(client, "/streams/intents/outputs/seen-1/")


def test_a_reopened_output_hides_earlier_answers_from_reviewers(client: Client, stream: Stream, ann: User) -> None:
    client.force_login(ann)
    assert "Model output" in main(client, "/streams/intents/outputs/seen-1/")
    client.post("/streams/intents/reopenings/seen-1/")
    html = main(client, "/streams/intents/outputs/seen-1/")
    assert "You may be asked to review this output" in html
    assert not any(text in html for text in ("refund", "billing", "Model output"))
    assert main(client, "/streams/intents/outputs/").count("hidden until decided") == 13
    for probe in ("?found=wrong", "?found=right", "?answer=refund", "?state=decided"):
        assert "seen-1" not in main(client, f"/streams/intents/outputs/{probe}")


def test_pages_stay_full_when_reopened_outputs_are_left_out(
    client: Client, stream: Stream, ann: User, rob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.current_time()
    traffic.post_and_route(stream, *traffic.number_ids("late", 4), confidence=0.4, now=now)
    traffic.judge_all(rob, lambda one: "refund", now=now)
    client.force_login(ann)
    for reference in ("late-3", "late-2", "late-1"):
        client.post(f"/streams/intents/reopenings/{reference}/")
    monkeypatch.setattr(search, "PAGE_SIZE", 1)
    query = OutputQuery(begins="late", state="decided")
    page = search.search_outputs(streams=[stream], query=query, judging=True)
    assert [output.external_id for output in page.outputs] == ["late-0"]
    assert (page.older, page.open_ids) == (None, frozenset())


@pytest.mark.parametrize("probe", ["?state=decided&found=waiting", "?state=in_review", "?state=decided", "?version=7"])
def test_no_search_tells_audits_from_held_outputs(
    client: Client, stream: Stream, ann: User, mara: User, probe: str
) -> None:
    traffic.post_and_route(stream, "sure-v7", model_version="7", now=clock.current_time())
    client.force_login(ann)
    found = main(client, f"/streams/intents/outputs/{probe}")
    assert "sure-" not in found
    assert "open-1" not in found
    client.force_login(mara)
    found = main(client, f"/streams/intents/outputs/{probe}")
    assert "sure-" in found or "open-1" in found


def test_waiting_outputs_are_found_and_stay_hidden(client: Client, stream: Stream, ann: User) -> None:
    client.force_login(ann)
    listed = main(client, "/streams/intents/outputs/?found=waiting")
    assert listed.count("hidden until decided") == 12


def test_a_withdrawn_output_cannot_be_reopened(client: Client, stream: Stream, ann: User) -> None:
    withdraw.withdraw_output(stream=stream, external_id="seen-1", actor="key:1")
    client.force_login(ann)
    assert "Reopen" not in main(client, "/streams/intents/outputs/seen-1/")
    answer = client.post("/streams/intents/reopenings/seen-1/", follow=True)
    assert "it cannot be reopened" in answer.content.decode()
    assert Item.objects.get(reference="seen-1").round == 1


def test_reopening_an_open_output_is_refused_with_a_reason(client: Client, stream: Stream, ann: User) -> None:
    client.force_login(ann)
    client.post("/streams/intents/reopenings/seen-1/")
    answer = client.post("/streams/intents/reopenings/seen-1/", follow=True)
    assert "not decided" in answer.content.decode()


def test_markup_in_an_output_is_inert(client: Client, queue: Queue, ann: User, rob: User) -> None:
    stream = traffic.apply_stream()
    now = clock.current_time()
    traffic.post_and_route(
        stream, "<b>id</b>", confidence=0.1, model="<script>alert(1)</script>", segment={"<i>": "\u202eevil"}, now=now
    )
    traffic.judge_all(rob, lambda _: "refund", now=now)
    client.force_login(ann)
    html = main(client, "/streams/intents/outputs/%3Cb%3Eid%3C/b%3E/")
    assert "<script>alert" not in html
    assert "<b>id" not in html
    assert "U+202E" in html


def test_lists_take_a_fixed_number_of_queries(
    client: Client, stream: Stream, mara: User, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    client.force_login(mara)
    with django_assert_max_num_queries(21):  # type: ignore[operator]
        client.get("/streams/intents/outputs/")


def test_a_missing_output_or_version_is_not_found(client: Client, stream: Stream, mara: User) -> None:
    client.force_login(mara)
    for path in ("outputs/nothing/", "policies/99/", "policies/0/"):
        assert client.get(f"/streams/intents/{path}").status_code == 404


def test_the_rules_and_held_labels_in_effect_can_be_searched_by(client: Client, queue: Queue, mara: User) -> None:
    rules = [{"name": "large", "when": {"value": {"gte": 1000}}}]
    stream_setup.create_stream(policy={"threshold": 0.8, "thresholds": {"refund": 0.9}, "rules": rules})
    stream = stream_setup.create_stream(
        "many", answers=["insult", "threat"], multiple=True, policy={"threshold": 0.8, "thresholds": {"threat": 0.95}}
    )
    stream_setup.route_outputs(stream, stream_setup.build_output("held", prediction=["threat"], confidence=0.9))
    found = search.list_named_reasons(list(Stream.objects.all()))
    assert found == ["rule:large", "rule_unevaluable:large", "below_threshold:threat"]
    Membership.objects.create(user=mara, queue=Queue.objects.get(slug="many"))
    client.force_login(mara)
    html = main(client, "/streams/many/outputs/?reason=below_threshold:threat")
    assert '<option value="below_threshold:threat" selected' in html
    assert "/outputs/held/" in html


def test_the_page_of_an_output_says_which_fields_were_asked_for_and_why(client: Client, queue: Queue) -> None:
    schema = {"type": "object", "properties": {name: {"type": "number"} for name in ("total", "tax", "tip")}}
    policy = {"threshold": 0.8, "thresholds": {"/total": 0.9}}
    stream = traffic.apply_stream(answers=None, schema=schema, policy=policy)
    values = {"total": 12, "tax": 2, "tip": 0}
    traffic.post_and_route(stream, "ticket", prediction=values, confidence=0.85, scores={"tax": 0.6, "total": 0.95})
    client.force_login(stream_setup.create_person("max", "manager"))
    words = " ".join(strip_tags(main(client, "/streams/intents/outputs/ticket/")).replace("\xa0", " ").split())
    assert "tax 60.0 % 80 % below its threshold" in words
    assert words.index("tax 60.0") < words.index("total 95.0 % 90 % stood") < words.index("tip 85.0 % 80 % stood")


def test_the_page_of_an_output_says_what_was_missed_and_invented(client: Client, queue: Queue, rob: User) -> None:
    policy = {"threshold": 0.8, "thresholds": {"spam": 0.95}}
    stream = traffic.apply_stream(answers=["urgent", "spam", "praise"], multiple=True, policy=policy)
    traffic.post_and_route(stream, "mail", prediction=["spam"], confidence=0.6, scores={"spam": 0.7, "praise": 0.1})
    client.force_login(stream_setup.create_person("max", "manager"))
    path = "/streams/intents/outputs/mail/"
    assert "spam given 70.0 % 95 % - praise" in _words(client, path)
    traffic.judge_all(rob, lambda _: ["urgent"], now=traffic.NOON)
    assert "“spam” 60.0 %" in _words(client, "/streams/intents/outputs/?since=2025-03-10&until=2025-03-10")
    words = _words(client, path)
    assert "Answer “spam” Confidence 60.0 %" in words
    assert "spam given 70.0 % 95 % invented urgent left out unknown - missed praise left out 90.0 % - right" in words


def _words(client: Client, path: str) -> str:
    text = strip_tags(main(client, path)).replace("\xa0", " ").replace("\N{EN DASH}", "-")
    return " ".join(text.split())
