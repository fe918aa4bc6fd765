"""Simulate three weeks of work through the same calls as in production, with the time passed in.

Outputs arrive in batches, are routed, and are judged by demo reviewers, whose answers are those of each sample's real
raters; now and then they miss an error. Test items are mixed in as in production: a manager uploads a few known errors
at the start, and the product adds past ones. The last outputs are left for the visitor.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import msgspec
from django.utils import timezone

from config.demo.samples import DemoSample
from escalation.decisions import feed, settle
from escalation.ingest import receive
from escalation.models import Stream, TestItem
from escalation.routing import dispatch
from escalation.test_items import mix_in
from reviewqueue.models import User
from reviewqueue.queue.claim import claim_next
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import submit

HISTORY_DAYS = 21
SHIFT_TIMES = (time(9), time(11), time(14), time(16))
BATCHES_PER_SHIFT = 3
SECONDS_PER_ITEM_RANGE = (6, 40)
# How often a demo reviewer asks the lead, misses an error, or cannot judge what is hard for the model, too.
ESCALATION_SHARE, MISSED_SHARE, UNJUDGEABLE_SHARE = 0.015, 0.04, 0.02
HARD_CONFIDENCE = 0.5


@dataclass(frozen=True)
class DemoFlow:
    """One stream's samples in order of arrival; the last `left_for_visitor` of them stay unreviewed.

    known_errors: other samples, which the model got wrong; they become test items.
    """

    stream: Stream
    model: str
    samples: Sequence[DemoSample]
    left_for_visitor: int
    known_errors: Sequence[DemoSample] = ()


@dataclass(frozen=True)
class DemoShift:
    """One shift: the samples that arrived since the last one; `worked` if reviewers then judge them."""

    at: datetime
    flow: DemoFlow
    samples: Sequence[DemoSample]
    worked: bool


def plan_shifts(flows: Sequence[DemoFlow], *, until: datetime) -> list[DemoShift]:
    """All shifts in chronological order, then the outputs left for the visitor."""
    return sorted((shift for flow in flows for shift in _plan_flow_shifts(flow, until)), key=lambda shift: shift.at)


def work_shift(shift: DemoShift, *, reviewers: Sequence[User], lead: User, rng: random.Random) -> int:
    """Post, route and judge one shift's samples; returns how many outputs were posted."""
    _post_outputs(shift, rng)
    if shift.worked:
        _mix_in_test_items(shift)
        truth = {sample.external_id: sample for sample in shift.flow.samples}
        moment = _review_until_settled(shift, reviewers, truth, rng)
        _decide_escalated(shift, lead, truth, moment)
        while settle.settle_items(now=moment + timedelta(hours=1)):
            pass
    feed.number_decisions()
    return len(shift.samples)


