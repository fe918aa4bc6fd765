"""Counting on from what was counted before gives what counting anew gives, whatever happens in between."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from escalation.guarantees import counting, lines, population, preparation, targets
from escalation.guarantees.sample import EvaluationSample
from escalation.models import CountedEvidence, EvidenceLine, Outcome, Output, Stream
from escalation.policies import versions
from escalation.routing.decide import LabelDecisions
from escalation.routing.plan import RoutePlan
from tests.helpers import measured_recall, stream_history, traffic
from tests.helpers.traffic import ANSWERS, NOON

FIRST = 60
FIELDS = ("/currency", "/total")
SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}, "currency": {"type": "string"}}}
POLICY: dict[str, Any] = {"threshold": 0.8, "audit": {"rate": 0.5, "mode": "after"}, "guarantee": {"due_days": 4}}


class Interleaving:
    """A stream in which outputs arrive, are routed, judged and withdrawn in any order; seeded."""

    def __init__(self, seed: int, groups: str) -> None:
        self._random, self._rng, self._groups = random.Random(seed), np.random.default_rng(seed), groups
        self._policy = dict(POLICY)
        options: dict[str, Any] = {"multiple": True} if groups == "labels" else {}
        if groups == "fields":
            options = {"answers": None, "schema": SCHEMA}
            self._policy["thresholds"] = {"/total": 0.9}
        self.stream = traffic.apply_stream(policy=self._policy, **options)
        self.now, self._posted = NOON, 0
        self.target = targets.set_error_target(
            stream=self.stream, max_error=0.05, groups=groups, declared_audits=FIRST, actor="user:mara", now=NOON
        )
        self._unjudged: dict[int, Outcome] = {}
        self._unrouted: list[RoutePlan] = []

    def step(self) -> None:
        actions: list[Callable[[], None]] = [self._arrive, self._arrive, self._judge, self._judge, self._route]
        self._random.choice([*actions, self._withdraw, self._wait, self._activate])()

    def draw(self) -> EvaluationSample:
        """The line's sample; the line is stored at the first call."""
        spec, covered = self._spec(), population.current_population(self.stream)
        assert covered
        line, drawn = preparation.find_evidence(
            self.stream, self.target, covered, spec, first=FIRST, keep=True, now=self.now
        )
        if line.pk is None:
            lines.plan_groups(line, [""], ready=[""], last_id=drawn.window.last, now=self.now)
        return drawn

    def _spec(self) -> Any:
        active = versions.find_active_policy(self.stream)
        assert active
        return active.spec

    def _arrive(self) -> None:
        count, span = 25, timedelta(hours=self._random.choice([1, 30]))
        scores = (1 - self._rng.random((count, 3)) ** 3).round(2)
        wrong = self._rng.random((count, 3)) > scores
        names = {"fields": FIELDS, "labels": ANSWERS}.get(self._groups, ())
        said = [dict(zip(names, row, strict=False)) for row in scores.tolist()]
        parts: Any = {
            "fields": [{"fields": one} for one in said],
            "labels": [{"labels": LabelDecisions([], one)} for one in said],
        }.get(self._groups)
        later = {at for at in range(count) if self._random.random() < 0.1}
        plans = stream_history.write_history(
            self.stream, scores.min(axis=1).tolist(), wrong.any(axis=1).tolist(), since=self.now, span=span,
            prefix=f"from {self._posted}", predicted="" if names else [self._random.choice(ANSWERS) for _ in scores],
            parts=parts, routed_later=later,
            part_errors=[dict(zip(names, row, strict=False)) for row in wrong.tolist()] if names else None,
        )  # fmt: skip
        fresh = Output.objects.filter(external_id__startswith=f"from {self._posted}-")
        self._posted, self.now = self._posted + 1, self.now + span
        fresh.filter(pk__in=self._choose(fresh, 0.3)).update(group=self._random.choice(["", "thread"]))
        self._unrouted += [plans[at] for at in later]
        judged_later = self._choose(fresh, 0.4)
        self._unjudged |= {row.pk: row for row in Outcome.objects.filter(pk__in=judged_later)}
        Outcome.objects.filter(pk__in=judged_later).delete()

    def _choose(self, outputs: Any, share: float) -> list[int]:
        return [number for number in outputs.values_list("pk", flat=True) if self._random.random() < share]

    def _judge(self) -> None:
        """Answers come in any order, also late ones; some of reviewers who had seen the model's answer."""
        for number in self._random.sample(list(self._unjudged), k=len(self._unjudged) // 2):
            row = self._unjudged.pop(number)
            row.blind, row.wrong = self._random.random() < 0.9, self._random.choice([row.wrong, row.wrong, None])
            Outcome.objects.bulk_create([row])

    def _route(self) -> None:
        """Nobody judges these in time: they are pending, and overdue in the end."""
        stream_history.write_routes(self._unrouted)
        self._unrouted.clear()

    def _withdraw(self) -> None:
        for number in self._random.sample(list(self._unjudged), k=len(self._unjudged) // 4):
            Output.objects.filter(pk=number).update(state=Output.State.WITHDRAWN)
            if self._random.random() < 0.8:
                del self._unjudged[number]

    def _wait(self) -> None:
        self.now += timedelta(days=self._random.choice([1, 3, 6]))

    def _activate(self) -> None:
        """Another audit rate, another time for answers: both may change within a line."""
        self._policy["audit"] = {"rate": self._random.choice([0.4, 0.6]), "mode": "after"}
        self._policy["guarantee"] = {"due_days": self._random.choice([4, 8])}
        self._policy["undo_seconds"] = self._posted * 10 + self._random.randrange(10)  # so that it is another version
        spec = versions.validate_spec(self._policy)
        versions.activate_version(
            policy=versions.save_version(stream=self.stream, spec=spec, actor="user:mara"),
            by="user:mara", approved_by="user:max", now=self.now,
        )  # fmt: skip


@pytest.mark.parametrize("groups", ["together", "classes", "fields", "labels"])
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.usefixtures("queue")
def test_counting_on_equals_counting_anew(groups: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, counted_on = Interleaving(seed, groups), 0
    load = counting.load_progress

    def load_counted(*args: Any, **options: Any) -> counting.Progress | None:
        nonlocal counted_on
        found = load(*args, **options)
        counted_on += found is not None and found.counts.sampled > 0
        return found

    monkeypatch.setattr(counting, "load_progress", load_counted)
    stream._arrive()
    stream._route()
    for _ in range(30):
        stream.step()
        found = stream.draw()
        with monkeypatch.context() as patched:
            patched.setattr(counting, "load_progress", lambda *args, **options: None)
            patched.setattr(counting, "save_progress", lambda *args, **options: None)
            anew = stream.draw()
        assert found.window == anew.window
        assert found.counts.to_json() == anew.counts.to_json()
    assert EvidenceLine.objects.count() == 1
    assert counted_on >= 2, "how often depends on which outputs are drawn, by the secret of the stream"


@pytest.fixture
def stream(queue: object) -> Stream:
    found = traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 1.0}})
    measured_recall.set_error_target(stream=found, max_error=0.5, declared_audits=FIRST, actor="user:mara", now=NOON)
    return found


