"""Outputs received per second over HTTP, and outputs routed per second by one worker."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks import client, tables
from benchmarks.client import Client, Target
from benchmarks.measured import limits, product
from escalation.ingest import receive
from escalation.models import Stream
from escalation.routing import dispatch

ROUTED_AT_ONCE = 10_000  # more batches than there are


@dataclass(frozen=True, slots=True)
class Size:
    """A request size: outputs per request, requests per round, and connections."""

    batch: int
    outputs: int
    connections: int


def main() -> None:
    quick = product.quick()
    rounds = 1 if quick else 5
    scale = 20 if quick else 1
    sizes = [Size(1, 2_000 // scale, 16), Size(100, 20_000 // scale, 8), Size(1_000, 40_000 // scale, 8)]
    stream = product.prepare()
    limits.make_tables()
    _taken_in(sizes, rounds)
    _routed(stream, min(rounds, 3), 20_000 // scale)


def _taken_in(sizes: list[Size], rounds: int) -> None:
    ours: dict[int, list[float]] = {size.batch: [] for size in sizes}
    copied, single = [], []
    with client.running() as poster, product.site() as site:
        target = site.web("config.wsgi", product.PATH, product.key_header())
        bare = site.web("benchmarks.bare", "/bare")
        for each in (target, bare):
            _rate(poster, each, f"warm{each.port}", Size(1, 200, 16))
        for number in range(rounds):
            single.append(_rate(poster, bare, f"bare{number}", sizes[0]))
            for size in sizes:
                ours[size.batch].append(_rate(poster, target, f"round{number}", size))
            copied.append(limits.copy_rate(product.elements(f"copy{number}", sizes[-1].outputs, reviewed=0.2)))
    _show(sizes, rounds, ours, copied=tables.median(copied), single=tables.median(single))


def _rate(poster: Client, target: Target, name: str, size: Size) -> float:
    encoded = product.elements(f"{name}-{size.batch}", size.outputs, reviewed=0.2)
    posted = poster.flood(target, product.batches(encoded, size.batch), connections=size.connections)
    return size.outputs / posted.seconds


def _show(sizes: list[Size], rounds: int, ours: dict[int, list[float]], *, copied: float, single: float) -> None:
    rows = []
    for size in sizes:
        rate = tables.median(ours[size.batch])
        beside_bare = tables.share(rate, single) if size.batch == 1 else ""
        name = f"batch {size.batch:,} ({size.outputs:,} a round, {size.connections} connections)"
        rows.append([name, tables.rate(rate), tables.share(rate, copied), beside_bare])
    rows.append(["raw: COPY, 1,000 a commit, one table of the same columns", tables.rate(copied), "100 %", ""])
    rows.append(["raw: bare view with one INSERT", tables.rate(single), "", "100 %"])
    tables.show(
        f"Outputs taken in over HTTP (median of {rounds} rounds)", ["", "outputs", "of COPY", "of bare view"], rows
    )


def _routed(stream: Stream, rounds: int, outputs: int) -> None:
    rows = []
    for name, reviewed in (("all automatic", 0.0), ("80 % automatic, 20 % to people", 0.2)):
        rates, copied = [], []
        for number in range(rounds):
            encoded = product.elements(f"route{reviewed}-{number}", outputs, reviewed=reviewed)
            rates.append(_route_rate(stream, encoded))
            copied.append(limits.copy_rate(encoded))
        rate, limit = tables.median(rates), tables.median(copied)
        rows.append([name, tables.rate(rate), tables.rate(limit), tables.share(rate, limit)])
    title = f"Outputs routed by one worker ({outputs:,} a round, median of {rounds} rounds)"
    tables.show(title, ["", "routed", "raw COPY", "of COPY"], rows)


def _route_rate(stream: Stream, encoded: list[bytes]) -> float:
    _route_all()  # what the rounds before have left
    for first in range(0, len(encoded), 1000):
        receive.receive_outputs(stream=stream, raw=encoded[first : first + 1000], actor="system:bench")
    began = time.monotonic()
    routed = _route_all()
    assert routed == len(encoded), routed
    return routed / (time.monotonic() - began)


def _route_all() -> int:
    """Route everything that was received; one call stops after `dispatch.ROUTE_SECONDS`."""
    total = 0
    while routed := dispatch.route_received(batches=ROUTED_AT_ONCE):
        total += routed
    return total


if __name__ == "__main__":
    main()
