"""A hundred attacks in every place of the reviewers' pages: desk, final say, refusals and past decisions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import batched
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from reviewqueue.desk.structured import layout
from reviewqueue.models import Queue, Slot, User, Verdict
from reviewqueue.queue import settings
from reviewqueue.queue.claim import list_held_claims
from reviewqueue.reports import history
from tests.helpers import hostile_pages, hostile_strings, queue_items
from tests.helpers.markup import assert_only_own_markup
from tests.helpers.template_places import TemplatePlaces

pytestmark = pytest.mark.django_db
ATTACKS = hostile_strings.HOSTILE_STRINGS
# What stands on one line takes no long text, and a notice's first words are the desk's own.
LINE = ("part.id (6)", "part.id (7)", "part.name (3)", "part.value (2)")
ROOM = {f"field.html: {place}": layout.MAX_LINE_CHARACTERS for place in LINE} | {
    "notice.html: problem.sentence|visible (1)": 0
}


class Visitor:
    """Somebody signed in who reads pages."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._client = Client()
        self._client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def get(self, path: str) -> str:
        return self._client.get(path).content.decode()

    def say(self, step: str, **posted: Any) -> str:
        """Answers the item that is reserved for them; the page that comes of it."""
        [claim] = list_held_claims(self.user)
        return self._client.post(reverse(step, args=["intents", claim.id]), posted, follow=True).content.decode()

    def say_too_late(self, **posted: Any) -> str:
        """The same, after the reservation ran out and somebody else took the item."""
        [claim] = list_held_claims(self.user)
        Slot.objects.update(reserved_until="2020-01-01T00:00Z")
        return self._client.post(reverse("desk-verdict", args=["intents", claim.id]), posted).content.decode()


type Visit = Callable[[Queue, Visitor, Visitor], Iterator[str]]


@pytest.mark.parametrize("form", hostile_pages.ANSWER_FORMS)
def test_no_attack_changes_a_pages_lang_attribute(queue: Queue, rob: User, form: str) -> None:
    hostile_pages.enqueue_attack(queue, ATTACKS, form=form)
    assert 'lang="en&' not in Visitor(rob).get(hostile_pages.DESK_URL)


@pytest.mark.scale
def test_every_attack_reaches_every_place_and_runs_in_none(
    monkeypatch: pytest.MonkeyPatch, queue: Queue, rob: User, ann: User
) -> None:
    places = TemplatePlaces(monkeypatch, ATTACKS, "desk/*.html", "decisions/*.html")
    looks_back = [
        partial(_look_back, attacks=list(some)) for some in batched(ATTACKS, history.HISTORY_COUNT, strict=False)
    ]
    visits: list[Visit] = [_entitle, _mistake, _answer_first, _too_late, _dispute, _dispute_fields, *looks_back]
    for visit in visits:
        with transaction.atomic():
            for html in visit(queue, Visitor(rob), Visitor(ann)):
                assert_only_own_markup(html)
            transaction.set_rollback(True)
        settings.get_answer_spec.cache_clear()
    assert places.list_missed(room=ROOM) == {}


def _entitle(_queue: Queue, rob: Visitor, _ann: Visitor) -> Iterator[str]:
    queue_items.enqueue_items(1, 2)
    queue_items.judge_next(rob.user)
    for title in _titles():
        hostile_pages.set_stream_title(title)
        yield rob.get(hostile_pages.DESK_URL)
        yield rob.get(f"{hostile_pages.DESK_URL}verdicts/")


def _titles() -> Iterator[str]:
    """As many attacks in each as there is room for; a longer one alone."""
    title = ""
    for attack in ATTACKS:
        if title and len(title) + 1 + len(attack) > hostile_pages.MAX_TITLE_CHARACTERS:
            yield title
            title = ""
        title = f"{title} {attack}" if title else attack
    yield title


def _mistake(queue: Queue, rob: Visitor, _ann: Visitor) -> Iterator[str]:
    hostile_pages.enqueue_attack(queue, ATTACKS, form="structured")
    yield rob.get(hostile_pages.DESK_URL)
    yield rob.say("desk-verdict", verdict="correct", whole=json.dumps(hostile_pages.build_structured_answer(ATTACKS)))


def _answer_first(queue: Queue, rob: Visitor, _ann: Visitor) -> Iterator[str]:
    """Two answers that are not the AI's, which together hold every attack."""
    for number, answers in enumerate((ATTACKS[:1], ATTACKS[1:]), start=1):
        hostile_pages.enqueue_attack(queue, ATTACKS, form="labels", first=True, number=number)
        yield rob.get(hostile_pages.DESK_URL)
        yield rob.say("desk-first-answer", verdict="correct", answers=answers)
        rob.say("desk-verdict", verdict="agree")


def _too_late(queue: Queue, rob: Visitor, _ann: Visitor) -> Iterator[str]:
    hostile_pages.enqueue_attack(queue, ATTACKS, form="label")
    yield rob.get(hostile_pages.DESK_URL)
    yield rob.say_too_late(answer=ATTACKS[1], note="\n".join(ATTACKS))


def _dispute(queue: Queue, _rob: Visitor, ann: Visitor) -> Iterator[str]:
    hostile_pages.enqueue_dispute(queue, ATTACKS)
    yield ann.get(hostile_pages.DESK_URL)


def _dispute_fields(queue: Queue, _rob: Visitor, ann: Visitor) -> Iterator[str]:
    hostile_pages.enqueue_dispute_about_fields(queue, ATTACKS)
    yield ann.get(hostile_pages.DESK_URL)


def _look_back(queue: Queue, rob: Visitor, _ann: Visitor, *, attacks: list[str]) -> Iterator[str]:
    """While the decisions may be undone, and once they are settled."""
    hostile_pages.create_decided_items(queue, attacks, rob.user)
    yield rob.get(f"{hostile_pages.DESK_URL}verdicts/")
    hostile_pages.settle_items()
    yield rob.get(f"{hostile_pages.DESK_URL}verdicts/")
    for verdict, attack in zip(Verdict.objects.filter(user=rob.user), attacks, strict=True):
        hostile_pages.set_stream_title(attack)
        yield rob.get(f"{hostile_pages.DESK_URL}verdicts/{verdict.pk}/")
