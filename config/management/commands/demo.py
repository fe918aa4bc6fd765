"""`manage.py demo`: fill an empty product with demo data; `--welcome` prints how to sign in."""

from __future__ import annotations

import itertools
import random
from argparse import ArgumentParser
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand
from django.db import connection
from rich.progress import track

from config.demo import guarantees, invoices, past, people, samples
from escalation.ingest import backlog
from escalation.models import Stream
from escalation.policies import spec, versions
from escalation.simulation import daily_counts
from escalation.streams import definition
from reviewqueue.kernel import clock
from reviewqueue.models import User

STREAMS_FILE = Path(past.__file__).with_name("streams.yaml")
# Enough for meaningful reports, and few enough for a quick first start.
SENTENCE_COUNT, DIGIT_COUNT, INVOICE_COUNT = 560, 1300, 880
KNOWN_ERROR_COUNT = 24  # uploaded as test items, per stream
RANDOM_SEED = 2026

WELCOME_TEXT = """
Sign in as {names} with the password {password}

  review      {url}/queues/sentiment/    as rob: A agrees, 1-9 answers, ? lists all shortcuts
  manage      {url}/overview/            as mara (max is the second manager, otto the auditor)
  API docs    {url}/api/docs/

Send an output and wait for its route:

  curl -s {url}/api/v1/streams/sentiment/outputs \\
    -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' -H 'Prefer: wait=2' \\
    -d '{{"id": "my-first", "model": "review-sentiment", "model_version": "2026-11-01",
         "prediction": "positive", "confidence": 0.62,
         "input": {{"text": "It broke, but the refund came fast."}}}}'
"""


class Command(BaseCommand):
    help = "Create demo people, three streams of data and three weeks of verdicts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--welcome", action="store_true", help="only print how to sign in")
        parser.add_argument("--port", type=int, default=8000, help="port in the printed URLs (default: %(default)s)")

    def handle(self, *args: Any, welcome: bool, port: int, **options: Any) -> None:
        if welcome:
            self._welcome(f"http://127.0.0.1:{port}")
        else:
            fill_demo(clock.current_time())

    def _welcome(self, url: str) -> None:
        sign_in = people.load_sign_in()
        if sign_in is None:
            return
        names = ", ".join(username for username, _, _ in people.CAST)
        self.stdout.write(WELCOME_TEXT.format(url=url, names=names, password=sign_in.password, key=sign_in.key))


def fill_demo(now: datetime) -> None:
    """Create the demo data that is missing; outputs posted by an interrupted run stay unchanged."""
    with connection.cursor() as cursor:
        # Ten thousand small commits, and a demo can afford to lose its last second in a power failure.
        cursor.execute("SET synchronous_commit = off")
    people.create_people()
    began = now - timedelta(days=past.HISTORY_DAYS + 1)
    flows = _create_flows(began)
    rng = random.Random(RANDOM_SEED)
    reviewers = list(User.objects.filter(username__in=["rob", "rita"]).order_by("username"))
    lead = User.objects.get(username="ann")
    evening, silent = guarantees.choose_evaluation_time(now), list(flows)
    for shift in track(past.plan_shifts(flows, until=now), description="Simulating three weeks of work"):
        while silent and shift.at > evening:
            guarantees.establish_guarantee(silent.pop().stream, now=evening)
        past.work_shift(shift, reviewers=reviewers, lead=lead, rng=rng)
    _draft_looser_policy(flows[0].stream, now=evening)
    for flow in flows:
        daily_counts.recount_stream(stream=flow.stream, now=now)
    backlog.refresh_waiting_counts()


def _create_flows(began: datetime) -> list[past.DemoFlow]:
    described = {one.slug: one for one in definition.parse_definitions(yaml.safe_load(STREAMS_FILE.read_text()))}
    made = {
        slug: definition.apply_definition(description, actor="user:mara", now=began).stream
        for slug, description in described.items()
    }
    for stream in made.values():
        guarantees.set_demo_target(stream, now=began)
    sentences, _ = _pick_samples(samples.load_sentiment(), SENTENCE_COUNT)
    digits, digit_errors = _pick_samples(samples.load_digits(), DIGIT_COUNT)
    documents = invoices.generate_invoices()
    read = list(itertools.islice(documents, INVOICE_COUNT))
    document_errors = itertools.islice((sample for sample in documents if sample.is_wrong), KNOWN_ERROR_COUNT)
    return [
        past.DemoFlow(made["sentiment"], "review-sentiment", sentences, left_for_visitor=60),
        past.DemoFlow(made["digits"], "digit-reader", digits, left_for_visitor=120, known_errors=digit_errors),
        past.DemoFlow(
            made["invoices"], "invoice-reader", read, left_for_visitor=60, known_errors=list(document_errors)
        ),
    ]


def _pick_samples(
    known: list[samples.DemoSample], number: int
) -> tuple[list[samples.DemoSample], list[samples.DemoSample]]:
    """So many of the samples in a random order, and a few of the others that the model got wrong."""
    mixed = random.Random(RANDOM_SEED).sample(known, len(known))
    return mixed[:number], [sample for sample in mixed[number:] if sample.is_wrong][:KNOWN_ERROR_COUNT]


def _draft_looser_policy(stream: Stream, *, now: datetime) -> None:
    """Leave an approval request for the second manager."""
    current = versions.find_active_policy(stream)
    assert current is not None
    looser = {**spec.dump_spec(current.spec), "threshold": 0.75}
    versions.propose_version(
        stream=stream, spec=versions.validate_spec(looser), actor="user:mara", reason="Fewer reviews", now=now
    )
