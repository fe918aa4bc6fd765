"""The threshold slider of the guarantee page on a million stored outputs: its request, the page, and counting."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.db import connection
from django.test import Client

from benchmarks.measured import product
from benchmarks.tables import milliseconds, percentile, show
from config import gunicorn
from escalation.guarantees import targets, thresholds
from escalation.models import OutputCount, Stream, output_id
from escalation.policies import versions
from escalation.simulation import daily_counts
from escalation.streams import definition
from reviewqueue.kernel import clock
from reviewqueue.models import User

AIM_MS = 200
TRIED = 30
RECOUNTS = 10
DAYS = 28
RATE = 0.1
CLASSES = [f"class_{number}" for number in range(10)]
SLUG = "million"

# Evenly over the days; most are sure, and the surer the more often right. Written in the order of their ids.
_OUTPUTS = """
    INSERT INTO escalation_output (id, stream_id, external_id, model, model_version, predicted, confidence, segment,
        "group", shadow, schema_number, state, size, attempts, received_at)
    SELECT ((%(since)s + n * %(step)s)::bigint << 20) + n %% 1000, %(stream)s, 'output-' || n, 'clf', '1',
        'class_' || (random() * 9.99)::int %% 10, 1 - random() ^ 3,
        jsonb_build_object('language', CASE WHEN random() < 0.3 THEN 'de' ELSE 'en' END), '', false, %(schema)s,
        'decided', 300, 0, to_timestamp((%(since)s + n * %(step)s) / 1000.0)
    FROM generate_series(0, %(count)s - 1) n
"""
_ROUTES = """
    INSERT INTO escalation_route (output_id, kind, reason, policy_id, eligible, released, audit, threshold, u, p, pi,
        routed_at)
    SELECT o.id, CASE WHEN drawn OR o.confidence < 0.8 THEN 'review' ELSE 'auto' END,
        CASE WHEN o.confidence < 0.8 THEN 'below_threshold' WHEN drawn THEN 'audit' ELSE 'above_threshold' END,
        %(policy)s, o.confidence >= 0.8, o.confidence >= 0.8, CASE WHEN drawn THEN 'after' ELSE '' END, 0.8, o.u,
        %(rate)s, CASE WHEN o.confidence < 0.8 THEN 1 ELSE %(rate)s END, o.received_at
    FROM (SELECT *, u < %(rate)s AS drawn FROM (SELECT *, random() AS u FROM escalation_output
        WHERE stream_id = %(stream)s) w) o
"""
_OUTCOMES = """
    INSERT INTO escalation_outcome (output_id, stream_id, label_id, round, outcome, answer, settled, wrong, overturned,
        blind, reviews, active_seconds, settled_at)
    SELECT id, %(stream)s, id, 1, 'answered', to_jsonb(answer), answer, answer <> predicted, answer <> predicted, true,
        1, 6, received_at + interval '5 minutes'
    FROM (
        SELECT o.*, CASE WHEN random() > confidence THEN 'class_' || (random() * 9.99)::int %% 10 ELSE predicted END
            AS answer
        FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
        WHERE o.stream_id = %(stream)s AND r.u < r.p
    ) w
"""
# What the slider asks, put to the outputs themselves.
_RAW = """
    SELECT count(*) FILTER (WHERE o.confidence >= %(threshold)s), count(*),
        count(*) FILTER (WHERE o.confidence >= %(threshold)s AND r.u < r.p AND e.blind AND e.wrong IS NOT NULL),
        count(*) FILTER (WHERE o.confidence >= %(threshold)s AND r.u < r.p AND e.blind AND e.wrong)
    FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id
    LEFT JOIN escalation_outcome e ON e.output_id = o.id
    WHERE o.stream_id = %(stream)s
