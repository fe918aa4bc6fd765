"""What needs a decision: ended guarantees as banners, and what waits for the person who reads."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from escalation.guarantees import drift, endings, evaluations, guarantees
from escalation.models import Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from escalation.reports import attention
from escalation.routing import stop
from reviewqueue.models import Queue, User
from reviewqueue.queue.claim import claim_next
from reviewqueue.verdicts import submit
from tests.escalation.guarantees.test_evaluations import POLICY, honest
from tests.helpers import measured_recall, stream_history, traffic

STREAM_PAGES = ("report", "guarantee", "outputs", "policies", "policies/1", "")


def read_text(client: Client, who: User, path: str) -> str:
    """The words of a page, with single spaces."""
    client.force_login(who)
    page = client.get(path).content.decode()
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def apply_stream_with_alarm(on_expiry: str = "keep") -> Stream:
    """A stream whose guarantee ended a minute ago, because audits found too many errors."""
    now = timezone.now()
    policy = {**POLICY, "threshold": 0.9999, "guarantee": {"on_expiry": on_expiry}}
    stream = traffic.apply_stream(policy=policy)
    since = now - timedelta(days=9)
    stream_history.write_history(stream, *honest(1600), since=since, span=timedelta(days=5))
    measured_recall.set_error_target(stream=stream, max_error=0.05, declared_audits=450, actor="user:mara", now=since)
    stated = now - timedelta(days=3)
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=stated)
    made = guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara", now=stated)
    versions.activate_version(policy=made.policy, by="user:mara", approved_by="user:max", now=stated)
    wrong = np.random.default_rng(5).random(600) < 0.3
    stream_history.write_history(
        stream, [0.97] * 600, wrong.tolist(), since=stated, span=timedelta(days=2), prefix="on"
    )
    assert drift.watch_guarantees(now=now - timedelta(minutes=1))
    guarantees.enforce_ended_guarantees(now=now - timedelta(minutes=1))
    return stream


def test_an_ended_guarantee_is_a_banner_until_a_person_decides(client: Client, queue: object, mara: User) -> None:
    stream = apply_stream_with_alarm()
    for page in ("/overview/", *(f"/streams/intents/{name}/".replace("//", "/") for name in STREAM_PAGES)):
        text = read_text(client, mara, page)
        assert "The guarantee of Support intents ended on" in text, page
        assert "are still automated, without a guarantee." in text, page
        assert "Stop automation" in text, page
        assert "See what is missing" in text, page
    assert re.search(r"\d+ of \d+ audits found an error; the target is at most 5 %", text)
    current = versions.find_active_policy(stream)
    assert current
    strict = msgspec.structs.replace(current.spec, threshold=0.9999)
    versions.propose_version(stream=stream, spec=strict, actor="user:mara")
    assert "The guarantee of Support intents ended" not in read_text(client, mara, "/overview/")


@pytest.mark.parametrize(
    ("on_expiry", "sentence"),
    [
        ("all_to_people", "All outputs go to review now."),
        ("check_more", "Every output is reviewed before it is released now."),
    ],
)
def test_the_banner_says_what_is_automated_now(
    client: Client, queue: object, mara: User, on_expiry: str, sentence: str
) -> None:
    apply_stream_with_alarm(on_expiry)
    assert sentence in read_text(client, mara, "/overview/")


def test_the_banner_offers_no_stop_while_automation_is_stopped(client: Client, queue: object, mara: User) -> None:
    stream = apply_stream_with_alarm()
    stop.stop_stream(stream=stream, by="user:mara")
    text = read_text(client, mara, "/streams/intents/report/")
    assert "Nothing is automated, because automation is stopped." in text
    assert "Stop automation" not in text


def test_without_an_ending_the_banner_costs_one_query(
    stream: Stream, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert endings.find_open_endings([stream]) == {}


def test_an_approval_waits_for_every_manager_but_the_one_who_asked(
    client: Client,
    stream: Stream,
    mara: User,
    max: User,  # noqa: A002
    ann: User,
) -> None:
    traffic.post_and_route(stream, "one", confidence=0.1)
    spec = PolicySpec(threshold=0.2)
    versions.propose_version(stream=stream, spec=spec, actor="user:mara", reason="fewer reviews")
    assert attention.list_waiting_tasks(mara) == attention.list_waiting_tasks(ann) == []
    text = read_text(client, max, "/overview/")
    assert re.search(r"Overview 1 waiting for you .* Waiting for you Approve policy version 2 of Support intents", text)
    assert "requested by mara" in text
    assert "“fewer reviews”" in text
    versions.approve_version(policy=stream.policies.get(number=2), by="user:max")
    assert "Waiting for you" not in read_text(client, max, "/overview/")


def test_a_version_that_waits_is_a_banner_on_every_tab_for_those_who_can_act(
    client: Client,
    stream: Stream,
    mara: User,
    max: User,  # noqa: A002
    ann: User,
) -> None:
    traffic.post_and_route(stream, "one", confidence=0.1)
    versions.propose_version(stream=stream, spec=PolicySpec(threshold=0.2), actor="user:mara", reason="fewer reviews")
    for name in STREAM_PAGES:
        page = f"/streams/intents/{name}/".replace("//", "/")
        assert "waits for a second manager. mara requested approval" in read_text(client, mara, page), page
        assert "“fewer reviews” Review the request" in read_text(client, max, page), page
        assert ("waits for a second manager" in read_text(client, ann, page)) == (name == ""), page
    assert "waits for a second manager" not in read_text(client, max, "/streams/intents/policies/2/")


def test_a_request_to_resume_waits_for_another_manager_of_its_scope(
    stream: Stream,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    User.objects.filter(pk=mara.pk).update(all_queues=True)
    stopped = [stop.stop_stream(stream=one, by="user:mara") for one in (stream, None)]
    for one in stopped:
        stop.request_resume(stop=one, by="user:mara", reason="all checked")
    assert attention.list_waiting_tasks(mara) == []
    assert [(task.kind, task.stream) for task in attention.list_waiting_tasks(max)] == [("resume", stream)]
    max.all_queues = True
    max.save(update_fields=["all_queues"])
    assert [task.stream for task in attention.list_waiting_tasks(max)] == [stream, None]


def test_a_final_say_waits_for_leads_who_have_not_judged(client: Client, stream: Stream, rob: User, ann: User) -> None:
    traffic.post_and_route(stream, "one", confidence=0.1)
    claim = claim_next(user=rob, slug="intents", now=traffic.NOON)
    assert claim
    if claim.answer_first:
        submit.submit_first_answer(claim_id=claim.id, user=rob, answer="billing", now=traffic.NOON)
    submit.submit_verdict(
        claim_id=claim.id, user=rob, kind="escalate", note="unclear", active_seconds=1.0, now=traffic.NOON
    )
    traffic.settle_all(now=traffic.shift_noon(minutes=2))
    assert attention.list_waiting_tasks(rob) == []
    (task,) = attention.list_waiting_tasks(ann)
    assert (task.kind, task.count) == ("final_say", 1)
    assert "1 item of Support intents needs your final say" in read_text(client, ann, "/overview/")


def test_a_second_review_that_nobody_can_give_waits_for_a_manager(
    client: Client, queue: Queue, mara: User, rob: User
) -> None:
    now = timezone.now()
    stream = traffic.apply_stream(policy={"threshold": 0.8, "reviews": 2})
    traffic.post_and_route(stream, "one", confidence=0.1, now=now)
    assert attention.list_waiting_tasks(mara) == []
    traffic.judge_all(rob, lambda _one: "billing", now=now)

    (task,) = attention.list_waiting_tasks(mara)

    assert task.stuck is not None
    assert (task.kind, task.stuck.items, task.stuck.reviewers) == ("reviewers", 1, 1)
    assert "1 item of Support intents waits for a review that nobody can give" in read_text(client, mara, "/overview/")
    assert "1 item needs another review that nobody here can give" in read_text(client, rob, "/queues/intents/")
    User.objects.create_user(username="rita", role="reviewer", all_queues=True)
    assert attention.list_waiting_tasks(mara) == []
    assert "that nobody here can give" not in read_text(client, rob, "/queues/intents/")


def test_streams_that_need_attention_come_first(client: Client, stream: Stream, mara: User) -> None:
    mara.all_queues = True
    mara.save(update_fields=["all_queues"])
    stopped = traffic.apply_stream(slug="z", title="Z, stopped")
    traffic.apply_stream(slug="a", title="A, fine")
    stop.stop_stream(stream=stopped, by="user:mara")
    text = read_text(client, mara, "/overview/")
    assert text.index("Z, stopped") < text.index("A, fine")
