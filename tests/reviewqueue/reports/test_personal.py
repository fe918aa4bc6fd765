"""A person's own numbers: counted by the team's days, compared with what was settled, shown to nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from reviewqueue.kernel import clock
from reviewqueue.models import Membership, Queue, User, Verdict
from reviewqueue.queue.items import reopen_item
from reviewqueue.reports import personal
from reviewqueue.reports.personal import ComparedVerdict
from reviewqueue.verdicts import labels, undo
from tests.helpers import queue_items

pytestmark = pytest.mark.django_db


def _page(user: User, *, htmx: bool = False, **query: str) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    response = client.get(reverse("numbers"), query, headers={"HX-Request": "true"} if htmx else {})
    assert isinstance(response, HttpResponse)
    return response.content.decode().partition("<main")[2] or response.content.decode()


def _settle_at_once() -> None:
    labels.settle_due_items()


def _noon() -> datetime:
    """Long enough after midnight that an hour ago was today."""
    return datetime(2026, 11, 20, 12, tzinfo=UTC)


def _both(one: User, other: User, said: str, others: str, *, count: int = 1, start: int = 1) -> None:
    """Items that two people judge, at once final."""
    queue_items.enqueue_items(*range(start, start + count), reviews_wanted=2, undo_seconds=0)
    for user, answer in ((one, said), (other, others)):
        for _ in range(count):
            queue_items.judge_next(user, "correct", answer=answer)
    _settle_at_once()


def test_a_person_without_verdicts_has_no_figures(queue: Queue, rob: User) -> None:
    mine, today = personal.build_personal_report(rob), personal.build_personal_summary(rob)
    assert mine.queues == []
    assert mine.month == personal.PeriodFigures(days=30)
    assert (today.today, today.agreement.share) == (personal.PeriodFigures(days=1), None)
    assert "No numbers yet" in _page(rob)


def test_verdicts_are_counted_by_day_without_undone_ones(queue: Queue, rob: User, rita: User) -> None:
    now = _noon()
    queue_items.enqueue_items(*range(1, 8), now=now - timedelta(days=40))
    for ago in (timedelta(days=35), timedelta(days=20), timedelta(days=3), timedelta(hours=2), timedelta(hours=1)):
        queue_items.judge_next(rob, now=now - ago)
    queue_items.judge_next(rita, now=now)
    back = queue_items.judge_next(rob, now=now)
    undo.undo_verdict(verdict_id=back.id, user=rob, now=now)
    assert [one.count for one in personal.build_personal_report(rob, now=now).total] == [2, 3, 4]


def test_the_typical_time_is_the_median(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1, 2, 3, 4)
    for _ in range(4):
        queue_items.judge_next(rob)
    for seconds, verdict in zip((None, 4, 10, 400), Verdict.objects.order_by("id"), strict=True):
        Verdict.objects.filter(pk=verdict.pk).update(active_seconds=seconds)
    assert personal.build_personal_report(rob).total[0].median_seconds == 10
    assert personal.build_personal_summary(rob).today.median_seconds == 10


def test_agreement_counts_settled_items_that_others_judged_too(queue: Queue, rob: User, rita: User) -> None:
    queue_items.enqueue_items(100, undo_seconds=0)
    queue_items.judge_next(rob)
    _both(rob, rita, "refund", "refund", count=5)
    said = personal.build_personal_report(rob).month.agreement
    assert (said.agreed, said.compared, said.share) == (5, 5, 1.0)
    assert personal.build_personal_summary(rob).agreement == said
    assert "agreement 100\u00a0%" in _page(rob, htmx=True)


def test_an_overruled_reviewer_did_not_agree(queue: Queue, rob: User, rita: User, ann: User) -> None:
    _both(rob, rita, "billing", "card_arrival")
    queue_items.judge_next(ann, "correct", answer="card_arrival", reason="ambiguous")
    _settle_at_once()
    assert personal.build_personal_report(rob).month.agreement == personal.Agreement(agreed=0, compared=1)
    assert personal.build_personal_report(rita).month.agreement == personal.Agreement(agreed=1, compared=1)
    assert personal.build_personal_report(ann).month.agreement == personal.Agreement()


def test_none_of_these_is_an_opinion_and_escalating_is_not(queue: Queue, rob: User, rita: User, ann: User) -> None:
    queue_items.enqueue_items(1, reviews_wanted=2, undo_seconds=0)
    queue_items.judge_next(rob, "escalate")
    queue_items.judge_next(rita, "none")
    _settle_at_once()
    queue_items.judge_next(ann, "none", reason="ambiguous")
    _settle_at_once()
    assert personal.build_personal_report(rob).month.agreement.compared == 0
    assert personal.build_personal_report(rita).month.agreement == personal.Agreement(agreed=1, compared=1)


def test_a_reopened_item_is_not_compared(queue: Queue, rob: User, rita: User, ann: User) -> None:
    _both(rob, rita, "billing", "billing")
    reopen_item(item_id=1, by=ann)
    assert personal.build_personal_report(rob).month.agreement.compared == 0


@pytest.mark.parametrize(("judged", "share"), [(0, None), (4, None), (5, 1.0)])
def test_agreement_is_unknown_below_five_verdicts(judged: int, share: float | None) -> None:
    assert personal.Agreement(agreed=judged, compared=judged).share == share


def test_equal_answers_in_different_spellings_agree() -> None:
    one = ComparedVerdict(
        queue=1, days=7, kind="correct", answer={"a": 1, "b": " x"}, outcome="answered", settled={"b": "x", "a": 1.0}
    )
    assert one.agrees
    assert personal.measure_agreement([one], days=1).compared == 0
    assert personal.measure_agreement([one], days=7).agreed == 1


def test_days_follow_the_teams_time_zone_not_the_readers(settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    evening = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
    auckland = ZoneInfo("Pacific/Auckland")
    assert personal.start_of_period(evening, days=1) == datetime(2026, 11, 21, tzinfo=auckland)
    assert personal.start_of_period(evening, days=7) == datetime(2026, 11, 15, tzinfo=auckland)


def test_nobody_sees_another_persons_figures(queue: Queue, rob: User, rita: User, ann: User) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(rob)
    for person in (rita, ann):
        html = _page(person, username="rob", person=str(rob.pk))
        assert "No numbers yet" in html


def test_a_queue_the_person_left_is_not_counted(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(1)
    queue_items.judge_next(rob)
    Membership.objects.all().delete()
    assert personal.build_personal_report(rob).month.count == 0


def test_the_page_explains_its_counts_and_unknown_values(queue: Queue, rob: User, rita: User) -> None:
    _both(rob, rita, "refund", "refund", count=2)
    html = _page(rob)
    assert "All your queues" in html
    assert "2 of 2" in html
    assert "unknown" in html


def test_the_summary_line_is_short_and_cheap(queue: Queue, rob: User) -> None:
    queue_items.enqueue_items(*range(1, 6))
    for _ in range(5):
        queue_items.judge_next(rob)
    now = clock.current_time()
    with CaptureQueriesContext(connection) as asked:
        personal.build_personal_summary(rob, now=now)
    assert len(asked) <= 3
    line = _page(rob, htmx=True)
    assert "Today 5" in line
    assert "<html" not in line
