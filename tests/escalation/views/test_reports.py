"""The report and overview pages: their content, who may open them, and words they never use."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from escalation.models import Heartbeat
from escalation.monitoring import heartbeats
from escalation.monitoring.sweeps import SWEEPS
from reviewqueue.kernel import clock
from reviewqueue.models import Queue, User
from tests.helpers import traffic

NEVER_ON_SCREEN = re.compile(r"\b(claim|slot|lease|fencing|pi|alpha|delta)\b", re.IGNORECASE)


def page(client: Client, user: User, path: str) -> str:
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def words(html: str) -> str:
    main = html.partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


@pytest.fixture
def busy(queue: Queue, rob: User, mara: User) -> str:
    """A stream with a few outputs of today, audited and reviewed."""
    stream = traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 1.0}})
    now = clock.current_time()
    traffic.post_and_route(stream, *traffic.number_ids("sure", 20), now=now)
    traffic.post_and_route(stream, *traffic.number_ids("unsure", 4), confidence=0.4, now=now)
    traffic.judge_all(rob, lambda one: "billing" if one in {"sure-1", "unsure-2"} else "refund", now=now)
    return stream.slug


def test_the_report_begins_with_the_state_of_the_guarantee(client: Client, mara: User, busy: str) -> None:
    text = words(page(client, mara, f"/streams/{busy}/report/"))
    assert "No guarantee yet. The Guarantee tab shows" in text
    assert text.count("20 audits in this period, 1 wrong") == 1
    assert "5.0 %" in text


def test_the_report_of_label_sets_counts_missed_and_invented_answers(
    client: Client, queue: Queue, mara: User, rob: User
) -> None:
    now = clock.current_time()
    policy = {"threshold": 0.8, "audit": {"rate": 1.0}}
    stream = traffic.apply_stream(answers=["urgent", "spam"], multiple=True, error_unit="label", policy=policy)
    traffic.post_and_route(stream, *traffic.number_ids("mail", 20), prediction=["spam"], now=now)
    missed = {f"mail-{index}" for index in range(3)}
    traffic.judge_all(rob, lambda one: ["urgent", "spam"] if one in missed else ["spam"], now=now)
    text = words(page(client, mara, "/streams/intents/report/")).replace("\xa0", " ")
    assert "Errors per 100 automated outputs 15.0 15.0 missed and 0 invented answers 15.0 % of outputs" in text
    table = text.partition("Errors by answer")[2]
    assert re.search(r"urgent 15.0 % 3.2 % . 37.9 % 3 of 3 that have it 0 % 0 % . 16.8 % 0 of 0 given 15.0 %", table)
    assert "Model’s answer" not in table  # noqa: RUF001 - an apostrophe
    traffic.apply_stream(answers=["urgent", "spam"], multiple=True, policy=policy)
    assert "Error rate (automated) 15.0 %" in words(page(client, mara, "/streams/intents/report/")).replace("\xa0", " ")


def test_the_report_of_single_fields_says_what_is_known_of_them(
    client: Client, queue: Queue, mara: User, rob: User
) -> None:
    now = clock.current_time()
    schema = {"type": "object", "properties": {"total": {"type": "number"}, "name": {"type": "string"}}}
    policy = {"threshold": 0.8, "thresholds": {"/total": 0.9}, "audit": {"rate": 1.0}}
    costs = {"error": 3, "by_field": {"/total": 40}}
    stream = traffic.apply_stream(answers=None, schema=schema, policy=policy, costs=costs)
    traffic.post_and_route(stream, *traffic.number_ids("doc", 10), prediction={"total": 1, "name": "A"}, now=now)
    wrong = {"doc-1", "doc-2"}
    traffic.judge_all(rob, lambda one: {"total": 2 if one in wrong else 1, "name": "A"}, now=now)
    text = words(page(client, mara, "/streams/intents/report/")).replace("\xa0", " ")
    assert "No guarantee yet. The Guarantee tab" in text
    assert "unknown of whole outputs; audits of fields are below undetected errors cost € 80, between" in text


def test_savings_never_appear_without_undetected_errors(client: Client, mara: User, busy: str) -> None:
    text = words(page(client, mara, f"/streams/{busy}/report/"))
    assert "Balance" in text
    assert "Undetected errors" in text
    assert "Review nothing" in text
    assert "Review everything" in text


def test_an_unknown_figure_is_never_shown_as_zero(client: Client, queue: Queue, mara: User) -> None:
    stream = traffic.apply_stream()
    traffic.post_and_route(stream, *traffic.number_ids("sure", 3), now=clock.current_time())
    text = words(page(client, mara, "/streams/intents/report/"))
    assert "Error rate (automated) unknown no audit has been answered" in text
    assert "3 outputs were automated while audits were off" in text


def test_a_percentage_needs_enough_audits_and_an_amount_costs(
    client: Client, queue: Queue, rob: User, mara: User
) -> None:
    now = clock.current_time()
    policy = {"threshold": 0.8, "audit": {"rate": 1.0}}
    stream = traffic.apply_stream(policy=policy, costs={})
    traffic.post_and_route(stream, *traffic.number_ids("sure", 2), now=now)
    traffic.judge_all(rob, lambda _one: "refund", now=now)
    for path in ("/streams/intents/report/", "/overview/"):
        text = words(page(client, mara, path))
        assert "too few audits (2)" in text
        assert not re.search(r"\b0\s%", text.replace("100", ""))
        assert "€" not in text
    assert "the policy sets no costs" in words(page(client, mara, "/streams/intents/report/"))


def test_an_estimated_amount_needs_as_many_audits_as_a_percentage(
    client: Client, queue: Queue, rob: User, mara: User
) -> None:
    now = clock.current_time()
    policy = {"threshold": 0.8, "audit": {"rate": 1.0, "mode": "after"}}
    stream = traffic.apply_stream(policy=policy, costs={"error": 70})
    traffic.post_and_route(stream, *traffic.number_ids("sure", 2), now=now)
    traffic.judge_all(rob, lambda _one: "billing", now=now)

    tables = words(page(client, mara, "/streams/intents/report/")).partition("Compared with the alternatives")[2]

    # Both errors cost € 140 as an estimate, which nothing but two audits supports.
    assert "140" not in tables
    assert re.search(r"Actual too few audits \(2\) € 0", tables)
    assert re.search(r"Review everything € 0 too few audits \(2\)", tables)


def test_every_chart_has_its_table(client: Client, mara: User, busy: str) -> None:
    html = page(client, mara, f"/streams/{busy}/report/")
    assert html.count('<svg viewBox="0 0 640 240"') == 2
    assert html.count('<details class="chart-table">') == 2
    assert " style=" not in html


def test_an_empty_window_says_so(client: Client, queue: Queue, mara: User) -> None:
    traffic.apply_stream()
    assert "No outputs in this period" in words(page(client, mara, "/streams/intents/report/"))


def test_a_reversed_window_is_refused_with_a_reason(client: Client, mara: User, busy: str) -> None:
    text = words(page(client, mara, f"/streams/{busy}/report/?since=2026-03-05&until=2026-03-01"))
    assert "The first day must not be after the last" in text


def test_the_numbers_link_to_their_rows(client: Client, mara: User, busy: str) -> None:
    html = page(client, mara, f"/streams/{busy}/report/")
    links = re.findall(r'href="(/streams/intents/outputs/\?[^"]+)"', html)
    assert any("route=auto" in link for link in links)
    for link in set(links):
        assert client.get(link.replace("&amp;", "&")).status_code == 200


def test_the_report_uses_no_jargon(client: Client, mara: User, busy: str) -> None:
    for path in ("report/", "", "policies/", "policies/1/", "policies/new/", "outputs/"):
        assert not NEVER_ON_SCREEN.search(words(page(client, mara, f"/streams/{busy}/{path}")))


def test_the_overview_shows_each_stream_and_system_health(client: Client, mara: User, busy: str) -> None:
    text = words(page(client, mara, "/overview/"))
    assert "Support intents" in text
    assert "routing outputs: never done" in text
    for sweep in SWEEPS:
        heartbeats.record_success(sweep)
    assert "Healthy: the workers and all background sweeps are running." in words(page(client, mara, "/overview/"))
    Heartbeat.objects.filter(name="drift").update(at=Now() - timedelta(minutes=7))
    text = words(page(client, mara, "/overview/"))
    assert "watching guarantees for drift: last done 7 min ago" in text.replace("\xa0", " ")
    assert "routing outputs" not in text


def test_the_overview_takes_a_fixed_number_of_queries(
    client: Client, mara: User, busy: str, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    mara.all_queues = True
    mara.save(update_fields=["all_queues"])
    for slug in ("a", "b", "c"):
        traffic.apply_stream(slug=slug, title=slug)
    client.force_login(mara)
    with django_assert_max_num_queries(30):  # type: ignore[operator]
        client.get("/overview/")


@pytest.mark.parametrize(
    "path", ["/overview/", "/streams/", "/streams/intents/", "/streams/intents/report/", "/outputs/"]
)
def test_reviewers_and_outsiders_cannot_open_it(client: Client, rob: User, eve: User, busy: str, path: str) -> None:
    for person in (rob, eve):
        client.force_login(person)
        assert client.get(path).status_code == 403


def test_a_stream_of_others_does_not_exist(client: Client, busy: str) -> None:
    stranger = User.objects.create_user(username="sven", password="sven-password", role="manager")
    client.force_login(stranger)
    for path in ("", "report/", "policies/", "policies/new/", "outputs/", "edit/", "outputs/sure-1/"):
        assert client.get(f"/streams/{busy}/{path}").status_code == 404


def test_days_follow_the_teams_time_zone(client: Client, mara: User, busy: str) -> None:
    today = timezone.localdate(clock.current_time())
    assert f"{today.day} {today:%b} {today.year}" in words(page(client, mara, f"/streams/{busy}/report/"))
