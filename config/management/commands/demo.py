"""`manage.py demo`: fill an empty product with a past; `--welcome` prints the way in."""

from __future__ import annotations

import random
from argparse import ArgumentParser
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand
from django.db import connection
from rich.progress import track

from config.demo import past, people, promises, samples
from escalation.ingest import backlog
from escalation.models import Stream
from escalation.policies import spec, versions
from escalation.simulation import daily_counts
from escalation.streams import definition
from reviewqueue.kernel import clock
from reviewqueue.models import User

STREAMS = Path(past.__file__).with_name("streams.yaml")
# As many as make a report worth reading, and as the first start can take.
SENTENCES, DIGITS = 700, 1300
SEED = 2026

WELCOME = """
Sign in as {names} with the password {password}

  review      {url}/queues/sentiment/    as rob: A agrees, 1-9 answers, ? lists the keys
  manage      {url}/overview/            as mara; max is the second manager, otto the auditor
  API docs    {url}/api/docs/

Post an output and wait for its route:

  curl -s {url}/api/v1/streams/sentiment/outputs \\
    -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' -H 'Prefer: wait=2' \\
    -d '{{"id": "my-first", "model": "review-sentiment", "model_version": "2026-11-01",
         "prediction": "positive", "confidence": 0.62,
         "input": {{"text": "It broke, but the refund came fast."}}}}'
"""


class Command(BaseCommand):
    help = "Fill the product with demo people, two streams of real data and three weeks of verdicts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--welcome", action="store_true", help="Print the way in instead.")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, welcome: bool, port: int, **options: Any) -> None:
        if welcome:
            self._welcome(f"http://127.0.0.1:{port}")
        else:
            fill(clock.current())

    def _welcome(self, url: str) -> None:
        sign_in = people.remembered()
        if sign_in is None:
            return
        names = ", ".join(username for username, _, _ in people.CAST)
        self.stdout.write(WELCOME.format(url=url, names=names, password=sign_in.password, key=sign_in.key))


def fill(now: datetime) -> None:
    """Create what is missing; what an interrupted start has posted already is known and stays as it is."""
    with connection.cursor() as cursor:
        # Ten thousand small commits: a demo that a power cut takes back a second of is none the worse.
        cursor.execute("SET synchronous_commit = off")
    people.hire()
    began = now - timedelta(days=past.DAYS + 1)
    flows = _flows(began)
    rng = random.Random(SEED)
    reviewers = list(User.objects.filter(username__in=["rob", "rita"]).order_by("username"))
    lead = User.objects.get(username="ann")
    evening, silent = promises.evening(now), list(flows)
    for shift in track(past.shifts(flows, until=now), description="Living through three weeks of demo"):
        while silent and shift.at > evening:
            promises.state(silent.pop().stream, now=evening)
        past.work(shift, reviewers=reviewers, lead=lead, rng=rng)
    _draft_a_looser_policy(flows[0].stream, now=evening)
    for flow in flows:
        daily_counts.recount(stream=flow.stream, now=now)
    backlog.refresh()


def _flows(began: datetime) -> list[past.Flow]:
    described = {one.slug: one for one in definition.parse(yaml.safe_load(STREAMS.read_text()))}
    made = {
        slug: definition.apply(description, actor="user:mara", now=began).stream
        for slug, description in described.items()
    }
    for stream in made.values():
        promises.say(stream, now=began)
    return [
        past.Flow(made["sentiment"], "review-sentiment", _some(samples.sentiment(), SENTENCES), left=60),
        past.Flow(made["digits"], "digit-reader", _some(samples.digits(), DIGITS), left=120),
    ]


def _some(known: list[samples.Sample], number: int) -> list[samples.Sample]:
    return random.Random(SEED).sample(known, number)


def _draft_a_looser_policy(stream: Stream, *, now: datetime) -> None:
    """Something for the second manager to approve."""
    current = versions.active(stream)
    assert current is not None
    looser = {**spec.plain(current.spec), "threshold": 0.75}
    versions.propose(stream=stream, spec=versions.checked(looser), actor="user:mara", reason="Fewer reviews", now=now)
