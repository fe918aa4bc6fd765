"""Run a trial through the whole product: post, route, judge, settle and evaluate on the real tables.

Each trial is its own stream in a transaction that is rolled back, so that every trial finds the tables in the same
state. Two things bypass the public interfaces, because they would take far longer than everything else: verdicts, which
are written as `verdicts.submit` writes them, and the results of test items.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context

import msgspec
from django.db import connection, transaction

from benchmarks.measured.trials import POLICY, RATE, TESTS, Trial, populations, trials
from benchmarks.measured.ways import DECLARED, DELTA, Found
from escalation.decisions import settle
from escalation.guarantees import evaluations, group_results, preparation, targets
from escalation.ingest import receive
from escalation.models import Stream, TestItem, output_id
from escalation.routing import dispatch
from escalation.streams import definition
from reviewqueue.kernel import clock
from reviewqueue.models import FirstAnswer, Item, Slot, User, Verdict

ACTOR = "system:bench"
RIGHT, WRONG = "seven", "one"  # the model's answer to every input, and the reviewers' answer where they find an error
AT_ONCE = 1_000  # outputs per request
PROCESSES = 2
STAYING = 3  # streams


class Looks:
    """Processes that evaluate trials."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def at(self, trials: Iterable[Trial], alpha: float) -> Iterator[Found | None]:
        """What an evaluation finds in each."""
        return self._pool.map(partial(look, alpha=alpha), trials)


@contextmanager
def looks() -> Iterator[Looks]:
    User.objects.create(username="rob", role="reviewer")
    _furnish()
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        yield Looks(pool)


def look(trial: Trial, alpha: float) -> Found | None:
    """What the product's evaluation of a trial finds; None if it refuses or finds nothing."""
    now = clock.current_time()
    with transaction.atomic():
        stream = _judged(trial, now)
        said_at = now - timedelta(hours=2)  # before the outputs
        targets.set_error_target(
            stream=stream, max_error=alpha, delta=DELTA, declared_audits=DECLARED, actor=ACTOR, now=said_at
        )
        _measure(stream, trial.caught, now)
        found = _found(stream, now)
        transaction.set_rollback(True)
    _run("VACUUM")  # the next one would read past all that was rolled back
    return found


def _furnish() -> None:
    """Store permanent streams: without them, the planner assumes empty tables, whatever a trial contains."""
    population = next(populations())
    for number, trial in enumerate(trials(population, STAYING, catch=1.0)):
        _judged(replace(trial, slug=f"stays-{number}"), clock.current_time())
    _run("ANALYZE")


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _judged(trial: Trial, now: datetime) -> Stream:
    """The trial's stream, with its outputs routed and its verdicts settled."""
    stream = _routed(trial, now - timedelta(hours=1))
    _judge(stream, _said(trial), now)
    return stream


def _routed(trial: Trial, now: datetime) -> Stream:
    description = definition.StreamDefinition(
        slug=trial.slug, title=trial.slug, answers=[RIGHT, WRONG], policy=_policy(), review={"max_waiting": 1_000_000}
    )
    stream = definition.apply_definition(description, actor=ACTOR, now=now - timedelta(days=1)).stream
    stream.secret = trial.secret
    stream.save(update_fields=["secret"])
    for raw in itertools.batched(_posted(trial), AT_ONCE):
        receive.receive_outputs(stream=stream, raw=raw, actor=ACTOR, now=now)
    dispatch.route_received(now=now)
    return stream


def _policy() -> dict[str, object]:
    return {"threshold": POLICY.threshold, "audit": {"rate": RATE, "mode": POLICY.audit.mode}}


def _posted(trial: Trial) -> Iterator[bytes]:
    for at, score in enumerate(trial.scores.tolist()):
        yield msgspec.json.encode(
            {"id": str(at), "model": "clf", "prediction": RIGHT, "confidence": score, "input": {"text": f"number {at}"}}
        )


def _said(trial: Trial) -> dict[str, str]:
    """What people say of those that the trial drew, by reference. Had the product drawn others, it would lack these."""
    return {str(at): WRONG if trial.said_wrong[at] else RIGHT for at in trial.drawn.nonzero()[0].tolist()}


def _judge(stream: Stream, said: Mapping[str, str], now: datetime) -> None:
    """Record blind first answers on these items, and settle them."""
    rob = User.objects.get(username="rob")
    asked = Slot.objects.filter(item__queue__slug=stream.slug, item__reference__in=said, answer_first=True)
    slots = list(asked.select_related("item"))
    Verdict.objects.bulk_create(_verdict(slot, rob, said[slot.item.reference], stream, now) for slot in slots)
    FirstAnswer.objects.bulk_create(
        FirstAnswer(slot=slot, claim=1, user=rob, kind="answer", answer=said[slot.item.reference], at=now)
        for slot in slots
    )
    Slot.objects.filter(pk__in=[slot.pk for slot in slots]).update(state=Slot.State.JUDGED, holder=rob, claim=1)
    Item.objects.filter(pk__in=[slot.item_id for slot in slots]).update(settle_at=now)
    while settle.settle_items(now=now):
        pass


def _verdict(slot: Slot, by: User, answer: str, stream: Stream, now: datetime) -> Verdict:
    return Verdict(
        slot=slot,
        item_id=slot.item_id,
        round=1,
        user=by,
        claim=1,
        kind=Verdict.Kind.AGREE if answer == RIGHT else Verdict.Kind.CORRECT,
        answer=answer,
        first_answer=answer,
        first_at=now,
        proposal_visible=False,
        schema_number=stream.schema_number,
        submitted_at=now,
        final_at=now,
    )


def _measure(stream: Stream, caught: int, now: datetime) -> None:
    """Record how many of the test items were caught."""
    TestItem.objects.bulk_create(
        TestItem(
            id=output_id.first_id_at(now) + number,
            stream=stream,
            answer=WRONG,
            prediction=RIGHT,
            schema_number=stream.schema_number,
            added_by=ACTOR,
            added_at=now,
            settled_at=now,
            caught=number < caught,
        )
        for number in range(TESTS)
    )


def _found(stream: Stream, now: datetime) -> Found | None:
    try:
        (group,) = group_results.parse_group_results(evaluations.run_evaluation(stream, by=ACTOR, now=now))
    except preparation.EvaluationRefused:
        return None
    return None if group.threshold is None else Found(group.threshold, group.accepted, group.wrong)
