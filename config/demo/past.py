"""Three weeks of work, done through the same calls that production uses, only with the time passed in.

Outputs arrive in batches, are routed, and are judged by demo reviewers whose answers are those of the real raters of
each sample. What arrives last is left for the visitor.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import msgspec
from django.utils import timezone

from config.demo.samples import Sample
from escalation.decisions import feed, settle
from escalation.ingest import receive
from escalation.models import Stream
from escalation.routing import dispatch
from reviewqueue.models import User
from reviewqueue.queue.claim import claim_next
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import submit

DAYS = 21
SHIFTS = (time(9), time(11), time(14), time(16))
BATCHES = 3
SECONDS_PER_ITEM = (6, 40)
# How often a demo reviewer asks the lead, or cannot tell.
ESCALATES, CANNOT_TELL = 0.015, 0.005


@dataclass(frozen=True)
class Flow:
    """One stream's samples in the order of their arrival; the last `left` of them stay for the visitor."""

    stream: Stream
    model: str
    samples: Sequence[Sample]
    left: int


@dataclass(frozen=True)
class Shift:
    """What happens at one hour: these samples have arrived since the last shift, and people sit down to work."""

    at: datetime
    flow: Flow
    samples: Sequence[Sample]
    worked: bool


def shifts(flows: Sequence[Flow], *, until: datetime) -> list[Shift]:
    """Every shift of the past in order of time, then what is left to the visitor."""
    return sorted((shift for flow in flows for shift in _shifts(flow, until)), key=lambda shift: shift.at)


def work(shift: Shift, *, reviewers: Sequence[User], lead: User, rng: random.Random) -> int:
    """Post, route and judge one shift's samples; returns how many outputs were posted."""
    _post(shift, rng)
    if shift.worked:
        truth = {sample.external_id: sample for sample in shift.flow.samples}
        moment = _judge(shift, reviewers, truth, rng)
        _have_final_say(shift, lead, truth, moment)
        while settle.settle(now=moment + timedelta(hours=1)):
            pass
    feed.number()
    return len(shift.samples)


def _shifts(flow: Flow, until: datetime) -> Iterator[Shift]:
    past, left = flow.samples[: -flow.left], flow.samples[-flow.left :]
    today = timezone.localdate(until)
    hours = [
        timezone.make_aware(datetime.combine(today - timedelta(days=days), hour))
        for days in range(DAYS, 0, -1)
        for hour in SHIFTS
        if (today - timedelta(days=days)).weekday() < 5
    ]
    for index, hour in enumerate(hours):
        share = past[index * len(past) // len(hours) : (index + 1) * len(past) // len(hours)]
        yield Shift(hour, flow, share, worked=True)
    yield Shift(until - timedelta(minutes=5), flow, left, worked=False)


def _post(shift: Shift, rng: random.Random) -> None:
    """Arrivals of the last two hours, in a few batches."""
    for index in range(BATCHES):
        batch = shift.samples[index::BATCHES]
        moment = shift.at - timedelta(minutes=rng.uniform(5, 120) if shift.worked else 40 * index)
        if batch:
            raw = [_element(sample, shift.flow.model) for sample in batch]
            receive.receive(stream=shift.flow.stream, raw=raw, actor="key:demo", now=moment)
            dispatch.run(now=moment + timedelta(seconds=1))


def _judge(shift: Shift, reviewers: Sequence[User], truth: dict[str, Sample], rng: random.Random) -> datetime:
    """The reviewers take turns until nothing waits; returns when they were done."""
    moment, idle = shift.at, 0
    while idle < len(reviewers):
        reviewer = rng.choice(reviewers)
        moment += timedelta(seconds=rng.uniform(*SECONDS_PER_ITEM))
        claim = claim_next(user=reviewer, slug=shift.flow.stream.slug, now=moment, rng=rng, resume=False)
        if claim is None:
            idle += 1
            continue
        _decide(claim, reviewer, truth[claim.item.reference], moment, rng)
    return moment


def _decide(claim: Claim, reviewer: User, sample: Sample, moment: datetime, rng: random.Random) -> None:
    seconds = rng.uniform(2, 25)
    done = moment + timedelta(seconds=seconds)
    answer, luck = rng.choice(sample.raters), rng.random()
    if luck < CANNOT_TELL:
        if claim.answer_first:
            submit.answer_first(claim_id=claim.id, user=reviewer, kind="unjudgeable", now=done)
        submit.submit(claim_id=claim.id, user=reviewer, kind="unjudgeable", active_seconds=seconds, now=done)
        return
    if claim.answer_first:
        submit.answer_first(claim_id=claim.id, user=reviewer, answer=answer, now=done)
    if luck < CANNOT_TELL + ESCALATES:
        submit.submit(claim_id=claim.id, user=reviewer, kind="escalate", active_seconds=seconds, now=done)
        return
    # `correct` with the proposed answer is stored as `agree`.
    submit.submit(claim_id=claim.id, user=reviewer, kind="correct", answer=answer, active_seconds=seconds, now=done)


def _have_final_say(shift: Shift, lead: User, truth: dict[str, Sample], moment: datetime) -> None:
    """The lead takes what was escalated, once it is settled that it was."""
    while settle.settle(now=moment + timedelta(minutes=10)):
        pass
    slug, rng = shift.flow.stream.slug, random.Random(0)
    at = moment + timedelta(minutes=20)
    while claim := claim_next(user=lead, slug=slug, now=at, rng=rng, resume=False):
        sample = truth[claim.item.reference]
        submit.submit(claim_id=claim.id, user=lead, kind="correct", answer=sample.truth, reason="ambiguous", now=at)
        at += timedelta(seconds=30)


def _element(sample: Sample, model: str) -> bytes:
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
