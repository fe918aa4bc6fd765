"""Claims per second compared with a bare statement, in short and long queues, alone and eight at once."""

from __future__ import annotations

from statistics import fmean

from benchmarks import tables
from benchmarks.measured import claiming, limits, product, waiting
from benchmarks.measured.claiming import Clients
from benchmarks.measured.waiting import Line
from reviewqueue.models import User

CLIENTS, QUICK_CLIENTS = 8, 2


def main() -> None:
    quick = product.quick()
    product.prepare()
    rounds = 1 if quick else 3
    commits = tables.median([limits.commit_rate(100 if quick else 2_000) for _ in range(rounds)])
    _one_review((1_000, 2_000) if quick else (1_000, 100_000, 1_000_000), rounds, QUICK_CLIENTS if quick else CLIENTS)
    _two_reviews(*((3_000, 1_000) if quick else (100_000, 20_000)), rounds)
    print(f"\nSingle commits, one connection: {tables.rate(commits)} (median of {rounds} rounds)")


def _one_review(lengths: tuple[int, ...], rounds: int, most: int) -> None:
    line = waiting.open_line("single")
    people = waiting.reviewers(line, most)
    rows: list[list[str]] = []
    shortest: dict[int, float] = {}
    filled = 0
    with claiming.clients(most) as clients:
        for length in lengths:
            # The shortest queue gets enough extra items for its own rounds.
            waiting.fill(line, first=filled + 1, last=length + 600 * rounds)
            filled = length + 600 * rounds
            for at_once in (1, most):
                ours, bare = _rounds(line, people, at_once, clients, rounds)
                shortest.setdefault(at_once, fmean(ours))
                beside = tables.times(fmean(ours) / shortest[at_once])
                rows.append([*_row(f"{length:,} waiting, {at_once} at once", at_once, ours, bare), beside])
    title = f"Claims, one review each ({rounds} rounds together)"
    tables.show(title, [*_HEADER, f"beside {lengths[0]:,} waiting"], rows)


_HEADER = ["", "claims", "p50", "p95", "bare claims", "bare p95", "times bare"]


def _row(name: str, at_once: int, ours: list[float], bare: list[float]) -> list[str]:
    """A table row; a client that only claims makes one claim per mean duration."""
    return [
        name,
        tables.rate(at_once / fmean(ours)),
        *(tables.milliseconds(tables.percentile(ours, percent)) for percent in (50, 95)),
        tables.rate(at_once / fmean(bare)),
        tables.milliseconds(tables.percentile(bare, 95)),
        tables.times(fmean(ours) / fmean(bare)),
    ]


def _rounds(
    line: Line, people: list[User], at_once: int, clients: Clients, rounds: int
) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    bare: list[float] = []
    for number in range(rounds):
        if at_once == 1:
            person = people[number]
            claiming.claim(line, person, 10)  # warm
            ours += claiming.claim(line, person, 200)
            bare += claiming.claim_bare(line, 200)
        else:
            ours += clients.claim(line, people, 40)
            bare += clients.claim_bare(line, people, 40)
    return ours, bare


def _two_reviews(length: int, judged: int, rounds: int) -> None:
    line = waiting.open_line("double")
    waiting.fill(line, first=1, last=length, reviews=2)
    first, steady, bare = [], [], []
    for person in waiting.reviewers(line, rounds):
        waiting.judge_head(line, person, judged)
        first += claiming.claim(line, person, 1)
        steady += claiming.claim(line, person, 200)
        bare += claiming.claim_bare(line, 200)
    name = f"{length:,} waiting, {judged:,} at the head judged"
    title = f"Claims, two reviews each, by a person who has judged the head ({rounds} rounds together)"
    rows = [[*_row(name, 1, steady, bare), tables.milliseconds(tables.median(first))]]
    tables.show(title, [*_HEADER, "the first claim"], rows)


if __name__ == "__main__":
    main()