def _plan_flow_shifts(flow: DemoFlow, until: datetime) -> Iterator[DemoShift]:
    past, left = flow.samples[: -flow.left_for_visitor], flow.samples[-flow.left_for_visitor :]
    today = timezone.localdate(until)
    hours = [
        timezone.make_aware(datetime.combine(today - timedelta(days=days), hour))
        for days in range(HISTORY_DAYS, 0, -1)
        for hour in SHIFT_TIMES
        if (today - timedelta(days=days)).weekday() < 5
    ]
    for index, hour in enumerate(hours):
        share = past[index * len(past) // len(hours) : (index + 1) * len(past) // len(hours)]
        yield DemoShift(hour, flow, share, worked=True)
    yield DemoShift(until - timedelta(minutes=5), flow, left, worked=False)


def _post_outputs(shift: DemoShift, rng: random.Random) -> None:
    """Post the outputs of the two hours before the shift, in a few batches."""
    for index in range(BATCHES_PER_SHIFT):
        batch = shift.samples[index::BATCHES_PER_SHIFT]
        moment = shift.at - timedelta(minutes=rng.uniform(5, 120) if shift.worked else 40 * index)
        if batch:
            raw = [_encode_output(sample, shift.flow.model) for sample in batch]
            receive.receive_outputs(stream=shift.flow.stream, raw=raw, actor="key:demo", now=moment)
            dispatch.route_received(now=moment + timedelta(seconds=1))


def _mix_in_test_items(shift: DemoShift) -> None:
    stream, known = shift.flow.stream, [sample.as_example for sample in shift.flow.known_errors]
    if known and not TestItem.objects.filter(stream=stream, copy_of=None).exists():
        mix_in.mix_in_examples(stream=stream, known=known, actor="user:mara", now=shift.at)
    mix_in.replenish_test_items(now=shift.at)


def _review_until_settled(
    shift: DemoShift, reviewers: Sequence[User], truth: dict[str, DemoSample], rng: random.Random
) -> datetime:
    """Let the reviewers work and the sweep settle, which may bring test items; returns when nothing more comes."""
    before, moment = None, shift.at
    while moment != before:
        before, moment = moment, _review_items(shift, reviewers, truth, rng, since=moment)
        while settle.settle_items(now=moment + timedelta(minutes=1)):
            pass
    return moment


def _review_items(
    shift: DemoShift, reviewers: Sequence[User], truth: dict[str, DemoSample], rng: random.Random, *, since: datetime
) -> datetime:
    """Let the reviewers judge items in random turns until nothing waits; returns when they judged the last one."""
    moment, last, idle = since, since, 0
    while idle < len(reviewers):
        reviewer = rng.choice(reviewers)
        moment += timedelta(seconds=rng.uniform(*SECONDS_PER_ITEM_RANGE))
        claim = claim_next(user=reviewer, slug=shift.flow.stream.slug, now=moment, rng=rng, resume=False)
        if claim is None:
            idle += 1
            continue
        _submit_verdict(claim, reviewer, _find_sample(claim, truth), moment, rng)
        last = moment
    return last


def _find_sample(claim: Claim, truth: dict[str, DemoSample]) -> DemoSample:
    """What the reviewer sees; a test item has a reference of its own, which may be that of a later sample."""
    known = TestItem.objects.filter(pk=claim.item.id).first()
    if known is None:
        return truth[claim.item.reference]
    return DemoSample(claim.item.reference, {}, known.prediction, 1.0, {}, known.answer, (known.answer,))


def _choose_answer(sample: DemoSample, claim: Claim, rng: random.Random) -> Any:
    """One of the raters' answers, or the model's where the reviewer misses its error; only the fields asked for."""
    is_missed = sample.is_wrong and rng.random() < MISSED_SHARE
    return _keep_asked(sample.prediction if is_missed else rng.choice(sample.raters), claim)


def _keep_asked(answer: Any, claim: Claim) -> Any:
    asked = claim.item.asked
    return answer if asked is None else {name: value for name, value in answer.items() if f"/{name}" in asked}


def _submit_verdict(claim: Claim, reviewer: User, sample: DemoSample, moment: datetime, rng: random.Random) -> None:
    seconds = rng.uniform(2, 25)
    done = moment + timedelta(seconds=seconds)
    answer, luck = _choose_answer(sample, claim, rng), rng.random()
    is_unclear = sample.confidence < HARD_CONFIDENCE and rng.random() < UNJUDGEABLE_SHARE
    if is_unclear:
        if claim.answer_first:
            submit.submit_first_answer(claim_id=claim.id, user=reviewer, kind="unjudgeable", now=done)
        submit.submit_verdict(claim_id=claim.id, user=reviewer, kind="unjudgeable", active_seconds=seconds, now=done)
        return
    if claim.answer_first:
        submit.submit_first_answer(claim_id=claim.id, user=reviewer, answer=answer, now=done)
    if luck < ESCALATION_SHARE:
        submit.submit_verdict(claim_id=claim.id, user=reviewer, kind="escalate", active_seconds=seconds, now=done)
        return
    # `correct` with the proposed answer is stored as `agree`.
    submit.submit_verdict(
        claim_id=claim.id, user=reviewer, kind="correct", answer=answer, active_seconds=seconds, now=done
    )


def _decide_escalated(shift: DemoShift, lead: User, truth: dict[str, DemoSample], moment: datetime) -> None:
    """Let the lead decide the escalated items, after the sweep has passed them to the lead."""
    while settle.settle_items(now=moment + timedelta(minutes=10)):
        pass
    slug, rng = shift.flow.stream.slug, random.Random(0)
    at = moment + timedelta(minutes=20)
    while claim := claim_next(user=lead, slug=slug, now=at, rng=rng, resume=False):
        answer = _keep_asked(_find_sample(claim, truth).truth, claim)
        if not claim.final_say and claim.answer_first:  # a test item that has just arrived
            submit.submit_first_answer(claim_id=claim.id, user=lead, answer=answer, now=at)
        submit.submit_verdict(claim_id=claim.id, user=lead, kind="correct", answer=answer, reason="ambiguous", now=at)
        at += timedelta(seconds=30)


def _encode_output(sample: DemoSample, model: str) -> bytes:
    return msgspec.json.encode(
        {
            "id": sample.external_id,
            "model": model,
            "model_version": "2026-11-01",
            "prediction": sample.prediction,
            "confidence": sample.confidence,
            "scores": sample.scores,
            "input": sample.input,
            **({"group": sample.group} if sample.group else {}),
        }
    )
