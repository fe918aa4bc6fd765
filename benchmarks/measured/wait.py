"""How long a producer waits for the route with `Prefer: wait=2`, at a steady rate of posts."""

from __future__ import annotations

from benchmarks import client, tables
from benchmarks.client import Client, Target
from benchmarks.measured import limits, product

PER_SECOND = 200
CONNECTIONS = 32  # enough that a late answer does not hold up the next post


def main() -> None:
    quick = product.quick()
    rounds, seconds = (1, 1) if quick else (3, 15)
    product.prepare()
    limits.make_tables()
    taken: dict[str, list[list[float]]] = {}
    with client.running() as poster, product.site() as site:
        site.worker()
        key = product.key_header()
        waiting = site.web("config.wsgi", product.PATH, key, "Prefer: wait=2")
        kinds = {
            "Prefer: wait=2, 80 % automatic": waiting,
            "without waiting": Target(waiting.host, waiting.port, waiting.path, (key,)),
            "raw: bare view with one INSERT": site.web("benchmarks.bare", "/bare"),
        }
        for target in kinds.values():
            _paced(poster, target, "warm", 1)
        for number in range(rounds):
            for kind, target in kinds.items():
                taken.setdefault(kind, []).append(_paced(poster, target, f"{kind}{number}", seconds))
    _show(taken, rounds, seconds)


def _paced(poster: Client, target: Target, name: str, seconds: int) -> list[float]:
    # The name is part of the external ids, so each round posts new outputs.
    bodies = product.elements(name.replace(" ", "-"), PER_SECOND * seconds, reviewed=0.2)
    return poster.pace(target, bodies, connections=CONNECTIONS, per_second=PER_SECOND).latencies


def _show(taken: dict[str, list[list[float]]], rounds: int, seconds: int) -> None:
    figures = {
        kind: [tables.median([tables.percentile(latencies, percent) for latencies in each]) for percent in (50, 95, 99)]
        for kind, each in taken.items()
    }
    limit = list(figures.values())[-1]
    rows = [
        [kind, *map(tables.milliseconds, values), tables.times(values[1] / limit[1])]
        for kind, values in figures.items()
    ]
    tables.show(
        f"Answers at {PER_SECOND} posts/s for {seconds} s, from the set time of each (median of {rounds} rounds)",
        ["", "p50", "p95", "p99", "p95 beside raw"],
        rows,
    )


if __name__ == "__main__":
    main()