def _draw(stream: Stream, days: float) -> EvaluationSample:
    now = NOON + timedelta(days=days)
    prepared = preparation.prepare_evaluation(stream, keep=True, now=now)
    if prepared.line.pk is None:
        lines.plan_groups(prepared.line, [""], ready=[""], last_id=prepared.sample.window.last, now=now)
    return prepared.sample


def test_audits_that_were_counted_are_not_read_again(stream: Stream) -> None:
    stream_history.write_history(stream, [0.9] * 200, [False] * 200)
    _draw(stream, 11)
    _draw(stream, 11)
    # What is counted is not looked at again; nothing in production deletes an outcome.
    Outcome.objects.all().delete()
    stream_history.write_history(stream, [0.9] * 50, [True] * 50, since=NOON + timedelta(days=11), prefix="on")
    found = _draw(stream, 22)
    assert (found.sampled, int(found.counts.groups[""].errors.sum())) == (250, 50)
    first = found.counts.groups[""].tally_first()
    assert (int(first.accepted[-1]), int(first.wrong[-1])) == (FIRST, 0)


def test_a_late_answer_is_counted(stream: Stream) -> None:
    stream_history.write_history(stream, [0.9] * 100, [False] * 100)
    late = Outcome.objects.order_by("pk")[40]
    late_answer = Outcome.objects.get(pk=late.pk)
    late.delete()
    assert [_draw(stream, 30).unresolved for _ in range(2)] == [1, 1]
    assert CountedEvidence.objects.get().unanswered == [late_answer.pk]
    Outcome.objects.bulk_create([late_answer])
    assert _draw(stream, 30).unresolved == 0


def test_an_output_that_is_routed_late_is_counted(stream: Stream) -> None:
    plans = stream_history.write_history(stream, [0.9] * 100, [False] * 100, routed_later={40})
    assert [_draw(stream, 11).sampled for _ in range(2)] == [99, 99]
    assert CountedEvidence.objects.get().routed_id < plans[40].output.id
    stream_history.write_routes([plans[40]])
    assert _draw(stream, 30).sampled == 100


def test_a_page_keeps_no_counts(stream: Stream) -> None:
    stream_history.write_history(stream, [0.9] * 100, [False] * 100)
    _draw(stream, 11)
    preparation.prepare_evaluation(stream, now=NOON + timedelta(days=11))
    assert not CountedEvidence.objects.exists()


def test_the_window_is_extended_by_later_outputs() -> None:
    window = counting.SampleWindow(10, 20, 0.5)
    assert window.extend([]) == window
    assert window.extend([(30, 0.2), (25, 0.7)]) == counting.SampleWindow(10, 31, 0.2)
