"""The desk: time for an answer and the next item on the server and on screen, memory of a tab, and a burst of keys."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks import reviewer, tab, tables
from benchmarks.measured import product, sessions, waiting
from benchmarks.reviewer import Reviewers, Seat
from benchmarks.tab import Memory
from reviewqueue.models import Guideline, User, Verdict

REVIEWERS = 8
GUIDELINES = "**refund**: money goes back.\n\n" * 40
# The verdict of each key for an item whose proposal is the second answer.
SAYS = {"1": "correct", "2": "agree", "3": "correct", "a": "agree", "x": "none"}


def main() -> None:
    wanted = _arguments()
    product.prepare()
    line = waiting.open_line("single")
    Guideline.objects.create(queue_id=line.queue_id, number=1, text=GUIDELINES)
    waiting.fill(line, first=1, last=400 if wanted.quick else 100_000)
    people = waiting.reviewers(line, REVIEWERS + 3)
    with product.site() as site:
        site.worker()
        web = site.web("config.wsgi", "")
        seats = [Seat(web.host, web.port, f"/queues/{line.slug}/", sessions.open_session(person)) for person in people]
        with reviewer.running() as reviewers:
            bare = site.web("benchmarks.bare", f"/page/{reviewers.size(seats[0])}")
            _server(reviewers, seats[:REVIEWERS], Seat(bare.host, bare.port, bare.path, ""), quick=wanted.quick)
        keyboard, heap, burst = seats[REVIEWERS:]
        _screen(keyboard, 4 if wanted.quick else 200)
        _heap(heap, wanted.items)
        _burst(burst, people[-1], min(wanted.items, 1000))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--items", type=int, help="how many items one tab goes through")
    wanted = parser.parse_args()
    wanted.items = wanted.items or (12 if wanted.quick else 200)
    return wanted


def _server(reviewers: Reviewers, seats: Sequence[Seat], bare: Seat, *, quick: bool) -> None:
    """Alternate each way of working with the bare view."""
    rounds, count, warm = (1, 3, 2) if quick else (3, 30, 15)
    ways = {
        f"{REVIEWERS} reviewers, an answer a second each": (seats, 1.0),
        f"{REVIEWERS} reviewers, as fast as they can": (seats, 0.0),
        "1 reviewer, as fast as they can": (seats[:1], 0.0),
    }
    reviewers.judge(seats, warm)
    reviewers.post([bare] * REVIEWERS, warm)
    rows = []
    for name, (sitting, every) in ways.items():
        ours: list[float] = []
        least: list[float] = []
        for _ in range(rounds):
            ours += reviewers.judge(sitting, count, every=every)
            least += reviewers.post([bare] * len(sitting), count, every=every)
        rows.append([name, *_percentiles(ours), *_percentiles(least), _times(ours, least)])
    title = f"An answer and the next item over HTTP, {Verdict.objects.count():,} answers ({rounds} rounds together)"
    tables.show(title, ["", "p50", "p95", "p99", "bare p50", "bare p95", "bare p99", "p95 beside bare"], rows)


def _percentiles(values: Sequence[float]) -> list[str]:
    return [tables.milliseconds(tables.percentile(values, percent)) for percent in (50, 95, 99)]


def _times(ours: Sequence[float], bare: Sequence[float]) -> str:
    return tables.times(tables.percentile(ours, 95) / tables.percentile(bare, 95))


def _screen(seat: Seat, count: int) -> None:
    with tab.opened(seat) as page:
        painted = tab.paint(page, count)
    parts = {
        "from the key to the next item painted": [one.waited for one in painted],
        "of that, the server": [one.server for one in painted],
        "raw: two frames in which nothing happens": [one.frames for one in painted],
    }
    rows = [[name, *_percentiles(values)] for name, values in parts.items()]
    tables.show(f"On the screen, {count} items by key in Chromium", ["", "p50", "p95", "p99"], rows)


def _heap(seat: Seat, items: int) -> None:
    """Measure a tab's memory; the first measurement is after some items, when everything loaded once is there."""
    marks = sorted({max(12, items // 30), items // 3, 2 * items // 3, items})
    measured: list[Memory] = []
    with tab.opened(seat, watched=False) as page:
        for number in range(1, items + 1):
            tab.judge(page)
            if number in marks:
                measured.append(tab.memory(page))
    rows = [
        [f"after {mark:,} items", f"{one.bytes / 1024:,.0f} KiB", _beside(one, measured[0]), *_counted(one)]
        for mark, one in zip(marks, measured, strict=True)
    ]
    tables.show("What one tab holds, its garbage collected", ["", "heap", "beside", "nodes", "listeners"], rows)


def _beside(one: Memory, first: Memory) -> str:
    return tables.times(one.bytes / first.bytes)


def _counted(one: Memory) -> list[str]:
    return [f"{one.nodes:,}", f"{one.listeners:,}"]


def _burst(seat: Seat, person: User, items: int) -> None:
    with tab.opened(seat) as page:
        presses = tab.burst(page, items)
        tab.ready(page)
        sent = {one.claim: one for one in tab.sent(page)}
    wrong = 0
    verdicts = Verdict.objects.filter(user=person)
    for verdict in verdicts:
        one = sent.get(f"{verdict.slot_id}.{verdict.claim}")
        wrong += one is None or one.painted != one.claim or SAYS[one.key] != verdict.kind
    rows = [[f"{presses:,} presses, 10 a second", f"{len(verdicts):,}", f"{wrong:,}"]]
    tables.show("A burst of answer keys", ["", "verdicts", "on an item that was not on screen"], rows)


if __name__ == "__main__":
    main()
