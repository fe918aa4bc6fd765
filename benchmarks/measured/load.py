"""Posts and reviews at a steady rate: how late each sweep gets, what is lost, and how long answers take."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection

from benchmarks import client, memory, reviewer, tables
from benchmarks.client import Target
from benchmarks.measured import faults, product, sessions
from benchmarks.reviewer import Seat
from escalation.models import Output, Route
from escalation.monitoring import heartbeats
from escalation.monitoring.sweeps import SWEEPS
from reviewqueue.models import Membership, Queue, User, Verdict
from tests.helpers.faults import RUNNING_SECONDS, STOPPED_SECONDS

PER_SECOND = 100
CONNECTIONS = 16
REVIEWERS = 4
REVIEWED = 0.2  # of the outputs, more than the reviewers can answer
FIRST = 200  # outputs before the clock starts, so that each reviewer has an item
LOOK_EVERY_SECONDS = 0.5
CATCH_UP_SECONDS = 60


def main() -> None:
    wanted = _arguments()
    if wanted.faults:
        faults.show(2.0 if wanted.quick else wanted.hold)
        return
    seconds = 10 if wanted.quick else round(wanted.minutes * 60)
    product.prepare(undo_seconds=1)
    with product.site() as site, client.running() as poster, reviewer.running() as people, ThreadPoolExecutor() as pool:
        workers = site.worker()
        web = site.web("config.wsgi", product.PATH, product.key_header())
        seats = [Seat(web.host, web.port, f"/queues/{product.SLUG}/", session) for session in _sign_in()]
        poster.flood(web, product.elements("first", FIRST, reviewed=REVIEWED), connections=1)
        _wait_until(lambda: _count_unrouted() == 0)
        with _saturation(workers) if wanted.saturated else _nothing():
            posted = pool.submit(_post, poster, web, seconds)
            judged = pool.submit(people.judge, seats, seconds, every=1.0)
            oldest = _watch(posted, judged)
        posts, reviews = posted.result().latencies, judged.result()
        caught_up = _wait_until(lambda: _count_unrouted() + _count_unsettled() == 0)
    _show_ages(oldest, seconds, saturated=wanted.saturated)
    _show_answers(posts, reviews)
    _show_losses(len(posts) + FIRST, len(reviews), caught_up)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--saturated", action="store_true")
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--hold", type=float, default=30)
    return parser.parse_args()


def _sign_in() -> Iterator[str]:
    for number in range(REVIEWERS):
        person = User.objects.create_user(username=f"reviewer-{number}", role="reviewer")
        Membership.objects.create(user=person, queue=Queue.objects.get(slug=product.SLUG))
        yield sessions.open_session(person)


def _post(poster: client.Client, web: Target, seconds: int) -> client.Posted:
    bodies = product.elements("load", PER_SECOND * seconds, reviewed=REVIEWED)
    return poster.pace(web, bodies, connections=CONNECTIONS, per_second=PER_SECOND)


def _watch(*work: Future[Any]) -> dict[str, float]:
    """The greatest age of each sweep, and of what waits for routing and settling, while the work is being done."""
    oldest: dict[str, float] = {}
    while not all(one.done() for one in work):
        seen = {age.sweep.name: age.seconds for age in heartbeats.measure_ages()}
        seen["an output waits for routing"] = heartbeats.measure_routing_lag_seconds()
        seen["a final verdict waits for settling"] = _oldest_unsettled()
        oldest = {name: max(seconds, oldest.get(name, 0)) for name, seconds in seen.items()}
        time.sleep(LOOK_EVERY_SECONDS)
    return oldest


@contextmanager
def _saturation(root: int) -> Iterator[None]:
    over = threading.Event()

    def stop_and_go() -> None:
        while not over.is_set():
            found = memory.find_tree(root)
            for number, pause in ((signal.SIGSTOP, STOPPED_SECONDS), (signal.SIGCONT, RUNNING_SECONDS)):
                for pid in found:
                    _signal(pid, number)
                time.sleep(pause)

    thread = threading.Thread(target=stop_and_go)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _wait_until(holds: Callable[[], bool]) -> float:
    """The seconds it took; infinite if it took too long."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > CATCH_UP_SECONDS:
            return float("inf")
        time.sleep(0.1)
    return time.monotonic() - began


def _count_unrouted() -> int:
    return Output.objects.received().count()


def _count_unsettled() -> int:
    return Verdict.objects.filter(undone_at=None).exclude(item_id__in=_settled_items()).count()


def _settled_items() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM reviewqueue_item WHERE state = 'settled'")
        return [row[0] for row in cursor.fetchall()]


def _oldest_unsettled() -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(EXTRACT(epoch FROM clock_timestamp() - min(settle_at)), 0) FROM reviewqueue_item "
            "WHERE state = 'open' AND settle_at IS NOT NULL"
        )
        return max(0.0, float(cursor.fetchall()[0][0]))


def _show_ages(oldest: dict[str, float], seconds: int, *, saturated: bool) -> None:
    every = {sweep.name: (f"{sweep.every:.0f} s", f"{sweep.late_after:.0f} s") for sweep in SWEEPS}
    rows = [[name, *every.get(name, ("", "")), f"{value:.1f} s"] for name, value in oldest.items()]
    machine = ", workers standing still seven eighths of the time" if saturated else ""
    tables.show(
        f"Oldest of each within {seconds} s of {PER_SECOND} posts/s and {REVIEWERS} reviewers{machine}",
        ["", "runs every", "late after", "oldest"],
        rows,
    )


def _show_answers(posts: list[float], reviews: list[float]) -> None:
    rows = [
        [name, f"{len(taken):,}", *(tables.milliseconds(tables.percentile(taken, percent)) for percent in (50, 95, 99))]
        for name, taken in (("a post", posts), ("a verdict and the next item", reviews))
    ]
    tables.show("Answers meanwhile, posts from the set time of each", ["", "", "p50", "p95", "p99"], rows)


def _show_losses(posts: int, reviews: int, caught_up: float) -> None:
    outputs, routes = Output.objects.count(), Route.objects.count()
    rows = [
        ["outputs", f"{posts:,}", f"{outputs:,}", f"{routes:,} routed"],
        ["verdicts", f"{reviews:,}", f"{Verdict.objects.count():,}", f"{_count_unsettled():,} not settled"],
    ]
    tables.show(f"Acknowledged and found, {caught_up:.1f} s after the end", ["", "acknowledged", "found", ""], rows)
    if (posts, posts, reviews, 0) != (outputs, routes, Verdict.objects.count(), _count_unsettled()):
        raise SystemExit("Something was lost, or not done within a minute.")


if __name__ == "__main__":
    main()
