"""A hundred attacks in every place of people's pages: at the desk, at the final say, in refusals and past decisions."""

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

from reviewqueue import claims, configuration, past, structured
from reviewqueue.models import Queue, Slot, User, Verdict
from tests.reviewqueue import attacked, hostile, items
from tests.reviewqueue.markup import assert_ours
from tests.reviewqueue.places import Places

pytestmark = pytest.mark.django_db
ATTACKS = hostile.PAYLOADS
# What stands on one line takes no long text, and a notice's first words are the desk's own.
LINE = ("part.id (6)", "part.id (7)", "part.name (3)", "part.value (2)")
ROOM = {f"field.html: {place}": structured.LONG for place in LINE} | {"notice.html: problem.sentence|visible (1)": 0}


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
        [claim] = claims.held_by(self.user)
        return self._client.post(reverse(step, args=["intents", claim.id]), posted, follow=True).content.decode()

    def say_too_late(self, **posted: Any) -> str:
        """The same, after the reservation ran out and somebody else took the item."""
        [claim] = claims.held_by(self.user)
        Slot.objects.update(reserved_until="2020-01-01T00:00Z")
        return self._client.post(reverse("desk-verdict", args=["intents", claim.id]), posted).content.decode()


type Visit = Callable[[Queue, Visitor, Visitor], Iterator[str]]


@pytest.mark.parametrize("form", attacked.FORMS)
def test_no_attack_changes_the_language_that_a_page_says_it_is_in(queue: Queue, rob: User, form: str) -> None:
    attacked.asked(queue, ATTACKS, form=form)
    assert 'lang="en&' not in Visitor(rob).get(attacked.DESK)


def test_every_attack_reaches_every_place_and_acts_in_none(
    monkeypatch: pytest.MonkeyPatch, queue: Queue, rob: User, ann: User
) -> None:
    places = Places(monkeypatch, ATTACKS, "desk/*.html", "past/*.html")
    looks_back = [partial(_look_back, attacks=list(some)) for some in batched(ATTACKS, past.LISTED, strict=False)]
    visits: list[Visit] = [_entitle, _mistake, _answer_first, _too_late, _dispute, *looks_back]
    for visit in visits:
        with transaction.atomic():
            for html in visit(queue, Visitor(rob), Visitor(ann)):
                assert_ours(html)
            transaction.set_rollback(True)
        configuration.form.cache_clear()
    assert places.missed(room=ROOM) == {}


def _entitle(_queue: Queue, rob: Visitor, _ann: Visitor) -> Iterator[str]:
    items.enqueue(1, 2)
    items.judge(rob.user)
    for attack in ATTACKS:
        attacked.entitle(attack)
        yield rob.get(attacked.DESK)
        yield rob.get(f"{attacked.DESK}verdicts/")


def _mistake(queue: Queue, rob: Visitor, _ann: Visitor) -> Iterator[str]:
    attacked.asked(queue, ATTACKS, form="structured")
    yield rob.get(attacked.DESK)
    yield rob.say("desk-verdict", verdict="correct", whole=json.dumps(attacked.answer(ATTACKS)))


def _answer_first(queue: Queue, rob: Visitor, _ann: Visitor) -> Iterator[str]:
    attacked.asked(queue, ATTACKS, form="labels", first=True)
    yield rob.get(attacked.DESK)
    yield rob.say("desk-first-answer", verdict="correct", answers=ATTACKS)


def _too_late(queue: Queue, rob: Visitor, _ann: Visitor) -> Iterator[str]:
    attacked.asked(queue, ATTACKS, form="label")
    yield rob.get(attacked.DESK)
    yield rob.say_too_late(answer=ATTACKS[1], note="\n".join(ATTACKS))


def _dispute(queue: Queue, _rob: Visitor, ann: Visitor) -> Iterator[str]:
    attacked.disputed(queue, ATTACKS)
    yield ann.get(attacked.DESK)


def _look_back(queue: Queue, rob: Visitor, _ann: Visitor, *, attacks: list[str]) -> Iterator[str]:
    """While the decisions may be undone, and once they are settled."""
    attacked.decided(queue, attacks, rob.user)
    yield rob.get(f"{attacked.DESK}verdicts/")
    attacked.settled()
    yield rob.get(f"{attacked.DESK}verdicts/")
    for verdict, attack in zip(Verdict.objects.filter(user=rob.user), attacks, strict=True):
        attacked.entitle(attack)
        yield rob.get(f"{attacked.DESK}verdicts/{verdict.pk}/")