"""


def main() -> None:
    count = 1_000 if product.quick() else 1_000_000
    product.prepare()
    stream = _stream()
    write_outputs(stream, count)
    counting = _timed(lambda: daily_counts.recount_stream(stream=stream), 1)
    _analyze()  # as autovacuum does after so many new rows
    read = partial(_read, _manager(), f"/streams/{SLUG}/guarantee/")
    places = [at * (len(thresholds.THRESHOLDS) - 1) // (TRIED - 1) for at in range(TRIED)]
    asked = iter([*places, *places])
    gunicorn.when_ready(None)  # as every process is when it is asked for the first time
    slide = _timed(lambda: read(f"preview/?place={next(asked)}"), TRIED)
    parts = _timed(lambda: read(f"preview/?place={next(asked)}&parts=on"), TRIED)
    show(
        f"{count:,} outputs of {len(CLASSES)} classes over {DAYS} days, {OutputCount.objects.count():,} rows of counts "
        f"(aim: p95 of the slider under {AIM_MS} ms)",
        ["what", "p50", "p95"],
        [
            _row(f"slider, {TRIED} thresholds", slide),
            _row("the first of them, which a process reads the counts for", slide[:1]),
            *_after_counting(stream, lambda: read("preview/?place=40")),
            _row("slider with each answer and segment", parts),
            _row("the same asked of the outputs", _timed(lambda: _raw(stream), 3)),
            _row("the whole page", _timed(lambda: read(""), 5)),
            _row("counting all", counting),
        ],
    )


def _manager() -> Client:
    client = Client(headers={"host": "localhost"})
    mara = User.objects.create(username="mara", role="admin")
    client.force_login(mara, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _after_counting(stream: Stream, ask: Callable[[], None]) -> list[list[str]]:
    """The slider's request right after a sweep counted today, or a day of two weeks ago, anew; and that counting."""
    today, keys = clock.team_date(clock.current_time()), daily_counts.list_counted_keys(stream)
    days = {"today": today, "an older day": today - timedelta(days=14)}
    rows, counting = [], []
    for name, day in days.items():
        asking = []
        for _ in range(RECOUNTS):
            counting += _timed(
                partial(daily_counts.count_day, stream=stream, day=day, keys=keys, now=clock.current_time()), 1
            )
            asking += _timed(ask, 1)
        rows.append(_row(f"slider right after {name} was counted anew", asking))
    return [*rows, _row("counting a day", counting)]


def _stream() -> Stream:
    description = {
        "slug": SLUG,
        "title": "A million",
        "answers": CLASSES,
        "policy": {
            "threshold": 0.8,
            "segments": [{"when": {"language": "de"}, "threshold": 0.9}],
            "audit": {"rate": RATE},
        },
        "costs": {"error": 5.0, "review": 0.4, "matrix": {"class_1": {"class_2": 12.0}}},
    }
    made = definition.apply_definition(
        definition.parse_definitions({"streams": [description]})[0], actor="system:bench"
    ).stream
    targets.set_error_target(stream=made, max_error=0.05, actor="system:bench")
    return made


def write_outputs(stream: Stream, count: int) -> None:
    """So many outputs of the last four weeks, a tenth of them audited, all of those answered."""
    now, current = clock.current_time(), versions.find_active_policy(stream)
    assert current is not None
    since = now - timedelta(days=DAYS) + timedelta(hours=1)
    values = {
        "stream": stream.pk,
        "schema": stream.schema_number,
        "policy": current.policy_id,
        "since": output_id.first_id_at(since) >> 20,
        "step": (now - since).total_seconds() * 1000 / count,
        "count": count,
        "rate": RATE,
    }
    with connection.cursor() as cursor:
        for statement in (_OUTPUTS, _ROUTES, _OUTCOMES):
            cursor.execute(statement, values)
    _analyze()


def _analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _read(client: Client, page: str, part: str) -> None:
    answer = client.get(page + part)
    assert answer.status_code == 200, answer.status_code


def _raw(stream: Stream) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_RAW, {"stream": stream.pk, "threshold": 0.9})
        cursor.fetchone()


def _timed(work: Callable[[], None], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def _row(name: str, taken: list[float]) -> list[str]:
    return [name, milliseconds(percentile(taken, 50)), milliseconds(percentile(taken, 95))]


if __name__ == "__main__":
    main()
